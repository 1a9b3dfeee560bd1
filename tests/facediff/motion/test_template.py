import errno
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from facediff.errors import InputError, MediaError, OutputError
from facediff.landmarks.canonical import mean_face
from facediff.landmarks.mesh import BROW_FRAME, STABLE
from facediff.motion import coefficients
from facediff.motion import template as templates
from facediff.motion.rig import FaceRig, fit_neutral
from facediff.motion.template import MotionTemplate, extract, load_template
from facediff.types import FaceTrack, Presence, RigidPose

POSE = RigidPose(np.eye(3, dtype=np.float32)[None], np.float32([120]), np.float32([[200, 180, 0]]))
RIG = FaceRig.from_shape(fit_neutral(mean_face()[None]), POSE)


def template(frames: int = 9, fps: Fraction = Fraction(25)) -> MotionTemplate:
    rng = np.random.default_rng(0)
    motion = rng.normal(size=(frames, coefficients.DIMENSIONS)).astype(np.float32)
    return MotionTemplate(motion, rng.random(frames) > 0.3, np.eye(3, dtype=np.float32), fps)


def opened(amount: float) -> np.ndarray:
    """Coefficients (16,) of lips that part by so many eye distances."""
    b = coefficients.basis()
    return amount * b.opening.ravel() @ np.linalg.pinv(b.lips.reshape(len(b.lips), -1))


def acted(frames: int = 60) -> np.ndarray:
    """A motion in which the mouth opens and the head turns, each at a pace of its own."""
    time = np.arange(frames) / 25
    motion = np.zeros((frames, coefficients.DIMENSIONS), np.float32)
    motion[:, coefficients.LIPS] = np.clip(np.sin(2 * np.pi * 1.5 * time), 0, 1)[:, None] * opened(0.15)
    motion[:, coefficients.ANGLES.start] = 8 * np.sin(2 * np.pi * 0.7 * time)
    motion[:, coefficients.ANGLES.start + 1] = 4 * np.cos(2 * np.pi * 0.5 * time)
    return motion


def tracked(motion: np.ndarray, fps: float = 25.0) -> FaceTrack:
    points = RIG.points(motion)
    return FaceTrack(points, np.full(len(points), Presence.FOUND, np.uint8), (400, 400), fps)


@pytest.mark.parametrize("name", ["m.safetensors", "m.npz"])
def test_what_is_saved_is_loaded_bit_for_bit(tmp_path, name: str) -> None:
    kept = template(fps=Fraction(30000, 1001))
    again = load_template(kept.save(tmp_path / "new" / name))
    for part in ("motion", "present", "rotation"):
        np.testing.assert_array_equal(getattr(again, part), getattr(kept, part))
    assert again.fps == kept.fps
    assert [p.name for p in (tmp_path / "new").iterdir()] == [name]


def test_what_is_no_motion_is_refused(tmp_path) -> None:
    with pytest.raises(MediaError, match="there is no motion"):
        load_template(tmp_path / "none.npz")
    (tmp_path / "bad.npz").write_bytes(b"garbage")
    np.savez(tmp_path / "pickle.npz", motion=np.array([{}], dtype=object), present=[True], rotation=np.eye(3))
    save_file({"weight": np.zeros(3, np.float32)}, tmp_path / "other.safetensors")
    for name in ("bad.npz", "pickle.npz", "other.safetensors"):
        with pytest.raises(MediaError, match="is not a motion"):
            load_template(tmp_path / name)
    short, holes = template(), template()
    MotionTemplate(short.motion[:, :7], short.present, short.rotation, short.fps).save(tmp_path / "short.npz")
    holes.motion[2, 3] = np.nan
    holes.save(tmp_path / "holes.npz")
    for name in ("short.npz", "holes.npz"):
        with pytest.raises(MediaError, match="finite numbers are wanted"):
            load_template(tmp_path / name)


def test_places_that_cannot_be_written_are_refused(tmp_path) -> None:
    with pytest.raises(InputError, match="must end in"):
        template().save(tmp_path / "m.pkl")
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be written"):
        template().save(tmp_path / "file" / "m.npz")


def test_another_rate_keeps_the_time() -> None:
    slow = template(frames=10)
    fast = slow.at(Fraction(50))
    assert len(fast) == 20 and fast.fps == 50
    np.testing.assert_array_equal(fast.motion[::2], slow.motion)
    np.testing.assert_allclose(fast.motion[1:-1:2], (slow.motion[:-1] + slow.motion[1:]) / 2, atol=1e-6)
    assert slow.at(Fraction(25)) is slow


def test_what_a_face_does_is_found_again() -> None:
    motion = acted()
    found = extract(tracked(motion))
    for channel in (coefficients.ANGLES.start, coefficients.ANGLES.start + 1):
        assert np.corrcoef(found.motion[:, channel], motion[:, channel])[0, 1] > 0.97
    gap = coefficients.lip_opening(RIG.express(motion))
    assert np.corrcoef(found.motion[:, coefficients.OPENING.start], gap)[0, 1] > 0.97
    assert found.present.all() and found.fps == 25


def test_brows_of_a_driver_are_those_of_its_rig_whatever_its_forehead_does() -> None:
    motion = acted()
    motion[:, coefficients.BROWS.start] = 1.5 * np.sin(np.arange(60) / 5)
    still, lifted = tracked(motion), tracked(motion)
    forehead = np.setdiff1d(STABLE, BROW_FRAME)
    lifted.points[:, forehead, 1] += 2 * np.sin(np.arange(60) / 5)[:, None]
    one, other = (extract(track).motion[:, coefficients.BROWS.start] for track in (still, lifted))
    assert np.corrcoef(one, motion[:, coefficients.BROWS.start])[0, 1] > 0.97
    assert 0.85 < (one @ other) / (one @ one) < 1.15


def test_the_first_frame_need_not_be_neutral() -> None:
    motion = acted()
    whole, late = extract(tracked(motion)), extract(tracked(np.roll(motion, -8, axis=0)))
    np.testing.assert_allclose(np.roll(late.motion, 8, axis=0)[10:-10], whole.motion[10:-10], atol=0.15)


def test_gaps_are_bridged_and_marked() -> None:
    track = tracked(acted())
    track.points[20:30], track.presence[20:30] = np.nan, Presence.ABSENT
    found = extract(track)
    assert np.isfinite(found.motion).all()
    np.testing.assert_array_equal(np.flatnonzero(~found.present), np.arange(20, 30))
    np.testing.assert_allclose(np.diff(found.motion[19:31], n=2, axis=0), 0, atol=1e-5)


def test_a_single_picture_is_an_expression() -> None:
    motion = np.zeros((1, coefficients.DIMENSIONS), np.float32)
    motion[0, coefficients.LIPS], motion[0, coefficients.LIDS] = opened(0.15), 0.6
    found = extract(tracked(motion, fps=0.0))
    assert found.motion[0, coefficients.OPENING] == pytest.approx(0.15, abs=0.04)
    assert (found.motion[0, coefficients.LIDS] > 0.3).all()
    np.testing.assert_allclose(found.motion[0, coefficients.ANGLES], 0, atol=1e-6)


@pytest.mark.parametrize("name", ["m.safetensors", "m.npz"])
def test_a_disk_that_is_full_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, name: str) -> None:
    path = template().save(tmp_path / name)
    before = path.read_bytes()

    def cut_short(first, second=None, **_):
        target = second if isinstance(first, dict) else first
        target.write(b"half") if hasattr(target, "write") else Path(target).write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(templates, "save_file", cut_short)
    monkeypatch.setattr(np, "savez", cut_short)
    with pytest.raises(OutputError, match="No space left"):
        template(frames=3).save(path)
    assert path.read_bytes() == before and [p.name for p in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(
    ("part", "value", "said"),
    [
        ("rotation", np.eye(2, dtype=np.float32), "finite numbers are wanted"),
        ("present", np.ones(8, bool), "finite numbers are wanted"),
        ("fps", Fraction(1, 2), "0.5 frames a second"),
        ("fps", Fraction(300), "300 frames a second"),
    ],
)
def test_a_motion_that_does_not_fit_together_is_refused(tmp_path, part: str, value, said: str) -> None:
    for suffix in templates.SUFFIXES:
        path = replace(template(), **{part: value}).save(tmp_path / f"m{suffix}")
        with pytest.raises(MediaError, match=said):
            load_template(path)


@pytest.mark.parametrize("fps", [Fraction(10), Fraction(24000, 1001), Fraction(60), Fraction(1)])
def test_at_any_rate_a_motion_lasts_as_long(fps: Fraction) -> None:
    kept = template(frames=50)
    rows = kept.motion
    rows[:] = np.arange(50)[:, None] / 25  # says what time it is
    again = kept.at(fps)
    assert abs(len(again) / fps - 2) <= 1 / (2 * fps) and len(again.present) == len(again)
    times = np.minimum(np.arange(len(again)) / float(fps), 49 / 25)
    np.testing.assert_allclose(again.motion, np.tile(times[:, None], (1, coefficients.DIMENSIONS)), atol=1e-5)
    inside = np.arange(len(again)) * 25 / fps
    np.testing.assert_array_equal(again.present, kept.present[[min(round(float(k)), 49) for k in inside]])
