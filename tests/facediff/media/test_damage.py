"""Damaged bits are told in one sentence a file; healthy films are not called damaged."""

from __future__ import annotations

import logging
import re
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from facediff.media import VideoReader


def written_noise(path: Path, codec: str, **options: str) -> Path:
    """Forty frames of moving noise, a picture of its own every ten."""
    rng = np.random.default_rng(0)
    noise = cv2.resize(rng.integers(0, 256, (48, 64, 3), dtype=np.uint8), (256, 192), interpolation=cv2.INTER_CUBIC)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options={"g": "10", **options})
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = 256, 192, "yuv420p", 2_000_000
        for k in range(40):
            shown = np.ascontiguousarray(np.roll(noise, 3 * k, axis=1))
            frame = av.VideoFrame.from_ndarray(shown, format="rgb24").reformat(format="yuv420p")
            frame.pts, frame.time_base = k, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def with_wrong_bits(path: Path, target: Path, *, packet: int) -> Path:
    """A copy in which some bytes in the middle of a packet are others."""
    with av.open(str(path)) as source, av.open(str(target), "w") as container:
        stream = container.add_stream_from_template(source.streams.video[0])
        for k, read in enumerate(p for p in source.demux(video=0) if p.dts is not None):
            content = bytearray(bytes(read))
            if k == packet:
                middle = len(content) // 2
                content[middle : middle + 24] = np.random.default_rng(1).bytes(24)
            copy = av.Packet(bytes(content))
            copy.pts, copy.dts, copy.time_base, copy.is_keyframe = read.pts, read.dts, read.time_base, read.is_keyframe
            copy.stream = stream
            container.mux(copy)
    return target


SETTINGS = {
    "libx264": {},
    "mpeg4": {},
    "libx265": {"x265-params": "log-level=none:hash=1"},  # with a sum in each picture, for bits that break no rule
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8"},
}


@pytest.mark.parametrize("codec", SETTINGS)
def test_damaged_bits_are_told_in_one_sentence(tmp_path, caplog, codec):
    path = written_noise(tmp_path / "healthy.mp4", codec, **SETTINGS[codec])
    damaged = with_wrong_bits(path, tmp_path / "damaged.mp4", packet=15)
    with caplog.at_level(logging.WARNING):
        assert len(list(VideoReader(with_wrong_bits(path, tmp_path / "same.mp4", packet=-1)))) == 40
        assert not caplog.records
        assert len(list(VideoReader(damaged))) == len(list(VideoReader(damaged))) == 40
    (record,) = caplog.records
    assert re.search(r"damaged\.mp4 has damaged bits at 0\.\d s", record.getMessage())


@pytest.mark.parametrize("open_gop", ["0", "1"])
def test_a_broadcast_that_begins_between_pictures_is_not_called_damaged(tmp_path, caplog, open_gop):
    content = written_noise(tmp_path / "all.ts", "libx264", bf="2", flags="-cgop" if open_gop == "1" else "+cgop")
    (tmp_path / "joined.ts").write_bytes(content.read_bytes()[188 * (content.stat().st_size // 188 // 3) :])
    with caplog.at_level(logging.WARNING):
        assert 20 <= len(list(VideoReader(tmp_path / "joined.ts"))) <= 32
    assert not caplog.records
