"""Films of the kinds that people bring are shown upright, whole, in their colours and in time, or it is said."""

from __future__ import annotations

import logging
import re

import numpy as np
import pytest

from facediff.media import VideoReader
from facediff.media.kinds import is_video

from .film_cases import FILMS
from .films import FRAMES, STRIP, moment

LATE_S = 0.015


@pytest.mark.parametrize("about", FILMS)
def test_a_film_is_shown_as_it_is(tmp_path, caplog, about):
    name, make = FILMS[about]
    shown = make(tmp_path / name)
    with caplog.at_level(logging.WARNING):
        assert is_video(tmp_path / name)
        reader = VideoReader(tmp_path / name)
        frames = list(reader)
    assert (reader.info.fps, reader.info.height, reader.info.width) == (shown.fps, *shown.picture.shape[:2])
    for frame in frames:
        assert frame.shape == shown.picture.shape
        assert np.abs(frame[:-STRIP].astype(int) - shown.picture[:-STRIP]).mean() < shown.levels
    if shown.has_clock and shown.times is None:
        assert [moment(frame) for frame in frames] == pytest.approx([k / 25 for k in range(FRAMES)], abs=LATE_S)
    elif shown.times:
        assert [moment(frame) for frame in frames] == pytest.approx(list(shown.times), abs=LATE_S)
    if shown.says:
        assert re.search(shown.says, caplog.text)
    else:
        assert not caplog.records
