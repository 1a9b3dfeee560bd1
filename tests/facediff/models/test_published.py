"""The classes that diffusers knows have the weights, files and answers of the networks that they are of."""

from __future__ import annotations

import pytest
import torch
from diffusers import ModelMixin

from facediff.models import published
from facediff.models.checkpoints import open_network
from facediff.models.network import Network, read_network
from facediff.system.weights import CHECKPOINTS

EMBEDDED = {
    "FaceCodec": "codec",
    "MotionDenoiser": "motion/denoiser",
    "MaskedMotionDenoiser": "filling/denoiser",
    "MouthRefiner": "mouth",
}


def kinds(name: str) -> tuple[type[ModelMixin], type[Network]]:
    theirs = getattr(published, name)
    (ours,) = (base for base in theirs.__bases__ if issubclass(base, Network))
    return theirs, ours


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("name", EMBEDDED)
def test_both_open_the_same_weights_and_buffers(name, dtype) -> None:
    theirs, ours = (open_network(kind, "base", EMBEDDED[name], dtype) for kind in kinds(name))
    assert isinstance(theirs, ModelMixin) and not isinstance(ours, ModelMixin)
    for told in ("state_dict", "named_buffers"):
        one, other = (dict(getattr(network, told)()) for network in (theirs, ours))
        assert one.keys() == other.keys()
        assert all(one[key].dtype == other[key].dtype and torch.equal(one[key], other[key]) for key in one)
    assert {key: value for key, value in theirs.config.items() if not key.startswith("_")}.keys() == ours.config.keys()


def test_what_one_writes_the_other_reads(tmp_path) -> None:
    torch.manual_seed(0)
    theirs = published.FaceCodec(4, 8, 8, (1, 1), (1, 1), latents_mean=[0.5] * 4).eval()
    theirs.save_pretrained(tmp_path)
    ours, lacking, unknown = read_network(kinds("FaceCodec")[1], tmp_path)
    images = torch.rand(1, 3, 16, 24)
    assert not lacking and not unknown and torch.equal(ours(images), theirs(images))


def test_the_ear_is_the_same() -> None:
    theirs, ours = (open_network(kind, CHECKPOINTS, "whisper") for kind in kinds("WhisperEncoder"))
    mel = torch.randn(1, 80, 40)
    with torch.no_grad():
        assert torch.equal(theirs(mel), ours(mel)) and theirs.dim == ours.dim


def test_their_old_homes_give_them_still() -> None:
    from facediff.models.codec import FaceCodec
    from facediff.models.motion import MotionDenoiser

    assert FaceCodec is published.FaceCodec and MotionDenoiser is published.MotionDenoiser
