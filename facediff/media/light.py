"""What the codes of a film mean in light, as its header, its frames and Dolby's configuration say."""

from __future__ import annotations

import struct
from pathlib import Path

import av

from facediff.errors import MediaError
from facediff.media.notices import warn_once
from facediff.media.side_data import side_data
from facediff.media.tone_mapping import HLG, HLG_PEAK_NITS, PQ, WHITE_NITS, WIDE, Light

_UNSPECIFIED, _BT2020 = 2, 9  # ITU-T H.273, as all numbers here
_USUAL = (1, _UNSPECIFIED, 4, 5, 6, 7, 11, 12, 13, 14, 15)  # transfers that a usual screen shows
_UNREAD = {8: "YCgCo", 10: "constant luminance", 11: "YDzDx", 12: "chromaticity-derived", 13: "chromaticity-derived",
           14: "ICtCp", 15: "IPT", 16: "YCgCo", 17: "YCgCo"}  # fmt: skip
_LIGHT_OF_BASE = {1: PQ, 4: HLG, 6: PQ}  # of a Dolby Vision film, by what its base layer is compatible with
_NO_BASE = 0
_SEARCHED = 1 << 23  # bytes of a header


def light_of(frame: av.VideoFrame, context: av.VideoCodecContext, path: Path) -> Light | None:
    """What the codes of a film mean; None where they are for a usual screen, in colours of BT.709 or nearly so.

    Args:
        frame: Its first.
        context: Of the decoder, once that has been decoded.
        path: Of the file.

    Raises:
        MediaError: Its colours are coded in a way that is not read, such as Dolby Vision without a base layer.
    """
    transfer, primaries, matrix = int(context.color_trc), int(context.color_primaries), int(frame.colorspace)
    if transfer == _UNSPECIFIED and (compatible := _dolby_vision(frame, context, path)) is not None:
        if compatible not in (*_LIGHT_OF_BASE, 2):
            raise MediaError(
                f"{path} is Dolby Vision without a base layer (profile 5), whose colours only Dolby's players know; "
                "export it as HDR10, HLG or SDR"
            )
        transfer, primaries = _LIGHT_OF_BASE.get(compatible, transfer), _BT2020 if compatible != 2 else primaries
    if matrix in _UNREAD and not frame.format.is_rgb:
        raise MediaError(f"{path} codes its colours as {_UNREAD[matrix]}, which is not read; convert it to BT.709")
    if transfer == PQ:
        return Light(primaries, PQ, _peak_nits(frame))
    if transfer == HLG:
        return Light(primaries, HLG)
    if transfer not in _USUAL:
        warn_once(f"{path} codes light in a way ({transfer} of H.273) that is not known; it may look too dark")
    return Light(primaries, transfer) if primaries in WIDE else None


def _peak_nits(frame: av.VideoFrame) -> float:
    """The brightest of a film in PQ, as it says itself or as the screen that it was made on; 1000 without either."""
    peak = 0.0
    if data := side_data(frame, "MASTERING_DISPLAY_METADATA"):
        *_, above, below, _, has_luminance = struct.unpack("=22i", data[:88])  # AVMasteringDisplayMetadata
        peak = above / below if has_luminance and below else 0.0
    if data := side_data(frame, "CONTENT_LIGHT_LEVEL"):
        peak = float(struct.unpack("=I", data[:4])[0]) or peak
    return min(max(peak, WHITE_NITS), 10000.0) if peak else HLG_PEAK_NITS


def _dolby_vision(frame: av.VideoFrame, context: av.VideoCodecContext, path: Path) -> int | None:
    """What the base layer of a Dolby Vision film is compatible with, 0 for nothing; None for other films."""
    if context.codec.name not in ("hevc", "av1", "libdav1d"):
        return None
    header = _header(path)
    for name in (b"dvcC", b"dvvC", b"dvwC"):  # DOVIDecoderConfigurationRecord, in mp4 and Matroska alike
        at = header.find(name) + 4
        if at >= 4 and len(header) > at + 5:
            start = header.find(b"\x01\x00", at, at + 24)  # its version; Matroska has a length and an id before it
            if start >= 0 and len(header) > start + 4:
                return header[start + 4] >> 4
    is_tagged = str(context.codec_tag) in ("dvh1", "dvhe", "dav1")
    is_told = any(side_data(frame, name) is not None for name in ("DOVI_METADATA", "DOVI_RPU_BUFFER"))
    return _NO_BASE if is_tagged or is_told else None


def _header(path: Path) -> bytes:
    """The part of a file that says how its streams are coded: the box moov of mp4, else its first bytes."""
    with path.open("rb") as file:
        start = file.read(1 << 16)
        if start[4:8] not in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"):
            return start
        file.seek(0)
        while len(box := file.read(16)) >= 8:
            size, name = struct.unpack(">I4s", box[:8])
            size = struct.unpack(">Q", box[8:])[0] if size == 1 and len(box) == 16 else size
            if name == b"moov":
                file.seek(-len(box), 1)
                return file.read(min(size, _SEARCHED) or _SEARCHED)
            if size < 8:
                break
            file.seek(size - len(box), 1)
    return start
