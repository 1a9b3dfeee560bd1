from fractions import Fraction

import numpy as np
import pytest

from facediff import Clip
from facediff.errors import InputError
from facediff.media import VideoReader


def clip(frames: int = 6) -> Clip:
    def render(part: slice):
        return (np.full((16, 16, 3), 40 * k, np.uint8) for k in range(part.start, part.stop))

    return Clip(Fraction(25), (16, 16), frames, None, render, preview_index=3)


def test_it_is_rendered_as_it_is_read() -> None:
    assert len(clip()) == 6
    assert [int(frame[0, 0, 0]) for frame in clip()] == [0, 40, 80, 120, 160, 200]
    assert int(clip().preview()[0, 0, 0]) == 120


def test_it_is_saved_whole_or_not_at_all(tmp_path) -> None:
    steps = []
    clip().save(tmp_path / "a.mp4", progress=lambda done, total: steps.append((done, total)))
    assert steps == [(k, 6) for k in range(1, 7)] and len(list(VideoReader(tmp_path / "a.mp4"))) == 6

    def broken(part: slice):
        yield np.zeros((16, 16, 3), np.uint8)
        raise RuntimeError("in mid-render")

    with pytest.raises(RuntimeError):
        Clip(Fraction(25), (16, 16), 6, None, broken).save(tmp_path / "b.mp4")
    with pytest.raises(InputError, match="must end in"):
        clip().save(tmp_path / "c.txt")
    assert [p.name for p in tmp_path.iterdir()] == ["a.mp4"]
