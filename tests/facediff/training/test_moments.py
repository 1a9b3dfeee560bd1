from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from facediff.errors import InputError
from facediff.motion.coefficients import LIP_PAIRS
from facediff.training.faces import WIDE, FaceCrops
from facediff.training.moments import MomentDraw


@pytest.fixture
def crops() -> FaceCrops:
    """Two moments of a clip, and a portrait of its own."""
    return FaceCrops(
        frames=np.zeros((3, 320, 320, 3), np.uint8),
        points=np.zeros((3, 478, 3), np.float32),
        rotation=np.repeat(np.eye(3, dtype=np.float32)[None], 3, axis=0),
        clip=np.array([0, 0, 1]),
        time=np.zeros(3, np.float32),
        source_unit_px=np.full(3, 144, np.float32),
        names=np.array(["a", "b"]),
        identities=np.array(["x", "x"]),
        kinds=np.array(["silent", "still"]),
    )


def drawn(crops: FaceCrops) -> set[tuple[int, int]]:
    draw = MomentDraw(crops)
    return {draw(np.random.default_rng(seed)) for seed in range(12)}


def test_a_moment_goes_with_another_of_its_clip_and_a_lone_portrait_with_nothing(crops) -> None:
    assert drawn(crops) == {(0, 1), (1, 0)}


def test_faces_too_small_to_teach_are_not_shown_but_known(crops) -> None:
    assert drawn(replace(crops, source_unit_px=np.array([144, 40, 144], np.float32))) == {(0, 1)}
    with pytest.raises(InputError, match="no face is seen twice at 50 pixels"):
        MomentDraw(replace(crops, source_unit_px=np.full(3, 40, np.float32)))


def test_two_portraits_of_a_person_are_a_pair(crops) -> None:
    two = replace(crops, kinds=np.array(["still", "still"]), clip=np.array([0, 1, 1]), identities=np.array(["x", "y"]))
    assert drawn(two) == {(1, 2), (2, 1)}


def test_lips_that_were_shut_open_in_as_many_pairs_as_asked(crops) -> None:
    points = np.zeros((4, 478, 3), np.float32)
    for row, gap in enumerate((0.0, 0.0, 0.2, 0.2)):
        points[row, :, 1] = 0
        for upper, lower in LIP_PAIRS:
            points[row, lower, 1] = points[row, upper, 1] + gap * WIDE.unit_px
    mouths = replace(
        crops,
        frames=np.zeros((4, 320, 320, 3), np.uint8),
        points=points,
        rotation=np.repeat(np.eye(3, dtype=np.float32)[None], 4, axis=0),
        clip=np.array([0, 0, 0, 1]),  # the last one is open and alone
        time=np.zeros(4, np.float32),
        source_unit_px=np.full(4, 144, np.float32),
        kinds=np.array(["silent", "silent"]),
    )
    always, never = MomentDraw(mouths, opening_share=1.0), MomentDraw(mouths)
    assert {always(np.random.default_rng(seed)) for seed in range(12)} == {(2, 0), (2, 1)}
    some = [MomentDraw(mouths, opening_share=0.5)(np.random.default_rng(seed)) for seed in range(200)]
    usual = [never(np.random.default_rng(seed)) for seed in range(200)]
    opening = [np.mean([shown == 2 for shown, _ in pairs]) for pairs in (usual, some)]
    assert opening[0] == pytest.approx(1 / 3, abs=0.12) and opening[1] == pytest.approx(2 / 3, abs=0.12)
    shut = replace(mouths, points=np.zeros_like(points))  # nobody opens their lips
    assert {MomentDraw(shut, opening_share=1.0)(np.random.default_rng(s)) for s in range(30)} == {
        (0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1)
    }  # fmt: skip
