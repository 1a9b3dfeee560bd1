from __future__ import annotations

import numpy as np
import pytest
from safetensors.numpy import load_file

from facediff.errors import InputError
from facediff.landmarks.canonical import from_canonical, mean_face
from facediff.motion import coefficients
from facediff.motion.rig import FaceRig
from facediff.motion.strokes import PARTS
from facediff.training.stroke_prior import APART_S, choose_pairs, fit_stroke_prior, read_people, run_strokes
from facediff.types import RigidPose

POSE = RigidPose(np.eye(3, dtype=np.float32)[None], np.float32([100.0]), np.float32([[128, 128, 0]]))
RIG = FaceRig.from_shape(mean_face(), POSE)


def moved(channel: int, strength: float, frames: int = 200) -> np.ndarray:
    """Landmarks of a face that does one thing, there and back."""
    motion = np.zeros((frames, coefficients.DIMENSIONS), np.float32)
    motion[:, channel] = strength * np.sin(np.arange(frames) / 7)
    return from_canonical(RIG.express(motion), RIG.move_head(motion))


def test_pairs_lie_as_far_apart_as_is_said() -> None:
    first, last = choose_pairs(400, 25.0, np.random.default_rng(0), pairs=500)
    away = np.abs(last - first) / 25
    assert away.min() >= APART_S[0] - 0.02 and away.max() <= APART_S[1] + 0.02
    assert (last > first).mean() == pytest.approx(0.5, abs=0.1) and first.min() >= 0 and last.max() < 400


def test_what_people_do_is_what_the_prior_allows() -> None:
    brow = coefficients.BROWS.start
    made = fit_stroke_prior({"anna": [(moved(brow, 2.0), 25.0)], "ben": [(moved(brow, 0.0), 25.0)]})
    variance = np.diag(made["covariance"])
    assert variance[brow] == variance.max() and variance[brow] > 1.0
    assert variance[coefficients.LIPS].max() < 0.05 * variance[brow]
    alone = np.diag(fit_stroke_prior({"anna": [(moved(brow, 2.0), 25.0)]})["covariance"])
    assert variance[brow] == pytest.approx(alone[brow] / 2, rel=0.05), "people count alike"
    assert made["offset"].shape == (478,) and np.isfinite(made["offset"]).all()


def test_parts_are_told_apart_and_portraits_count_for_lips_and_brows() -> None:
    lip, yaw = coefficients.LIPS.start, coefficients.ANGLES.start
    people = {"anna": [(moved(yaw, 5.0), 25.0)]}
    smile = moved(lip, 3.0)[[0, 11]]
    plain, shown = (fit_stroke_prior(people, portraits)["covariance"] for portraits in (None, {"ben": smile}))
    assert shown[lip, lip] > plain[lip, lip] + 0.5
    assert shown[yaw, yaw] == pytest.approx(plain[yaw, yaw])
    for k, part in enumerate(PARTS):
        for other in PARTS[k + 1 :]:
            assert not shown[np.ix_(part, other)].any()


def test_nobody_to_learn_from_is_refused(tmp_path) -> None:
    with pytest.raises(InputError, match="60 frames"):
        read_people([], tmp_path)


def test_a_table_gives_a_prior(tmp_path, footage) -> None:
    (tmp_path / "talk.mp4").write_bytes((footage / "talk.mp4").read_bytes())
    (tmp_path / "clips.csv").write_text("file,split,kind,identity,licence\ntalk.mp4,train,silent,her,CC0\n")
    run_strokes(tmp_path / "clips.csv", tmp_path / "cache", tmp_path / "model")
    kept = load_file(tmp_path / "model" / "strokes" / "prior.safetensors")
    assert kept["covariance"].shape == (31, 31) and kept["covariance"][0, 0] > 0
