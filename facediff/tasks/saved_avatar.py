"""An avatar as a folder: its source, its landmarks, its settings, and what the person shown agreed to.

avatar.json          settings and consent
source.png|mp4|...   the portrait, or the video as it was
track.safetensors    landmarks; nothing is unpickled
opacity.png          how much a portrait hides that came with transparency
source.c2pa          the C2PA manifest that the source has of its own, if any
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import save_file

from facediff.errors import MediaError
from facediff.media import read_image, write_image
from facediff.system.files import AVATAR_NOTE, atomic_folder
from facediff.types import FaceTrack, Frame

_TRACK, _PICTURE, _MANIFEST = "track.safetensors", "source.png", "source.c2pa"
_OPACITY = "opacity.png"
_SETTINGS = ("name", "sha256", "model", "face", "on_missing_face", "consent")
_FORMAT, _VERSION = "facediff avatar", 1
_MAX_ABOUT_BYTES, _MAX_MANIFEST_BYTES = 64_000, 64_000_000


@dataclass(frozen=True)
class SavedAvatar:
    """What is kept of an avatar.

    Attributes:
        source: The portrait (H, W, 3) uint8, or the path of the video.
        track: Landmarks of its face.
        name: Of the file that it was made of, and ``sha256`` of that file's content.
        sha256: See ``name``.
        model: ``base``, or a model folder.
        face: Which face was chosen, where there are several; see ``Avatar.from_image``.
        on_missing_face: See ``Avatar.from_video``.
        consent: What the person shown agreed to, in words; None where nobody wrote it down.
        manifest: The C2PA manifest of the file that it was made of; see ``Ingredient``.
        opacity: (H, W) uint8, see ``Source``.
    """

    source: Frame | Path
    track: FaceTrack
    name: str
    sha256: str
    model: str
    face: int | str | None
    on_missing_face: str
    consent: str | None
    manifest: bytes | None = None
    opacity: NDArray[np.uint8] | None = None


def save(avatar: SavedAvatar, folder: Path) -> None:
    """Writes a folder that was not there; whole or not at all.

    Raises:
        OutputError: It is there already, or cannot be written.
    """
    with atomic_folder(folder, "the avatar") as partial:
        if isinstance(avatar.source, np.ndarray):
            source = _PICTURE
            write_image(partial / source, avatar.source)
            if avatar.opacity is not None:
                write_image(partial / _OPACITY, np.repeat(avatar.opacity[..., None], 3, axis=2))
        else:
            source = f"source{avatar.source.suffix.lower()}"
            shutil.copyfile(avatar.source, partial / source)
        track = avatar.track
        save_file(
            {"points": np.ascontiguousarray(track.points), "presence": np.ascontiguousarray(track.presence)},
            partial / _TRACK,
        )
        about: dict[str, object] = {name: getattr(avatar, name) for name in _SETTINGS}
        about |= {"format": _FORMAT, "version": _VERSION, "source": source, "size": track.size, "fps": track.fps}
        if avatar.manifest is not None:
            (partial / _MANIFEST).write_bytes(avatar.manifest)
        (partial / AVATAR_NOTE).write_text(json.dumps(about, indent=2), encoding="utf-8")


def load(folder: Path) -> SavedAvatar:
    """What ``save`` wrote. The source is looked for in the folder and nowhere else.

    Raises:
        MediaError: There is no such folder, or it holds something else or is damaged.
    """
    about_path = folder / AVATAR_NOTE
    if not about_path.is_file():
        raise MediaError(f"there is no avatar in {folder}: a folder that Avatar.save wrote holds {AVATAR_NOTE}")
    try:
        if about_path.stat().st_size > _MAX_ABOUT_BYTES:
            raise ValueError("it is too large")
        about = json.loads(about_path.read_text(encoding="utf-8"))
        if about["format"] != _FORMAT or int(about["version"]) > _VERSION:
            raise ValueError("it is of another version")
        name = str(about["source"])
        source = folder / name
        if Path(name).name != name or source.is_symlink() or not source.is_file():
            raise ValueError("its source is not in it")
        with safe_open(str(folder / _TRACK), "np") as stored:
            points, presence = stored.get_tensor("points"), stored.get_tensor("presence")
        if points.ndim != 3 or points.shape[1:] != (478, 3) or points.dtype != np.float32:
            raise ValueError("its landmarks are of another shape")
        width, height = (int(side) for side in about["size"])
        track = FaceTrack(points, presence.astype(np.uint8), (width, height), float(about["fps"]))
        consent, face = about["consent"], about["face"]
        if not (face is None or isinstance(face, int | str)):
            raise ValueError("its face is neither a name nor a number")
        saved = SavedAvatar(
            source=source,
            track=track,
            name=str(about["name"]),
            sha256=str(about["sha256"]),
            model=str(about["model"]),
            face=face,
            on_missing_face=str(about["on_missing_face"]),
            consent=None if consent is None else str(consent),
            manifest=_manifest_in(folder),
        )
    except Exception as error:  # JSON, safetensors and missing keys each fail in ways of their own
        raise MediaError(f"{folder} is no avatar of this version of facediff, or is damaged: {error}") from error
    return saved if track.fps else replace(saved, source=read_image(source), opacity=_opacity_in(folder))


def _opacity_in(folder: Path) -> NDArray[np.uint8] | None:
    path = folder / _OPACITY
    return read_image(path)[..., 0] if path.is_file() and not path.is_symlink() else None


def _manifest_in(folder: Path) -> bytes | None:
    path = folder / _MANIFEST
    if not path.exists():
        return None
    if path.is_symlink() or path.stat().st_size > _MAX_MANIFEST_BYTES:
        raise ValueError("its manifest is too large, or not in it")
    return path.read_bytes()
