"""What an input says of itself: its own C2PA manifest, taken along into the files that are made of it.

It is read when the input is read, with what C2PA finds of it then, and kept as it is, broken or not: whoever looks at
the result sees both. Nothing is fetched.
"""

from __future__ import annotations

import io
import json
from pathlib import Path
from urllib.parse import urlsplit

import c2pa

from facediff.media.notices import warn_once
from facediff.provenance.manifest_report import OFFLINE, ManifestState, report_of
from facediff.system.files import as_text

_BOX_KINDS = {
    b"heic": "image/heic", b"heix": "image/heic", b"mif1": "image/heif", b"avif": "image/avif", b"avis": "image/avif",
    b"qt  ": "video/quicktime", b"M4A ": "audio/mp4", b"M4V ": "video/x-m4v",
}  # fmt: skip
_BEGINNINGS = {
    b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif", b"II*\0": "image/tiff",
    b"MM\0*": "image/tiff", b"fLaC": "audio/flac", b"ID3": "audio/mpeg",
}  # fmt: skip
_RIFF_KINDS = {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/avi"}


def keep_manifest(path: Path, role: str, sha256: str) -> bytes | None:
    """A file's C2PA manifest as an ingredient for ``c2pa.Builder.add_ingredient_from_archive``; None if it has none.

    A manifest that is broken, cannot be read or lies elsewhere is told in a sentence, once for each file.

    Args:
        path: The file; its kind is told by its contents.
        role: What it is, by which the actions of a manifest name it.
        sha256: Of its bytes.
    """
    title = as_text(path.name)
    with path.open("rb") as file:
        kind = _kind_of(file.read(12))
        if kind is None:
            return None
        file.seek(0)
        try:
            with c2pa.Context.from_dict(OFFLINE) as context, c2pa.Reader(kind, file, context=context) as reader:
                report = report_of(json.loads(reader.json()))
        except (c2pa.C2paError.ManifestNotFound, c2pa.C2paError.NotSupported):
            return None
        except (c2pa.C2paError, ValueError, RecursionError) as error:
            if str(error).startswith("Remote"):  # of a class of its own, if ever
                place = urlsplit(str(error).split()[-1]).hostname or "a network"
                warn_once(f"the C2PA manifest of {title} lies on {place} and not in it; it is not fetched, so not kept")
                return None
            warn_once(f"the C2PA manifest of {title} is damaged and cannot be kept: {' '.join(str(error).split())}")
            return None
        file.seek(0)
        about = {
            "title": title, "label": role, "relationship": "inputTo", "instance_id": f"sha256:{sha256}",
            "description": f"{role}; SHA-256 of the file: {sha256}",
        }  # fmt: skip
        archive = io.BytesIO()
        try:
            with c2pa.Context.from_dict(OFFLINE) as context, c2pa.Builder("{}", context=context) as builder:
                builder.add_ingredient(about, kind, file)
                builder.write_ingredient_archive(role, archive)
        except c2pa.C2paError as error:
            warn_once(f"the C2PA manifest of {title} cannot be kept: {' '.join(str(error).split())}")
            return None
    if report.state is ManifestState.tampered:
        warn_once(
            f"{title} or its C2PA manifest was changed after signing ({', '.join(report.problems)}); the manifest is "
            "kept in the result with what is wrong of it"
        )
    return archive.getvalue()


def _kind_of(head: bytes) -> str | None:
    if head[4:8] == b"ftyp":
        return _BOX_KINDS.get(head[8:12], "video/mp4")
    if head[:4] == b"RIFF":
        return _RIFF_KINDS.get(head[8:12])
    return next((kind for begin, kind in _BEGINNINGS.items() if head.startswith(begin)), None)
