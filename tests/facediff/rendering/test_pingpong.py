import weakref
from fractions import Fraction
from itertools import islice

import numpy as np
import pytest

from facediff.media import VideoReader, VideoWriter
from facediff.rendering import pingpong
from facediff.rendering.pingpong import play_again, play_held, play_pingpong


@pytest.mark.parametrize("held", [2, 120])
def test_a_video_goes_there_and_back_without_a_stop(tmp_path, monkeypatch, held: int) -> None:
    monkeypatch.setattr(pingpong, "_CHUNK", held)
    with VideoWriter(tmp_path / "v.mp4", (32, 32), Fraction(25)) as writer:
        for k in range(5):
            writer.write(np.full((32, 32, 3), 50 * k, np.uint8))
    shown = list(islice(play_pingpong(VideoReader(tmp_path / "v.mp4"), 5), 18))
    assert [index for index, _ in shown] == [0, 1, 2, 3, 4, 3, 2, 1, 0, 1, 2, 3, 4, 3, 2, 1, 0, 1]
    for index, frame in shown:
        assert abs(int(frame.mean()) - 50 * index) < 4


@pytest.mark.parametrize(("count", "wanted"), [(1, [0, 0, 0, 0, 0]), (2, [0, 1, 0, 1, 0])])
def test_short_videos_go_on_too(count: int, wanted: list[int]) -> None:
    frames = [np.full((2, 2, 3), k, np.uint8) for k in range(count)]
    shown = islice(play_pingpong(frames, count), 5)
    assert [(index, int(frame[0, 0, 0])) for index, frame in shown] == [(k, k) for k in wanted]


def test_memory_stays_flat(monkeypatch) -> None:
    monkeypatch.setattr(pingpong, "_CHUNK", 4)
    alive: set[int] = set()

    class Reader:
        made = 0

        def __iter__(self):
            for k in range(40):
                frame = np.full((2, 2, 3), k, np.uint8)
                self.made += 1
                alive.add(self.made)
                weakref.finalize(frame, alive.discard, self.made)
                yield frame
                del frame

    most = 0
    for index, frame in islice(play_pingpong(Reader(), 40), 100):
        assert int(frame[0, 0, 0]) == index
        most = max(most, len(alive))
    assert most <= 2 * 4 + 4  # a chunk, the one before it, and what is in hand


def test_a_video_is_held_at_its_end_or_starts_again():
    frames = [np.full((2, 2, 3), k, np.uint8) for k in range(3)]
    for play, expected in ((play_held, [0, 1, 2, 2, 2, 2, 2]), (play_again, [0, 1, 2, 0, 1, 2, 0])):
        seen = list(islice(play(frames, 3), 7))
        assert [index for index, _ in seen] == [int(frame[0, 0, 0]) for _, frame in seen] == expected
    assert list(play_held([], 0)) == []
