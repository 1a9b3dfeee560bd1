from fractions import Fraction
from itertools import islice

import numpy as np
import pytest

from facediff.media import VideoReader, VideoWriter
from facediff.rendering import playback
from facediff.rendering.playback import there_and_back


@pytest.mark.parametrize("held", [2, 120])
def test_a_video_goes_there_and_back_without_a_stop(tmp_path, monkeypatch, held: int) -> None:
    monkeypatch.setattr(playback, "_CHUNK", held)
    with VideoWriter(tmp_path / "v.mp4", (32, 32), Fraction(25)) as writer:
        for k in range(5):
            writer.write(np.full((32, 32, 3), 50 * k, np.uint8))
    shown = list(islice(there_and_back(VideoReader(tmp_path / "v.mp4"), 5), 18))
    assert [index for index, _ in shown] == [0, 1, 2, 3, 4, 3, 2, 1, 0, 1, 2, 3, 4, 3, 2, 1, 0, 1]
    for index, frame in shown:
        assert abs(int(frame.mean()) - 50 * index) < 4
