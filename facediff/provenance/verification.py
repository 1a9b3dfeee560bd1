"""What a file says about where it comes from: watermark, C2PA manifest, record."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

from facediff.errors import MediaError
from facediff.media import VideoReader, is_video, read_image
from facediff.media.images import list_pictures
from facediff.media.pictures import picture_size
from facediff.provenance.aigc import read_aigc
from facediff.provenance.manifest_report import ManifestReport, ManifestState, read_manifest
from facediff.provenance.metadata import read_texts
from facediff.provenance.record import AIGC, TAG, Record, record_in
from facediff.provenance.watermark import Detection, detect
from facediff.provenance.xmp import read_xmp
from facediff.types import Frame

FRAMES = 250  # ten seconds, from the start


@dataclass(frozen=True)
class Verification:
    """What a file says about where it comes from.

    Attributes:
        name: The file's name.
        watermark: What the search for the watermark gave, which outlives recompression.
        manifest: What the C2PA manifest says.
        record: How the clip was made, by the file's own metadata; None if they do not say.
        record_problem: Why the record cannot be read, if there is one that cannot.
        xmp_source_type: IPTC's term for where the content comes from, by the file's XMP.
        aigc: China's label, by its fields; None if there is none.
    """

    name: str
    watermark: Detection
    manifest: ManifestReport
    record: Record | None
    record_problem: str | None = None
    xmp_source_type: str | None = None
    aigc: Mapping[str, str] | None = None

    @property
    def digital_source_type(self) -> str | None:
        """IPTC's term for where the content comes from, of the manifest, the XMP or the record."""
        recorded = self.record.digital_source_type if self.record else None
        return self.manifest.digital_source_type or self.xmp_source_type or recorded

    @property
    def is_marked(self) -> bool:
        """Whether anything says where the clip comes from."""
        has_manifest = self.manifest.state is not ManifestState.absent
        has_record = bool(self.record or self.record_problem)
        return self.watermark.is_found or has_manifest or has_record or bool(self.xmp_source_type or self.aigc)

    def to_json(self) -> str:
        """All of it, for programs."""
        extra = {
            "record": None if self.record is None else self.record.as_dict(), "is_marked": self.is_marked,
            "digital_source_type": self.digital_source_type,
        }  # fmt: skip
        return json.dumps({**asdict(self), **extra}, indent=2)


def verify(path: str | Path) -> Verification:
    """Looks for all that facediff writes into a clip or a picture, and for C2PA manifests and XMP of others.

    The watermark is looked for in the first 250 frames. Of a folder of frames the first says how they were made, and a
    manifest is that of the first frame, or else of one of those 250 that was changed later.

    Raises:
        MediaError: There is no such file, or it is neither a video nor a picture, nor a folder of pictures.
    """
    path = Path(path)
    files = list_pictures(path)[:FRAMES] if path.is_dir() else [path]
    watermark, manifest = detect(_frames(files)), _manifest_of(files)
    texts = read_texts(files[0])
    try:
        record, problem = record_in(texts.get(TAG)), None
    except MediaError as error:  # it must not hide what else was found
        record, problem = None, str(error)
    aigc = read_aigc(texts.get(AIGC))
    return Verification(path.name, watermark, manifest, record, problem, read_xmp(files[0]).digital_source_type, aigc)


def _frames(files: Sequence[Path]) -> Iterator[Frame]:
    for path in files:
        if path.is_file() and not is_video(path) and picture_size(path) is not None:
            yield read_image(path)
        else:
            yield from islice(VideoReader(path), FRAMES)


def _manifest_of(files: Sequence[Path]) -> ManifestReport:
    reports = map(read_manifest, files)
    first = next(reports)
    return next((one for one in reports if one.state is ManifestState.tampered), first)
