import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from facediff.errors import WeightsError
from facediff.models.checkpoints import explain_damage, load_network, open_network, open_schedule, own_or_base
from facediff.models.codec import FaceCodec
from facediff.models.motion import MotionDenoiser
from facediff.system.weights import CHECKPOINTS

WEIGHTS = "diffusion_pytorch_model.safetensors"


@pytest.fixture
def model(tmp_path) -> Path:
    shutil.copytree(CHECKPOINTS / "base" / "codec", tmp_path / "mine" / "codec")
    shutil.copytree(CHECKPOINTS / "base" / "motion", tmp_path / "mine" / "motion")
    return tmp_path / "mine"


def test_a_network_is_ready_to_run_as_precisely_as_asked(model) -> None:
    codec = open_network(FaceCodec, model, "codec", torch.bfloat16)
    assert codec.dtype == torch.bfloat16 and not codec.training
    assert open_network(FaceCodec, "base", "codec").dtype == torch.float32
    assert open_schedule(model, "motion").config["prediction_type"] == "sample"


def test_a_missing_part_is_named(model) -> None:
    with pytest.raises(WeightsError, match="has no difftalk"):
        open_network(FaceCodec, model, "difftalk/unet")
    with pytest.raises(WeightsError, match="has no fadm"):
        open_schedule(model, "fadm")


def test_other_weights_are_refused(model) -> None:
    weights = load_file(model / "codec" / WEIGHTS)
    weights["elsewhere"] = weights.pop(next(iter(weights)))
    save_file(weights, model / "codec" / WEIGHTS, {"format": "pt"})
    with pytest.raises(WeightsError, match="not those of a FaceCodec"):
        open_network(FaceCodec, model, "codec")


def test_weights_of_other_sizes_are_refused_with_what_to_do(model) -> None:
    weights = load_file(model / "motion" / "denoiser" / WEIGHTS)
    weights["attend.1.weight"] = torch.zeros(96, 576, 1)  # what it was before it heard with Whisper
    save_file(weights, model / "motion" / "denoiser" / WEIGHTS, {"format": "pt"})
    with pytest.raises(WeightsError, match="MotionDenoiser of this version, .*; train it anew") as raised:
        open_network(MotionDenoiser, model, "motion/denoiser")
    assert "\n" not in str(raised.value) and "ignore_mismatched_sizes" not in str(raised.value)


def test_damage_is_a_sentence(model) -> None:
    (model / "codec" / WEIGHTS).write_bytes(b"no weights")
    with pytest.raises(WeightsError, match=r"mine cannot be loaded: .+"):
        open_network(FaceCodec, model, "codec")
    (model / "motion" / "scheduler" / "scheduler_config.json").write_text("{")
    with pytest.raises(WeightsError, match="cannot be loaded"):
        open_schedule(model, "motion")


def test_a_fault_that_is_no_damage_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError), explain_damage("mine"):
        1 / 0  # noqa: B018
    with pytest.raises(WeightsError, match="as it was"), explain_damage("mine"):
        raise WeightsError("as it was")


def test_a_folder_without_a_painter_is_helped_out_by_the_embedded_model(tmp_path):
    assert own_or_base(tmp_path) == "base"
    (tmp_path / "difftalk").mkdir()
    assert own_or_base(tmp_path) == str(tmp_path)


def test_networks_are_opened_one_after_the_other(tmp_path) -> None:
    """What diffusers changes of all torch while it opens one would else be left so, and later ones have no weights."""
    busy, most = [], []

    class Slow(nn.Module):
        @staticmethod
        def from_pretrained(folder: Path, **how: object) -> tuple[nn.Module, dict[str, list[str]]]:
            busy.append(folder)
            most.append(len(busy))
            time.sleep(0.05)
            busy.remove(folder)
            return nn.Linear(1, 1), {"missing_keys": [], "unexpected_keys": []}

    with ThreadPoolExecutor(4) as pool:
        opened = list(pool.map(lambda number: load_network(Slow, tmp_path / str(number)), range(4)))
    assert len(opened) == 4 and max(most) == 1
