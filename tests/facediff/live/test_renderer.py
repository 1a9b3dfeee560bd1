"""Rows of motion to marked pictures."""

from __future__ import annotations

import numpy as np
import pytest

from facediff.audio.features import SILENCE
from facediff.live.engine import Portrait
from facediff.live.renderer import LiveRenderer
from facediff.motion import coefficients
from facediff.motion.expressions import expression
from facediff.options.marks import MarkOptions
from facediff.provenance.marker import frame_marker
from facediff.rendering.painting.mouth import MouthPainter, PaintSettings
from facediff.tasks.model_choice import ModelChoice

WINDOW = np.full((32, 80), SILENCE, np.float32)


@pytest.fixture(scope="module")
def parts(small_avatar, tiny_model):
    models = ModelChoice(str(tiny_model), "cpu")
    portrait = Portrait.of(small_avatar._source, None)
    unmarked = frame_marker(MarkOptions(watermark=False), portrait.size)
    return portrait.warper(models), models.load_talk()[1], unmarked


def render(renderer, rows, opening, level=0):
    count = len(rows)
    windows = np.repeat(WINDOW[None], count, axis=0)
    return renderer.render(
        np.stack(rows).astype(np.float32), windows, np.array(opening, np.float32), renderer.levels[level]
    )


def test_a_frame_that_speaks_is_what_whole_files_render(parts):
    warper, painting, unmarked = parts
    row = expression({"mouth-open": 0.8})
    renderer = LiveRenderer(warper, painting, unmarked)
    renderer.prepare(WINDOW)
    (live,) = render(renderer, [row], [1.0])
    painter = MouthPainter(painting, PaintSettings())
    (whole,) = painter.paint_clip(warper.speak(row[None])(slice(0, 1)), [WINDOW])
    np.testing.assert_array_equal(live, whole)


def test_rest_is_painted_once_and_follows_the_head(parts, monkeypatch):
    warper, painting, unmarked = parts
    renderer = LiveRenderer(warper, painting, unmarked)
    renderer.prepare(WINDOW)
    turned = np.zeros(31, np.float32)
    turned[coefficients.SHIFT.start] = 0.15
    painted = []
    monkeypatch.setattr(MouthPainter, "paint", lambda self, frames: painted.append(frames))
    at_rest, moved = render(renderer, [np.zeros(31), turned], [0.0, 0.0])
    assert not painted
    bare = LiveRenderer(warper, None, unmarked)
    without, moved_without = render(bare, [np.zeros(31), turned], [0.0, 0.0])
    assert np.abs(at_rest.astype(int) - without).max() > 3
    changed = [np.abs(a.astype(int) - b).max(axis=2) > 3 for a, b in ((at_rest, without), (moved, moved_without))]
    centres = [np.argwhere(one).mean(axis=0)[1] for one in changed]
    eyes = np.linalg.norm(warper.source.track.points[0, 33] - warper.source.track.points[0, 263])
    assert abs(centres[1] - centres[0] - 0.15 * eyes) < 3


def test_where_no_diffusion_is_run_rest_goes_over_into_speech_and_what_opens_is_drawn(parts):
    warper, painting, unmarked = parts
    renderer = LiveRenderer(warper, painting, unmarked)
    renderer.prepare(WINDOW)
    rows = [np.zeros(31)] * 4
    frames = render(renderer, rows, [0.0, 0.3, 0.6, 1.0], level=1)
    (still,) = warper.speak(np.zeros((1, 31), np.float32))(slice(0, 1))
    bare = still.face.inpaint_mouth(still.picture).astype(int)
    change = [np.abs(frame - bare).mean() for frame in frames]
    assert change == sorted(change, reverse=True) and change[-1] == 0 < change[0]
    wide = expression({"mouth-open": 0.8})[None]
    (spoken,) = render(renderer, wide, [1.0], level=1)
    (frame,) = warper.speak(wide.astype(np.float32))(slice(0, 1))
    np.testing.assert_array_equal(spoken, frame.face.inpaint_mouth(frame.picture))
    assert (spoken != frame.picture).any()


def test_frames_are_marked(parts):
    warper, painting, _ = parts
    marked = LiveRenderer(warper, painting, frame_marker(MarkOptions(label="AI"), warper.source.track.size))
    first = marked.prepare(WINDOW)
    bare = LiveRenderer(warper, painting, frame_marker(MarkOptions(watermark=False), warper.source.track.size))
    plain = bare.prepare(WINDOW)
    assert np.abs(first[-30:, -60:].astype(int) - plain[-30:, -60:]).max() > 60
    assert (first != plain).mean() > 0.2
