"""What marks one clip: its frames as they are written, and the files that they are written to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from facediff.errors import ConfigError
from facediff.media import write_image
from facediff.media.writing import XMP_TEXT
from facediff.options.marks import MarkOptions
from facediff.provenance.aigc import aigc_json, given_fields
from facediff.provenance.label import Label, check_label, make_label
from facediff.provenance.record import AIGC, Record
from facediff.provenance.watermark import embed
from facediff.provenance.xmp import append_xmp, xmp_packet
from facediff.system.files import atomic_write
from facediff.types import Frame

_BOXED = (".mp4", ".m4v", ".mov")  # kinds that XMP is put into as a box


def check_marks(options: MarkOptions, path: Path, size: tuple[int, int] | None = None) -> None:
    """Refuses what could mark no clip in a file, before anything is read.

    Args:
        options: How it is to be marked.
        path: The file to be.
        size: Width and height of its frames in pixels, where they are known.

    Raises:
        ConfigError: The label cannot be drawn, the metadata are none, or an authority gives no time stamp.
    """
    check_label(options)
    if size is not None:
        make_label(options, size)
    if options.aigc is not None:
        given_fields(options.aigc)
    if options.timestamp is not None:
        from facediff.provenance.manifest import check_authority  # which loads what signs

        check_authority(options.timestamp, path.name)


@dataclass(frozen=True)
class FrameMarker:
    """Marks frames of one size."""

    label: Label | None
    is_watermarked: bool

    def mark(self, frame: Frame) -> Frame:
        """The frame with the label that is asked for, then the watermark; it is left as it is."""
        shown = frame if self.label is None else self.label.draw(frame)
        if not self.is_watermarked:
            return shown
        return embed(shown) if shown.shape[2] == 3 else np.dstack([embed(shown[..., :3].copy()), shown[..., 3]])


def frame_marker(options: MarkOptions, size: tuple[int, int]) -> FrameMarker:
    """What marks frames of a size.

    Args:
        options: How.
        size: Width and height in pixels.

    Raises:
        ConfigError: The label cannot be drawn.
    """
    return FrameMarker(make_label(options, size), options.watermark)


@dataclass(frozen=True)
class FileMarks:
    """What goes into a file beside its frames.

    Attributes:
        metadata: Texts for a video's container, by their FFmpeg names.
        packet: XMP.
        seal: Signs the finished file; None where its kind holds no manifest.
    """

    metadata: dict[str, str]
    packet: bytes
    seal: Callable[[Path], None] | None

    def finish_video(self, path: Path) -> None:
        """Adds XMP to a finished video, and signs it."""
        if path.suffix.lower() in _BOXED and XMP_TEXT not in self.metadata:
            append_xmp(path, self.packet)
        if self.seal is not None:
            self.seal(path)


def file_marks(record: Record | None, options: MarkOptions, path: Path) -> FileMarks | None:
    """What goes into a file; None of a clip that nothing is known about.

    Raises:
        ConfigError: The certificate, the authority or the metadata cannot be used, or there is no record for them.
    """
    if record is None:
        for name in ("aigc", "timestamp"):
            if getattr(options, name) is not None:
                raise ConfigError(f"{name} is for clips with a record of how they were made, and this one has none")
        return None
    from facediff.provenance.manifest import PICTURES, sealer  # which loads what signs

    record = replace(record, is_watermarked=options.watermark, options={**record.options, **options.recorded()})
    label = None if options.aigc is None else aigc_json(options.aigc, record)
    metadata = record.as_metadata() | ({} if label is None else {AIGC: label})
    packet = xmp_packet(record, aigc_label=label, with_record=path.suffix.lower() in PICTURES)
    if path.suffix.lower() == ".mov" and label is None:  # FFmpeg writes such a text or keys of one's own, never both
        metadata |= {XMP_TEXT: packet.decode()}
    return FileMarks(metadata, packet, sealer(record, path.name, options.timestamp))


def write_marked(path: Path, frame: Frame, record: Record | None, options: MarkOptions) -> None:
    """Writes a picture that says of itself what a clip's file says: label, watermark, record, XMP, manifest.

    Args:
        path: PNG, JPEG or WebP, by the name's ending; whole or not at all.
        frame: RGB (H, W, 3) uint8, unmarked.
        record: How it was made; None for marks of its pixels alone.
        options: How it is marked.

    Raises:
        InputError, OutputError: The name ends in something else, or the place cannot be written to.
        ConfigError: As ``frame_marker`` and ``file_marks``.
    """
    shown = frame_marker(options, (frame.shape[1], frame.shape[0])).mark(frame)
    marks = file_marks(record, options, path)
    if marks is None:
        write_image(path, shown)
        return
    with atomic_write(path) as partial:
        write_image(partial, shown, xmp=marks.packet)
        if marks.seal is not None:
            marks.seal(partial)
