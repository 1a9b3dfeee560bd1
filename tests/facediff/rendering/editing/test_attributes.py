"""What can be changed of a face is known in one place, and edited in the right order."""

from __future__ import annotations

import math

import numpy as np
import pytest
from skimage.data import astronaut

from facediff.errors import ConfigError
from facediff.landmarks.alignment import FACE
from facediff.landmarks.tracker import track_still
from facediff.rendering.editing.attributes import DRAWN, WHOLE, attribute, look_editors
from facediff.rendering.editing.glasses import GlassesEditor
from facediff.rendering.editing.identity import mask_region
from facediff.rendering.editing.prototypes import PrototypeEditor
from facediff.tasks import model_cache
from facediff.tasks.identity import attribute_names, regions_of
from facediff.types import FaceTrack


@pytest.fixture(scope="module")
def track() -> FaceTrack:
    return track_still(astronaut(), None)


def test_every_attribute_of_the_embedded_model_has_a_range_and_a_region(track):
    shape = FACE.size[::-1]
    points = np.nan_to_num(track.points[0])
    for name in attribute_names("base"):
        one = attribute(name)
        assert one.name == name and one.low <= 0 < one.high
        assert mask_region(points, one.region).shape == shape
    assert set(DRAWN) <= set(attribute_names("base"))


def test_an_attribute_that_nobody_knows_may_change_the_head():
    assert attribute("hat").region == WHOLE and attribute("hat").has_opposite and not attribute("hat").is_drawn
    assert regions_of(["beard", "hat", "beard"]) == ("beard", "head")


def test_shares_of_what_has_no_opposite_are_nothing_below_0():
    assert attribute("beard").share(0.5, -1) == -0.5
    assert [attribute("eyeglasses").share(0.8, share) for share in (-1, 0, 0.5)] == [0, 0, 0.4]


def test_what_is_drawn_goes_over_what_is_on_the_skin(track):
    editors = look_editors(track, {"eyeglasses": 1.0, "age": 0.5}, lambda: model_cache.load_prototypes("base"))
    assert [type(editor) for editor in editors] == [PrototypeEditor, GlassesEditor]
    (only,) = look_editors(track, {"eyeglasses": 1.0}, lambda: pytest.fail("no prototype is needed"))
    assert isinstance(only, GlassesEditor)


@pytest.mark.parametrize(("name", "strength"), [("age", 2.1), ("age", math.nan), ("eyeglasses", -0.1)])
def test_ranges_hold(track, name, strength):
    with pytest.raises(ConfigError, match=f"{name} is a strength from {attribute(name).low:g} to 2, not "):
        look_editors(track, {name: strength}, lambda: model_cache.load_prototypes("base"))
