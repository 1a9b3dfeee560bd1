"""Rows of motion to marked pictures."""

from __future__ import annotations

import numpy as np
import pytest

from facediff.audio.features import SILENCE
from facediff.avatar import Avatar
from facediff.live.engine import Portrait
from facediff.live.performer import Performed
from facediff.live.renderer import LiveRenderer
from facediff.live.shots import ShotMaker
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
    warper = portrait.warper(models)
    return warper, models.load_talk()[1], unmarked, ShotMaker(warper)


def start(parts, *, painting=None, marker=None):
    """A renderer that is prepared, and its first frame."""
    warper, _, unmarked, shots = parts
    renderer = LiveRenderer(warper.prepared.inpaint_mouth, painting, marker or unmarked)
    return renderer, renderer.prepare(shots.make(shots.rest())[0])


def render(renderer, parts, rows, opening, level=0):
    windows = np.repeat(WINDOW[None], len(rows), axis=0)
    done = Performed(np.stack(rows).astype(np.float32), windows, np.array(opening, np.float32))
    return renderer.finish(parts[3].make(done), renderer.levels[level])


def test_a_frame_that_speaks_is_what_whole_files_render(parts):
    warper, painting, *_ = parts
    row = expression({"mouth-open": 0.8})
    renderer, _ = start(parts, painting=painting)
    (live,) = render(renderer, parts, [row], [1.0])
    painter = MouthPainter(painting, PaintSettings())
    (whole,) = painter.paint_clip(warper.speak(row[None])(slice(0, 1)), [WINDOW])
    np.testing.assert_array_equal(live, whole)


def test_rest_is_painted_once_and_follows_the_head(parts, monkeypatch):
    warper, painting, *_ = parts
    renderer, _ = start(parts, painting=painting)
    turned = np.zeros(31, np.float32)
    turned[coefficients.SHIFT.start] = 0.15
    painted = []
    monkeypatch.setattr(MouthPainter, "paint", lambda self, frames: painted.append(frames))
    at_rest, moved = render(renderer, parts, [np.zeros(31), turned], [0.0, 0.0])
    assert not painted
    bare, _ = start(parts)
    without, moved_without = render(bare, parts, [np.zeros(31), turned], [0.0, 0.0])
    assert np.abs(at_rest.astype(int) - without).max() > 3
    changed = [np.abs(a.astype(int) - b).max(axis=2) > 3 for a, b in ((at_rest, without), (moved, moved_without))]
    centres = [np.argwhere(one).mean(axis=0)[1] for one in changed]
    eyes = np.linalg.norm(warper.source.track.points[0, 33] - warper.source.track.points[0, 263])
    assert abs(centres[1] - centres[0] - 0.15 * eyes) < 3


def test_where_no_diffusion_is_run_rest_goes_over_into_speech_and_what_opens_is_drawn(parts):
    warper, painting, *_ = parts
    renderer, _ = start(parts, painting=painting)
    rows = [np.zeros(31)] * 4
    frames = render(renderer, parts, rows, [0.0, 0.3, 0.6, 1.0], level=1)
    (still,) = warper.speak(np.zeros((1, 31), np.float32))(slice(0, 1))
    bare = still.face.inpaint_mouth(still.picture).astype(int)
    change = [np.abs(frame - bare).mean() for frame in frames]
    assert change == sorted(change, reverse=True) and change[-1] == 0 < change[0]
    wide = expression({"mouth-open": 0.8})[None]
    (spoken,) = render(renderer, parts, wide, [1.0], level=1)
    (frame,) = warper.speak(wide.astype(np.float32))(slice(0, 1))
    np.testing.assert_array_equal(spoken, frame.face.inpaint_mouth(frame.picture))
    assert (spoken != frame.picture).any()


def test_frames_are_marked(parts):
    warper, painting, *_ = parts
    marker = frame_marker(MarkOptions(label="AI"), warper.source.track.size)
    (_, first), (_, plain) = start(parts, painting=painting, marker=marker), start(parts, painting=painting)
    assert np.abs(first[-30:, -60:].astype(int) - plain[-30:, -60:]).max() > 60
    assert (first != plain).mean() > 0.2


def test_a_rehearsal_paints_each_number_of_frames_and_leaves_no_trace(parts, monkeypatch):
    _, painting, *_ = parts
    row = expression({"mouth-open": 0.8})
    renderer, _ = start(parts, painting=painting)
    before = render(renderer, parts, [row, np.zeros(31)], [1.0, 0.0])
    numbers, paint = [], MouthPainter.paint
    with monkeypatch.context() as patch:
        patch.setattr(MouthPainter, "paint", lambda self, frames: (numbers.append(len(frames)), paint(self, frames))[1])
        renderer.rehearse()
    assert sorted(numbers) == [1, 2, 3, 4]
    for one, other in zip(before, render(renderer, parts, [row, np.zeros(31)], [1.0, 0.0]), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_picture_in_black_and_white_stays_so(close_up, tiny_model):
    grey = np.repeat(np.rint(close_up.mean(axis=2, keepdims=True)).astype(np.uint8), 3, axis=2)
    models = ModelChoice(str(tiny_model), "cpu")
    portrait = Portrait.of(Avatar.from_image(grey, model=str(tiny_model), device="cpu")._source, None)
    warper = portrait.warper(models)
    parts = warper, models.load_talk()[1], frame_marker(MarkOptions(watermark=False), portrait.size), ShotMaker(warper)
    renderer, first = start(parts, painting=parts[1])
    frames = [first, *render(renderer, parts, [np.zeros(31), expression({"mouth-open": 0.8})], [0.0, 1.0])]
    assert max(int(np.ptp(frame, axis=2).max()) for frame in frames) <= 1
