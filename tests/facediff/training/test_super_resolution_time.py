"""Learning what the neighbours of a frame show of it: moments of clips, what is drawn, and that it is learnt."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

import facediff.training.super_resolution_time as time_module
from facediff.datasets.recordings import Recording
from facediff.errors import InputError
from facediff.media import VideoWriter
from facediff.models.checkpoints import open_network
from facediff.models.super_resolver import MOST_CHANGE, SuperResolver
from facediff.pipelines.loading import load_super_resolver
from facediff.training.loop import LoopConfig
from facediff.training.stages import save_network
from facediff.training.super_resolution_time import (
    PIXELS,
    PLACES,
    MomentDraw,
    Moments,
    build_moments,
    recalling_loss,
    run_super_resolution_time,
    train_temporal,
)
from tests.portraits import plain


def write_clip(path: Path, side: int, *, blur: float = 0.0, frames: int = 24) -> Recording:
    """A portrait that moves by fractions of a pixel."""
    large = cv2.resize(plain(), (side + 40, side + 40), interpolation=cv2.INTER_CUBIC)
    if not blur:
        large = np.clip(large + np.random.default_rng(0).normal(0, 12, large.shape), 0, 255).astype(np.uint8)
    with VideoWriter(path, (side, side), Fraction(25), crf=4) as writer:
        for k in range(frames):
            shift = np.float32([[1, 0, -10 - 0.6 * k], [0, 1, -10 - 0.4 * k]])
            frame = cv2.warpAffine(large, shift, (side, side), flags=cv2.INTER_LINEAR)
            writer.write(cv2.GaussianBlur(frame, (0, 0), blur) if blur else frame)
    return Recording(path, path.name, "silent", path.stem, None)


@pytest.fixture(scope="module")
def embedded() -> SuperResolver:
    return load_super_resolver("base", "cpu").float()


@pytest.fixture
def few(monkeypatch) -> None:
    monkeypatch.setattr(time_module, "RUNS", 3)
    monkeypatch.setattr(time_module, "RUN", 4)
    monkeypatch.setattr(time_module, "LEAD", 2)


@pytest.fixture
def moments() -> Moments:
    """Of which one neighbour, and it alone, knows what is lacking."""
    rng = np.random.default_rng(0)
    told = rng.integers(-40, 41, (24, PIXELS, PIXELS, 3)).astype(np.int8)
    changes = np.concatenate([told, np.zeros_like(told)], axis=3)
    features = rng.standard_normal((24, 16, PLACES, PLACES)).astype(np.float16)
    return Moments(features, changes, (0.5 * told * MOST_CHANGE / 127).astype(np.float16))


def test_moments_are_made_once_of_what_is_large_and_sharp_enough(embedded, few, tmp_path: Path) -> None:
    sharp, small = write_clip(tmp_path / "a.mp4", 448), write_clip(tmp_path / "b.mp4", 256)
    soft = write_clip(tmp_path / "c.mp4", 448, blur=9)
    made = build_moments([sharp, small, soft], embedded, tmp_path / "moments")
    assert len(made.features) == len(made.changes) == len(made.lacking) == 3 * 2 * time_module.PATCHES
    assert made.features.shape[1:] == (64, PLACES, PLACES) and made.changes.shape[1:] == (PIXELS, PIXELS, 6)
    assert 0.002 < np.abs(made.lacking).mean() < 0.1 and (made.changes != 0).any(axis=(1, 2)).all()
    again = build_moments([sharp, small, soft], embedded, tmp_path / "moments")
    np.testing.assert_array_equal(again.changes, made.changes)
    with pytest.raises(InputError, match="moments of other clips"):
        build_moments([sharp], embedded, tmp_path / "moments")
    with pytest.raises(InputError, match="none of 2 clips has 400 pixels"):
        build_moments([small, soft], embedded, tmp_path / "others")


@pytest.mark.parametrize("way", time_module.WAYS)
def test_what_is_lacking_is_what_a_frame_lacks_however_it_was_halved(embedded, few, tmp_path, monkeypatch, way) -> None:
    clip = write_clip(tmp_path / "a.mp4", 448, frames=8)
    monkeypatch.setattr(time_module, "SHARES", [float(way == one) for one in time_module.WAYS])
    patches = list(time_module._look_at_run(clip, 1.0, embedded, np.random.default_rng(0)))
    assert len(patches) == 2 * time_module.PATCHES
    for _, changes, lacking in patches:
        assert np.abs(changes).max() <= 127 and np.abs(lacking).mean() < 0.15
        assert abs(float(lacking.mean())) < 0.02


def test_time_runs_either_way_and_neighbours_may_be_absent(moments) -> None:
    draw = MomentDraw(moments, 12)
    both = [bool(draw(np.random.default_rng(k))["changes"][:, :3].any()) for k in range(4)]
    kinds = set()
    for seed in range(12):
        changes = draw(np.random.default_rng(seed))["changes"]
        kinds |= {(bool(one[:3].any()), bool(one[3:].any())) for one in changes}
    assert any(both) and kinds == {(True, False), (False, True), (False, False)}
    with pytest.raises(InputError, match="24 patches"):
        MomentDraw(moments, 25)


def test_it_learns_what_a_neighbour_knows(moments, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(time_module, "CHANNELS", 16)
    config = LoopConfig(output=tmp_path, steps=30, learning_rate=5e-3, warmup=5, mixed_precision="no", ema_decay=0.9)
    network = SuperResolver(channels=16, blocks=1)
    before = network.leave.weight.clone()
    layer = train_temporal(network, moments, config)
    with torch.no_grad():
        gain = recalling_loss(layer, MomentDraw(moments)(np.random.default_rng(7)), torch.Generator())[1]["gain"]
    assert gain > 0.2 and network.temporal is layer  # 0 before it has learnt
    torch.testing.assert_close(network.leave.weight, before)


def test_a_network_keeps_its_weights_and_gets_a_layer(few, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "a.mp4", 448)
    (tmp_path / "clips.csv").write_text(f"file,split,kind,identity,licence\n{clip.name},train,silent,a,MIT\n")
    torch.manual_seed(0)
    own = SuperResolver(channels=16, blocks=1)
    save_network(own, tmp_path / "mine" / "super_resolution")
    config = LoopConfig(output=tmp_path / "run", steps=2, mixed_precision="no")
    run_super_resolution_time(tmp_path / "clips.csv", tmp_path / "cache", tmp_path / "mine", config)
    made = open_network(SuperResolver, tmp_path / "mine", "super_resolution")
    assert made.temporal is not None
    torch.testing.assert_close(made.enter.weight, own.enter.weight.float())
