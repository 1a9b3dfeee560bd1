"""A talk, and copies of it that are spoilt in known ways; what is found of each is kept for all tests of this room."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from facediff.audio.wave import load_wave
from facediff.evaluation.cases import Case, Item, Kit
from facediff.evaluation.feature_cache import FeatureCache
from facediff.media import VideoReader, VideoWriter

LATE = 5


def write_copy(path: Path, frames, wave=None, fps: int = 25) -> Path:
    """A film of frames, and of a wave at 16 kHz."""
    path.parent.mkdir(parents=True, exist_ok=True)
    frames = list(frames)
    with VideoWriter(path, frames[0].shape[1::-1], Fraction(fps), audio=wave, crf=12) as writer:
        for frame in frames:
            writer.write(frame)
    return path


def stranger(frame: np.ndarray) -> np.ndarray:
    """Another's face, for want of another: longer below, narrower above, and of another colour."""
    height, width = frame.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32) / height
    bent = cv2.remap(frame, (x + 0.16 * (x - 0.5) * (1 - 2 * y)) * width, y**0.82 * height, cv2.INTER_LINEAR,
                     borderMode=cv2.BORDER_REPLICATE)  # fmt: skip
    return np.clip(bent[..., ::-1] * np.array([0.75, 0.65, 0.6]), 0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def write_film_copy():
    """See ``write_copy``."""
    return write_copy


@pytest.fixture(scope="session")
def as_stranger():
    """See ``stranger``."""
    return stranger


@pytest.fixture(scope="session")
def spoilt(footage, make_once) -> dict[str, Path]:
    """Films by what was done to them; ``plain`` is the truth of all."""
    folder = make_once("spoilt", lambda folder: _spoil(footage, folder))
    return {path.stem: path for path in sorted(folder.iterdir())}


def _spoil(footage: Path, folder: Path) -> None:
    frames, wave = list(VideoReader(footage / "talk.mp4")), load_wave(footage / "talk.mp4")
    order = np.random.default_rng(0).permutation(len(frames))
    copies = {
        "plain": frames,
        "late": [frames[0]] * LATE + frames[:-LATE],
        "soft": [cv2.GaussianBlur(frame, (0, 0), 1.0) for frame in frames],
        "softer": [cv2.GaussianBlur(frame, (0, 0), 2.0) for frame in frames],
        "softest": [cv2.GaussianBlur(frame, (0, 0), 4.0) for frame in frames],
        "shuffled": [frames[k] for k in order],
        "stranger": [stranger(frame) for frame in frames],
    }
    for name, shown in copies.items():
        write_copy(folder / f"{name}.mp4", shown, wave)


@pytest.fixture(scope="session")
def features(make_once) -> FeatureCache:
    """What has been found out about films."""
    return FeatureCache(make_once("features", lambda folder: None))


@pytest.fixture(scope="session")
def kit(features) -> Kit:
    """What all cases of the tests share, features among them."""
    return Kit(features)


@pytest.fixture(scope="session")
def cases(spoilt, kit) -> dict[str, Case]:
    """Each of the films against the plain one."""
    return {name: Case(Item(made=path, truth=spoilt["plain"]), kit) for name, path in spoilt.items()}


@pytest.fixture(scope="session")
def figure(cases):
    """What measures a metric of one of the films, or of the films as a set."""
    from facediff.evaluation.registry import Curve, Entry, metrics

    def measure(name: str, film: str):
        one, case = metrics()[name], cases[film]
        if one.features is not None:
            return one.measure([Entry("plain", case.once(one.features), case.truth.once(one.features))])
        found = one.measure(case)
        return found.figure if isinstance(found, Curve) else found

    return measure
