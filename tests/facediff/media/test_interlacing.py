"""Interlaced films come out without combs, progressive ones as they are."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from skimage.data import astronaut

from facediff.media import VideoReader
from facediff.media.colour import RgbConverter, to_rgb

PICTURE, FRAMES, STEP = np.ascontiguousarray(astronaut()[:240, 100:420]), 10, 8  # pixels that it moves in a field


def moved(field: int) -> np.ndarray:
    return np.roll(PICTURE, STEP * field, axis=1)


def woven(k: int, top_first: bool = True) -> np.ndarray:
    """The frame in which even rows show one moment and odd rows the next, or the other way round."""
    frame = moved(2 * k + (not top_first))
    frame[1::2] = moved(2 * k + top_first)[1::2]
    return frame


def flagged(frame: np.ndarray, order: str) -> av.VideoFrame:
    """The frame for an encoder, in BT.709, with the order of its fields: tff, bff, or prog of whole ones."""
    graph = av.filter.Graph()
    source = graph.add_buffer(width=frame.shape[1], height=frame.shape[0], format="rgb24", time_base=Fraction(1, 25))
    scale = graph.add("scale", "out_color_matrix=bt709:flags=accurate_rnd+full_chroma_int+area")
    chain = (scale, graph.add("format", "yuv420p"), graph.add("setfield", order), graph.add("buffersink"))
    graph.link_nodes(source, *chain).configure()
    graph.vpush(av.VideoFrame.from_ndarray(frame, format="rgb24"))
    return graph.vpull()


def write(
    path: Path, frames: list[np.ndarray], codec: str, order: str = "prog", aspect: Fraction | None = None
) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = PICTURE.shape[1], PICTURE.shape[0], "yuv420p"
        context = stream.codec_context
        context.colorspace, context.color_range = 1, 1  # BT.709 of video range
        if codec == "libx264":
            stream.options = {"crf": "4", "x264-params": "" if order == "prog" else f"{order}=1"}
        else:
            context.bit_rate = 20_000_000
            context.flags |= 0x20040000  # AV_CODEC_FLAG_INTERLACED_DCT and _ME
        if aspect:
            context.sample_aspect_ratio = stream.sample_aspect_ratio = aspect
        for k, frame in enumerate(frames):
            picture = flagged(frame, order)
            picture.pts, picture.time_base = k, Fraction(1, 25)
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    return path


def combs(frame: np.ndarray) -> float:
    """How much more rows differ from their neighbours than from those beyond."""
    rows = frame.astype(float)
    return np.abs(rows[2:-2] - (rows[1:-3] + rows[3:-1]) / 2).mean() / np.abs(rows[2:-2] - rows[4:]).mean()


@pytest.mark.parametrize("name", ["tff.mkv", "bff.mkv", "tff.mp4", "tff.mts", "tff.mpg"])
def test_fields_of_two_moments_leave_no_comb(tmp_path, name):
    order = name[:3]
    frames = [woven(k, order == "tff") for k in range(FRAMES)]
    path = write(tmp_path / name, frames, "mpeg2video" if name.endswith("mpg") else "libx264", order)
    with av.open(str(path)) as container:
        assert next(container.decode(video=0)).interlaced_frame, "the film is what it should be"
    shown = list(VideoReader(path))
    assert len(shown) == FRAMES
    assert combs(frames[5]) > 1.2 and max(map(combs, shown[1:-1])) < 0.75
    for k in (3, 6):  # one moment, and the right one: the field that comes first
        assert np.abs(shown[k].astype(int) - moved(2 * k)).mean() < 7
        assert np.abs(shown[k].astype(int) - moved(2 * k + 1)).mean() > 12


def test_whole_frames_are_left_alone(tmp_path):
    path = write(tmp_path / "v.mkv", [moved(2 * k) for k in range(FRAMES)], "libx264")
    with av.open(str(path)) as container:
        converter = RgbConverter((PICTURE.shape[1], PICTURE.shape[0]))
        expected = [to_rgb(converter, frame) for frame in container.decode(video=0)]
    for shown, frame in zip(VideoReader(path), expected, strict=True):
        np.testing.assert_array_equal(shown, frame)


def test_a_film_that_becomes_interlaced_on_its_way(tmp_path):
    whole = write(tmp_path / "a.ts", [moved(2 * k) for k in range(FRAMES)], "libx264")
    fields = write(tmp_path / "b.ts", [woven(k) for k in range(FRAMES)], "libx264", "tff")
    path = tmp_path / "joined.ts"
    path.write_bytes(whole.read_bytes() + fields.read_bytes())
    shown = list(VideoReader(path, fps=Fraction(25)))
    assert len(shown) == 2 * FRAMES and max(map(combs, shown)) < 0.75


def test_fields_and_pixels_that_are_not_square(tmp_path):
    path = write(tmp_path / "v.mkv", [woven(k) for k in range(FRAMES)], "libx264", "tff", Fraction(16, 15))
    reader = VideoReader(path)
    assert (reader.info.width, reader.info.height) == (342, 240)
    frame = list(reader)[4]
    assert frame.shape == (240, 342, 3) and combs(frame) < 0.75
