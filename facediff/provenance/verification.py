"""What a file says about where it comes from: watermark, C2PA manifest, record."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

from facediff.errors import MediaError
from facediff.media import VideoReader
from facediff.provenance.manifest import ManifestReport, ManifestState, read_manifest
from facediff.provenance.record import Record, read_record
from facediff.provenance.watermark import Detection, detect

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
    """

    name: str
    watermark: Detection
    manifest: ManifestReport
    record: Record | None
    record_problem: str | None = None

    @property
    def digital_source_type(self) -> str | None:
        """IPTC's term for where the content comes from, of the manifest if it says so, else of the record."""
        return self.manifest.digital_source_type or (self.record.digital_source_type if self.record else None)

    @property
    def is_marked(self) -> bool:
        """Whether anything says where the clip comes from."""
        has_manifest = self.manifest.state is not ManifestState.absent
        return self.watermark.is_found or has_manifest or bool(self.record or self.record_problem)

    def to_json(self) -> str:
        """All of it, for programs."""
        extra = {"is_marked": self.is_marked, "digital_source_type": self.digital_source_type}
        return json.dumps({**asdict(self), **extra}, indent=2)


def verify(path: str | Path) -> Verification:
    """Looks for all that facediff writes into a clip, and for C2PA manifests of others.

    The watermark is looked for in the first 250 frames.

    Raises:
        MediaError: There is no such file, or it is no video.
    """
    path = Path(path)
    watermark, manifest = detect(islice(VideoReader(path), FRAMES)), read_manifest(path)
    try:
        record, problem = read_record(path), None
    except MediaError as error:  # it must not hide what else was found
        record, problem = None, str(error)
    return Verification(path.name, watermark, manifest, record, problem)
