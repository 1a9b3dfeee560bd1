from fractions import Fraction

import av
import numpy as np
import pytest

from facediff.audio.wave import load_wave
from facediff.errors import AudioError, MediaError
from facediff.media import VideoReader, VideoWriter
from facediff.system.containers import open_container


@pytest.fixture
def clip(tmp_path):
    with VideoWriter(tmp_path / "clip.mp4", (32, 32), Fraction(25), audio=np.zeros(16000, np.float32)) as writer:
        for _ in range(25):
            writer.write(np.zeros((32, 32, 3), np.uint8))
    return tmp_path / "clip.mp4"


def test_a_file_is_opened(clip) -> None:
    with open_container(clip) as container:
        assert container.streams.video and container.streams.audio


@pytest.mark.parametrize("name", ["list.m3u8", "list.mp4", "list.txt"])
def test_a_list_of_other_files_is_refused(clip, name: str) -> None:
    hls = f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{clip}\n#EXT-X-ENDLIST\n"
    trap = clip.with_name(name)
    for text in (hls, f"ffconcat version 1.0\nfile '{clip.name}'\n"):
        trap.write_text(text)
        with pytest.raises((av.FFmpegError, ValueError)):
            open_container(trap)
        with pytest.raises(MediaError, match="cannot be read as a video"):
            VideoReader(trap)
        with pytest.raises(AudioError, match="cannot be read as sound"):
            load_wave(trap)
