"""What a task will be as long as, told without decoding: the sound of one file, the picture of another."""

from __future__ import annotations

import av
import numpy as np
import pytest

from facediff.audio.wave import load_wave
from facediff.errors import MediaError
from facediff.media import VideoReader
from facediff.media.durations import picture_seconds, sound_seconds


def sound(samples, codec, **where) -> dict:
    return {"samples": np.atleast_2d(samples), "rate": 48000, "codec": codec, "layout": "mono", **where}


KINDS = [("a.mp4", "aac"), ("a.mkv", "flac"), ("a.ts", "ac3"), ("a.mov", "pcm_s16le"), ("a.webm", "libopus")]


@pytest.mark.parametrize(("name", "codec"), KINDS)
@pytest.mark.parametrize(("start", "seconds", "picture_from"), [(0, 2, 0), (0.5, 1, 0), (0, 3, 0.6), (1.2, 5, 0)])
def test_they_are_those_of_what_is_read(tmp_path, write_film, bursts, name, codec, start, seconds, picture_from):
    film = [sound(bursts, codec, start=start)]
    path = write_film(tmp_path / name, film, seconds=seconds, picture_from=picture_from)
    close = 3.1 if name in ("a.mkv", "a.webm") else 0.1  # Matroska tells the length of all alone
    assert sound_seconds(path) == pytest.approx(len(load_wave(path)) / 16000, abs=close)
    assert picture_seconds(path) == pytest.approx(len(list(VideoReader(path))) / 25, abs=close)


def test_recordings_that_do_not_say_how_long_they_are_are_asked_for_their_packets(tmp_path, write_film, bursts):
    whole = write_film(tmp_path / "a.webm", [sound(bursts, "libopus", start=0.3)], seconds=3)
    live = tmp_path / "b.webm"  # as a browser writes it, which cannot go back to the header
    with av.open(str(whole)) as source, av.open(str(live), "w", format="webm", options={"live": "1"}) as container:
        pairs = {stream.index: container.add_stream_from_template(stream) for stream in source.streams}
        for packet in source.demux():
            if packet.pts is not None:
                packet.stream = pairs[packet.stream_index]
                container.mux(packet)
    with av.open(str(live)) as container:
        assert container.duration is None
    assert sound_seconds(live) == pytest.approx(2.3, abs=0.1) and picture_seconds(live) == pytest.approx(3, abs=0.1)
    assert len(load_wave(live)) / 16000 == pytest.approx(2.3, abs=0.1)


def test_what_is_not_there_takes_no_time(tmp_path, write_film, bursts):
    assert picture_seconds(write_film(tmp_path / "a.mka", [sound(bursts, "flac")], seconds=0)) == 0
    assert sound_seconds(write_film(tmp_path / "b.mp4", [])) == 0


def test_what_cannot_be_read_is_refused(tmp_path):
    (tmp_path / "a.mp4").write_bytes(bytes(500))
    for length in (sound_seconds, picture_seconds):
        with pytest.raises(MediaError, match="cannot be read"):
            length(tmp_path / "a.mp4")
