"""The prior, trained for two steps on a clip that speaks and one without a sound."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from facediff.conditioning.captions import CaptionEncoder
from facediff.datasets.recordings import Recording
from facediff.errors import WeightsError
from facediff.models.space_time import TemporalLayer
from facediff.pipelines.loading import load_prior, load_talk
from facediff.training import prior
from facediff.training.loop import LoopConfig
from facediff.training.prior import run_prior, weigh_sources, write_caption

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize(
    ("label", "said"),
    [
        ({"male": 1.0, "age": 0.9, "beard": 0.7}, "man old beard"),
        ({"male": 0.0, "age": 0.1, "beard": 0.0}, "woman young"),
        ({"male": 0.5, "age": 0.5, "beard": 0.5}, ""),
        ({"heavy-makeup": 1.0}, "heavy makeup"),
        ({}, ""),
    ],
)
def test_labels_are_said_where_they_are_sure(label, said) -> None:
    assert write_caption(label) == said


class Counted(list):
    """As many runs."""


def clip(name: str, identity: str, is_heard: bool = True) -> Recording:
    path = Path(name)
    return Recording(path, name, "av" if is_heard else "silent", identity, path if is_heard else None)


def test_people_count_as_a_power_of_what_there_is_of_them() -> None:
    runs = [Counted(range(count)) for count in (10, 30, 5)]
    clips = [clip("a", "anna"), clip("b", "anna", is_heard=False), clip("c", "carl")]
    sources = weigh_sources([(c, r, c.name) for c, r in zip(clips, runs, strict=True)], power=0.5)
    of_anna, again, of_carl = (source.weight for source in sources)
    assert again == pytest.approx(3 * of_anna)
    assert (of_anna + again) / of_carl == pytest.approx((40 / 5) ** 0.5)
    assert [source.is_heard for source in sources] == [True, False, True]
    assert [source.caption for source in sources] == ["a", "b", "c"]


@pytest.fixture(scope="module")
def trained(table, tiny_model, tmp_path_factory) -> Path:
    """A folder with a model whose prior was trained on a table of clips, in place of the one it had."""
    folder = tmp_path_factory.mktemp("prior")
    shutil.copytree(tiny_model, folder / "model")
    shutil.rmtree(folder / "model" / "prior")
    sha256 = hashlib.sha256((table / "talk.mp4").read_bytes()).hexdigest()
    (folder / "labels.csv").write_text(f"sha256,male,age\n{sha256[:16]},0.9,0.8\n")
    config = LoopConfig(output=folder / "run", steps=2, learning_rate=0.05, warmup=1, mixed_precision="no")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(prior, "TemporalLayer", lambda channels: TemporalLayer(channels, heads=2, groups=4))
        labels = folder / "labels.csv"
        run_prior(table / "clips.csv", table / "cache", folder / "model", config, labels=labels)
    return folder


def test_it_learns_time_and_words_and_leaves_all_else_alone(trained, tiny_model) -> None:
    model = trained / "model"
    assert sorted(path.name for path in (model / "prior").iterdir()) == ["captions", "temporal"]
    (file,) = (model / "prior" / "temporal").glob("*.safetensors")
    assert load_file(file)["layer.proj_out.weight"].any()  # it began at zero
    words = CaptionEncoder.from_pretrained(model / "prior" / "captions")
    assert words.config["vocabulary"] == ["man", "old"]
    for own in (model / "difftalk").rglob("*.safetensors"):
        assert own.read_bytes() == (tiny_model / own.relative_to(model)).read_bytes()


def test_what_it_writes_is_what_is_loaded(trained) -> None:
    model = trained / "model"
    _, painting = load_talk(model, "cpu")
    made, words = load_prior(model, painting.to(torch.float32))
    assert words.find_known("an old man") == ["old", "man"]
    with torch.no_grad():
        frames = made(torch.randn(1, 4 * 3 + 33, 4, 16, 20), 300, torch.randn(4, 9, 128)).sample
    assert frames.shape == (1, 4, 4, 16, 20) and frames.isfinite().all()


def test_without_the_denoiser_there_is_nothing_to_start_from(trained, table, tmp_path) -> None:
    shutil.copytree(trained / "model" / "codec", tmp_path / "model" / "codec")
    config = LoopConfig(output=tmp_path / "run", steps=1)
    with pytest.raises(WeightsError, match="has no difftalk"):
        run_prior(table / "clips.csv", tmp_path / "cache", tmp_path / "model", config)
