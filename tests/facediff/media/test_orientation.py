"""Videos come out as players show them: turned, mirrored, or both, whatever tells so."""

from __future__ import annotations

import logging
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from skimage.data import astronaut

from facediff.media import VideoReader, VideoWriter

PICTURE = np.ascontiguousarray(astronaut()[:192, 128:384])  # wider than high, and no two of its eight ways alike
# The matrix (a, b, c, d) of ISO/IEC 14496-12 (x' = a x + c y, y' = b x + d y; y points down), and what numpy does.
WAYS = {
    "as it is": ((1, 0, 0, 1), lambda p: p),
    "mirrored": ((-1, 0, 0, 1), lambda p: p[:, ::-1]),
    "upside down": ((-1, 0, 0, -1), lambda p: p[::-1, ::-1]),
    "flipped": ((1, 0, 0, -1), lambda p: p[::-1]),
    "clockwise": ((0, 1, -1, 0), lambda p: np.rot90(p, -1)),
    "counter-clockwise": ((0, -1, 1, 0), lambda p: np.rot90(p, 1)),
    "transposed": ((0, 1, 1, 0), lambda p: p.transpose(1, 0, 2)),
    "transposed the other way": ((0, -1, -1, 0), lambda p: p[::-1, ::-1].transpose(1, 0, 2)),
}


def write(path: Path) -> Path:
    with VideoWriter(path, (PICTURE.shape[1], PICTURE.shape[0]), Fraction(25)) as writer:
        for _ in range(3):
            writer.write(PICTURE)
    return path


def turned(path: Path, matrix: tuple[float, ...]) -> Path:
    """An mp4 whose track has the display matrix."""
    data = bytearray(write(path).read_bytes())
    at = data.index(b"tkhd") + 4 + 40  # version 0: the matrix follows 40 bytes of times, layer and volume
    a, b, c, d = matrix
    data[at : at + 24] = (np.array([a, b, 0, c, d, 0]) * 65536).round().astype(">i4").tobytes()
    path.write_bytes(data)
    return path


def check_upright(path: Path, expected: np.ndarray) -> None:
    reader = VideoReader(path)
    frame = next(iter(reader))
    assert frame.shape == expected.shape and frame.flags.c_contiguous
    assert (reader.info.height, reader.info.width) == expected.shape[:2]
    assert np.abs(frame.astype(int) - expected).mean() < 3


@pytest.mark.parametrize("way", WAYS)
def test_the_whole_display_matrix_is_obeyed(tmp_path, way):
    matrix, upright = WAYS[way]
    check_upright(turned(tmp_path / "v.mp4", matrix), upright(PICTURE))


@pytest.mark.parametrize("way", WAYS)
def test_a_matrix_may_scale_as_well(tmp_path, way):
    matrix, upright = WAYS[way]
    check_upright(turned(tmp_path / "v.mp4", tuple(2 * m for m in matrix)), upright(PICTURE))


@pytest.mark.skipif(not hasattr(av.VideoStream, "set_display_rotation"), reason="PyAV cannot write one before 18")
@pytest.mark.parametrize("is_mirrored", [False, True])
@pytest.mark.parametrize("angle", [0, -90, 90, 180])
def test_matroska_turns_by_its_projection(tmp_path, angle, is_mirrored):
    path = tmp_path / "v.mkv"
    with av.open(str(write(tmp_path / "v.mp4"))) as source, av.open(str(path), "w") as container:
        stream = container.add_stream_from_template(source.streams.video[0])
        stream.set_display_rotation(float(angle), hflip=is_mirrored)
        for packet in source.demux(source.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                container.mux(packet)
    upright = np.rot90(PICTURE, angle // 90)
    check_upright(path, upright[:, ::-1] if is_mirrored else upright)


def test_an_angle_between_is_rounded_and_told(tmp_path, caplog):
    cosine, sine = np.cos(np.radians(80)), np.sin(np.radians(80))
    with caplog.at_level(logging.WARNING):
        check_upright(turned(tmp_path / "v.mp4", (cosine, sine, -sine, cosine)), np.rot90(PICTURE, -1))
    assert "v.mp4 is turned by an angle that is no multiple of 90 degrees" in caplog.text
