"""Videos come in upright, at a constant rate, in the right colours; damage is told."""

from __future__ import annotations

import logging
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from facediff.errors import MediaError
from facediff.media import VideoReader, VideoWriter, decoding
from facediff.media.colour import to_rgb

SIZE = (64, 48)


def shade(level: int) -> np.ndarray:
    return np.full((SIZE[1], SIZE[0], 3), level % 256, np.uint8)


def levels(frames) -> list[int]:
    return [round(float(f.mean()) / 10) for f in frames]


def write_timed(path: Path, times_ms: list[int]) -> Path:
    """A video whose frame k is of level 10 k and shown at times_ms[k]."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "1", "bf": "0"})
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        stream.codec_context.time_base = stream.time_base = Fraction(1, 1000)
        for k, time in enumerate(times_ms):
            frame = av.VideoFrame.from_ndarray(shade(10 * k), format="rgb24").reformat(format="yuv420p")
            frame.pts, frame.time_base = time, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def test_constant_rate_gives_every_frame_once(tmp_path):
    path = write_timed(tmp_path / "v.mkv", list(range(0, 800, 40)))
    reader = VideoReader(path)
    assert reader.info.fps == 25
    assert (reader.info.width, reader.info.height) == SIZE
    assert levels(reader) == list(range(20))
    assert levels(reader) == list(range(20)), "a second pass starts from the beginning"


def test_variable_rate_keeps_the_time_of_each_frame(tmp_path):
    times = [0, 40, 80, 120, 320, 330, 340, 350, 400, 440]  # a pause after the fourth, a rush after the fifth
    path = write_timed(tmp_path / "v.mkv", times)
    shown = levels(VideoReader(path, fps=Fraction(25)))
    assert shown == [0, 1, 2, 3, 3, 3, 3, 3, 5, 7, 8, 9], "the last frame of each 40 ms"


@pytest.mark.parametrize(("fps", "expected"), [(50, 40), (25, 20), (Fraction(25, 2), 10), (30, 24)])
def test_another_rate_keeps_the_length(tmp_path, fps, expected):
    path = write_timed(tmp_path / "v.mkv", list(range(0, 800, 40)))
    shown = levels(VideoReader(path, fps=Fraction(fps)))
    assert len(shown) == expected
    ideal = [k / float(fps) * 25 for k in range(expected)]
    assert np.abs(np.array(shown) - ideal).max() <= 0.6, "no drift"


def test_rounded_time_stamps_of_29_97_do_not_drift(tmp_path):
    times = [round(k * 1001 / 30) for k in range(25)]  # milliseconds, as Matroska keeps them
    shown = levels(VideoReader(write_timed(tmp_path / "v.mkv", times), fps=Fraction(30000, 1001)))
    assert shown == list(range(25))


def test_pixels_that_are_not_square_are_stretched(tmp_path):
    path = tmp_path / "v.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        stream.codec_context.sample_aspect_ratio = stream.sample_aspect_ratio = Fraction(3, 2)
        for _ in range(2):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(shade(90), format="rgb24")))
        container.mux(stream.encode(None))
    reader = VideoReader(path)
    assert (reader.info.width, reader.info.height) == (96, 48)
    assert next(iter(reader)).shape == (48, 96, 3)


@pytest.mark.parametrize(
    ("matrix", "tag", "value_range"), [("bt709", 1, "tv"), ("bt601", 6, "tv"), ("bt601", 2, "tv"), ("bt709", 1, "pc")]
)
def test_colours_are_read_as_the_file_says(tmp_path, matrix, tag, value_range):
    path, colour = tmp_path / "v.mkv", np.array([200, 60, 30], np.uint8)
    graph = av.filter.Graph()
    source = graph.add_buffer(width=64, height=48, format="rgb24", time_base=Fraction(1, 25))
    scale = graph.add("scale", f"flags=accurate_rnd:out_color_matrix={matrix}:out_range={value_range}")
    graph.link_nodes(source, scale, graph.add("format", "yuv420p"), graph.add("buffersink"))
    graph.configure()
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "1"})
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        stream.codec_context.colorspace, stream.codec_context.color_range = tag, 2 if value_range == "pc" else 1
        graph.push(av.VideoFrame.from_ndarray(np.broadcast_to(colour, (48, 64, 3)).copy(), format="rgb24"))
        frame = graph.pull()
        frame.pts, frame.time_base = 0, Fraction(1, 25)
        container.mux([*stream.encode(frame), *stream.encode(None)])
    reader = VideoReader(path)
    assert reader.info.is_tagged == (tag != 2)
    assert np.abs(next(iter(reader)).mean(axis=(0, 1)) - colour).max() < 1.5


def test_a_browser_recording_without_a_rate_is_measured(tmp_path, monkeypatch):
    path = write_timed(tmp_path / "v.mkv", list(range(0, 800, 40)))
    # The header of MediaRecorder says 1000 a second.
    monkeypatch.setattr("facediff.media.decoding.nominal_rate", lambda stream: None)
    reader = VideoReader(path)
    assert reader.info.fps == 25
    assert levels(reader) == list(range(20))


def test_joined_recordings_go_on_where_time_stamps_start_again(tmp_path):
    parts = [write_timed(tmp_path / f"{k}.ts", list(range(0, 400, 40))) for k in range(2)]
    joined = tmp_path / "joined.ts"
    joined.write_bytes(b"".join(p.read_bytes() for p in parts))
    assert levels(VideoReader(joined, fps=Fraction(25))) == [*range(10), *range(10)]


def test_truncated_file_gives_its_good_frames_and_a_warning(tmp_path, caplog):
    path = tmp_path / "v.mp4"
    noise = np.random.default_rng(0).integers(0, 255, (60, 48, 64, 1), np.uint8).repeat(3, axis=3)
    with VideoWriter(path, SIZE, Fraction(25)) as writer:
        for frame in noise:
            writer.write(frame)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with caplog.at_level(logging.WARNING):
        frames = list(VideoReader(path))
    assert 15 <= len(frames) <= 40
    assert max(np.abs(a.astype(float) - b).mean() for a, b in zip(frames, noise, strict=False)) < 10
    assert "v.mp4" in caplog.text


@pytest.mark.parametrize("content", [b"", b"not a video at all" * 100, bytes(5000)])
def test_what_is_not_a_video_is_named(tmp_path, content):
    path = tmp_path / "v.mp4"
    path.write_bytes(content)
    with pytest.raises(MediaError, match=r"v\.mp4 cannot be read as a video"):
        VideoReader(path)


def test_missing_file_and_folder_are_told_apart_from_corruption(tmp_path):
    for path in (tmp_path / "none.mp4", tmp_path):
        with pytest.raises(MediaError, match="there is no video at"):
            VideoReader(path)


def test_sound_without_a_picture_is_refused(tmp_path):
    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=48000, layout="mono")
        block = av.AudioFrame.from_ndarray(np.zeros((1, 4800), np.float32), format="fltp", layout="mono")
        block.sample_rate = 48000
        container.mux([*stream.encode(block), *stream.encode(None)])
    with pytest.raises(MediaError, match="has no picture"):
        VideoReader(path)


def test_a_playlist_in_disguise_reaches_no_other_file(tmp_path):
    write_timed(tmp_path / "real.ts", list(range(0, 400, 40)))
    path = tmp_path / "list.mp4"
    path.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:0.4,\nhttp://127.0.0.1:9/real.ts\n#EXT-X-ENDLIST\n")
    with pytest.raises(MediaError):
        VideoReader(path)


def test_odd_names_are_files_not_protocols(tmp_path):
    path = write_timed(tmp_path / "take.mkv", [0, 40, 80]).rename(tmp_path / "take 5: final 100%d.mkv")
    assert len(list(VideoReader(path))) == 3


def test_some_frames_are_those_of_all_and_the_rest_is_not_drawn(tmp_path, monkeypatch):
    reader = VideoReader(write_timed(tmp_path / "a.mkv", [0, 40, 80, 200, 240, 280]))
    every = list(reader)
    drawn = []
    monkeypatch.setattr(decoding, "to_rgb", lambda *given: drawn.append(given) or to_rgb(*given))
    taken = list(reader.take({1, 4, 5}))
    assert [row for row, _ in taken] == [1, 4, 5] and len(drawn) == 3
    for row, frame in taken:
        np.testing.assert_array_equal(frame, every[row])
    assert list(reader.take(())) == []
    assert [row for row, _ in reader.take({2, 99})] == [2]


def test_memory_stays_flat(tmp_path):
    import tracemalloc

    path = write_timed(tmp_path / "v.mkv", list(range(0, 40 * 200, 40)))
    next(iter(VideoReader(path)))  # imports what it reads by
    tracemalloc.start()
    for _ in VideoReader(path):
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20 * SIZE[0] * SIZE[1] * 3, "a few frames, not two hundred"
