"""Attributes laid on faces as light and shade."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.data import astronaut

from facediff.errors import ConfigError
from facediff.landmarks import masks
from facediff.landmarks.flat_face import FLAT
from facediff.landmarks.mesh import FACE_OVAL, LIPS_INNER
from facediff.landmarks.tracker import track_still
from facediff.models.prototypes import Prototypes, load_prototypes
from facediff.rendering.editing.prototypes import PrototypeEditor, limit_lightening
from facediff.system.weights import model_folder
from facediff.types import FaceTrack


@pytest.fixture(scope="module")
def track() -> FaceTrack:
    return track_still(astronaut())


@pytest.fixture(scope="module")
def prototypes() -> Prototypes:
    return load_prototypes(model_folder("base", "edit") / "prototypes")


def edit(track: FaceTrack, prototypes: Prototypes, picture: np.ndarray | None = None, **wishes: float) -> np.ndarray:
    frame = astronaut() if picture is None else picture
    (made,) = PrototypeEditor(track, prototypes, wishes)([(0, frame)])
    return made


def part(track: FaceTrack, name: str) -> np.ndarray:
    points, unit = track.points[0], float(np.linalg.norm(track.points[0, 33] - track.points[0, 263]))
    if name == "lips":
        return masks.mouth(points, (512, 512), unit) - masks.region(points[LIPS_INNER], (512, 512), unit) > 0.9
    if name in ("chin", "cheeks"):
        centre = points[[152, 17] if name == "chin" else [50, 205]].mean(axis=0)
        return np.hypot(*(np.mgrid[0:512, 0:512] - centre[1::-1, None, None])) < 0.08 * unit
    return masks.region(points[FACE_OVAL], (512, 512), unit, reach=0.02 if name == "around" else 0.25) == 0


def test_a_beard_darkens_the_chin_and_make_up_reddens_the_lips(track, prototypes) -> None:
    """A quality gate, in levels of 255, for whatever prototypes ship."""
    bearded = edit(track, prototypes, beard=1.0).astype(float) - astronaut()
    assert bearded[part(track, "chin")].mean() < -25
    made_up = edit(track, prototypes, makeup=1.0).astype(float) - astronaut()
    lips = made_up[part(track, "lips")].mean(axis=0)
    assert lips[0] - lips[1] > 8
    cheeks = np.abs(made_up[part(track, "cheeks")])
    assert cheeks.mean() < 0.3 * np.abs(made_up[part(track, "lips")]).mean()  # lips first; a little blush may be


def test_nothing_beyond_the_face_changes_and_strength_0_changes_nothing(track, prototypes) -> None:
    for name in prototypes.names:
        made = edit(track, prototypes, **{name: 1.0})
        np.testing.assert_array_equal(made[part(track, "away")], astronaut()[part(track, "away")])
        assert np.abs(made.astype(int) - astronaut()).max() > 8
    np.testing.assert_array_equal(edit(track, prototypes, beard=0.0, age=0.0), astronaut())


def test_no_rim_of_light_shows_on_what_is_behind_the_jaw(track, prototypes) -> None:
    grey = np.full_like(astronaut(), 128)
    for name in ("age", "makeup", "male"):
        for strength in (-1.0, 1.0):
            change = np.abs(edit(track, prototypes, grey, **{name: strength}).astype(int) - 128)
            assert change[part(track, "around")].max() <= 4 < change.max(), (name, strength)


def test_more_is_more_and_wishes_add_up(track, prototypes) -> None:
    weak, strong = (edit(track, prototypes, male=s).astype(float) - astronaut() for s in (0.4, 0.8))
    assert np.corrcoef(weak.ravel(), strong.ravel())[0, 1] > 0.97
    assert np.abs(strong).sum() > 1.5 * np.abs(weak).sum()
    both = edit(track, prototypes, makeup=0.5, age=0.5).astype(float)
    one = edit(track, prototypes, makeup=0.5)
    apart = np.abs(
        edit(track, prototypes, one, age=0.5) - both
    )  # but where one leaves nothing for the other to lighten
    assert apart.mean() < 0.1 and np.percentile(apart, 99.5) <= 3


def test_all_frames_change_alike(track, prototypes) -> None:
    """A head that moves by whole pixels takes its shade along."""
    points = np.concatenate([track.points, track.points + np.array([6, 4, 0], np.float32)])
    moving = FaceTrack(points, np.array([2, 2], np.uint8), track.size, 25.0)
    frames = [astronaut(), np.roll(astronaut(), (4, 6), axis=(0, 1))]
    first, second = PrototypeEditor(moving, prototypes, {"age": 1.0})(enumerate(frames))
    apart = np.abs(np.roll(second, (-4, -6), axis=(0, 1)).astype(int) - first)[20:-20, 20:-20]
    assert np.percentile(apart, 99.5) <= 4


def test_a_shave_lightens_beards_alone(track, prototypes) -> None:
    np.testing.assert_array_equal(edit(track, prototypes, beard=-1.0), astronaut())
    bearded = edit(track, prototypes, beard=1.5)
    shaved = edit(track, prototypes, bearded, beard=-1.0)
    chin = part(track, "chin")
    assert shaved[chin].mean() > bearded[chin].mean() + 10


def test_frames_without_a_face_pass_and_strengths_have_a_range(track, prototypes) -> None:
    points = np.concatenate([track.points, np.full_like(track.points, np.nan)])
    lost = FaceTrack(points, np.array([2, 0], np.uint8), track.size, 25.0)
    frames = [astronaut(), astronaut()]
    _, untouched = PrototypeEditor(lost, prototypes, {"age": 1.0})(enumerate(frames))
    assert untouched is frames[1]
    for strength in (2.5, -3.0, float("nan")):
        with pytest.raises(ConfigError, match="from -2 to 2"):
            PrototypeEditor(track, prototypes, {"age": strength})
    assert prototypes.light.shape[1:3] == FLAT.size[::-1]


def test_a_line_is_taken_out_where_there_is_one_and_makes_none_elsewhere() -> None:
    light = np.zeros((*FLAT.size[::-1], 3), np.float32)
    change = np.zeros_like(light)
    light[100:112, 150:300] = -0.5  # a wrinkle
    change[100:112, 150:300] = change[300:312, 150:300] = 0.5  # what takes it out, and as much where the skin is smooth
    made = light + limit_lightening(light, change)
    assert made[106, 180:270].mean() > -0.15
    assert np.abs(made[306, 180:270]).max() < 0.15
    np.testing.assert_allclose(limit_lightening(light, -np.abs(change)), -np.abs(change), atol=1e-5)  # shade is free
    np.testing.assert_allclose(
        limit_lightening(light, np.full_like(light, 0.3)), 0.3, atol=1e-4
    )  # and so is all at once
