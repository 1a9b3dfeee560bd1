"""What is rendered of two moments of a face, for the mouth refiner to learn from."""

from __future__ import annotations

import numpy as np
import pytest

from facediff.pipelines.difftalk import DiffTalkPipeline
from facediff.pipelines.loading import TALK, open_pipeline
from facediff.rendering.inpainting.appearance_prior import load_appearance_prior
from facediff.rendering.inpainting.drawn import DrawnInpainter
from facediff.rendering.painting.mouth import MouthPainter, PaintSettings
from facediff.training import rendered_mouths
from facediff.training.rendered_mouths import LAYOUT, RenderedMouth, RenderedMouths, build_rendered_mouths


@pytest.fixture(scope="module")
def mouths(crops) -> RenderedMouths:
    painter = MouthPainter(open_pipeline(DiffTalkPipeline, TALK, "difftalk", "base", "cpu"), PaintSettings())
    return RenderedMouths(crops, painter, DrawnInpainter(load_appearance_prior()))


def off(made: RenderedMouth, where: np.ndarray) -> float:
    return float(np.abs(made.made.astype(float) - made.target)[where].mean())


@pytest.mark.parametrize("seed", range(3))
def test_both_windows_show_the_same_moment(mouths, seed) -> None:
    made = mouths(np.random.default_rng(seed))
    for name, (shape, kind) in LAYOUT.items():
        value = getattr(made, name)
        assert value.shape == shape and value.dtype == kind, name
    around = (made.mask > 0) & (made.mask < 255)
    shifted = np.abs(np.roll(made.target, 6, axis=1).astype(float) - made.target)[around].mean()
    assert off(made, around) < shifted
    assert 0 <= made.lack[1] <= made.lack[0] <= 1


def test_lips_that_have_opened_lack_what_was_behind_them(mouths, monkeypatch) -> None:
    monkeypatch.setattr(rendered_mouths, "PAINTED", 0.0)
    for row, other, lacks in ((1, 0, True), (0, 1, False)):
        monkeypatch.setattr(mouths, "_moments", lambda rng, pair=(row, other): pair)
        made = mouths(np.random.default_rng(0))
        assert (made.lack[0] > 0.5) == lacks


def test_equal_seeds_make_equal_pairs_on_disk(mouths, tmp_path) -> None:
    made = build_rendered_mouths(mouths._crops, mouths._painter, mouths._rules, tmp_path, count=2, seed=3)
    again = mouths(np.random.default_rng([3, 1]))
    np.testing.assert_array_equal(made["target"][1], again.target)
    np.testing.assert_array_equal(made["made"][1], again.made)
