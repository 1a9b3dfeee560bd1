"""What is said in the metadata of a file: in a video's container, or in the XMP of a picture."""

from __future__ import annotations

from pathlib import Path

import av

from facediff.errors import MediaError
from facediff.media.images import list_pictures
from facediff.media.pictures import picture_size
from facediff.provenance.record import AIGC, TAG, Record, record_in
from facediff.provenance.xmp import read_xmp
from facediff.system.containers import open_container


def read_texts(path: str | Path) -> dict[str, str]:
    """The texts in a video's container by their names, as they are written here; a picture has them in its XMP.

    Raises:
        MediaError: There is no such file, or it is neither a video nor a picture.
    """
    path = Path(path)
    if not path.is_file():
        raise MediaError(f"there is no video at {path}")
    if picture_size(path) is not None:
        xmp = read_xmp(path)
        found = {TAG: xmp.record, AIGC: xmp.aigc}
        return {name: text for name, text in found.items() if text is not None}
    try:
        with open_container(path) as container:
            tags = {name.lower(): value for name, value in container.metadata.items()}  # Matroska's are in capitals
    except (av.FFmpegError, ValueError) as error:
        raise MediaError(f"{path} cannot be read as a video: it is corrupt, empty or of an unknown kind") from error
    return {name: tags[name.lower()] for name in (TAG, AIGC) if name.lower() in tags}


def read_record(path: str | Path) -> Record | None:
    """The record in a video, a picture, or the first of a folder of frames; None if there is none.

    Raises:
        MediaError: There is no such file, it is neither a video nor a picture, or its record is damaged.
    """
    path = Path(path)
    return record_in(read_texts(list_pictures(path)[0] if path.is_dir() else path).get(TAG))
