"""Files that strangers signed, and clips to be marked."""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path

import numpy as np
from skimage.data import astronaut

from facediff import Clip
from facediff.provenance import Ingredient, Record
from facediff.provenance.credentials import Credentials
from facediff.provenance.manifest import _embed

CAPTURED = "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture"
PICTURE = np.ascontiguousarray(astronaut()[:256, 100:356])


def sign_as_camera(path: Path, kind: str) -> Path:
    """Gives a file the manifest of a camera."""
    action = {"action": "c2pa.created", "digitalSourceType": CAPTURED}
    claim = {
        "title": path.name, "claim_generator_info": [{"name": "camera", "version": "1"}],
        "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": [action]}}],
    }  # fmt: skip
    target = io.BytesIO()
    with path.open("rb") as source:
        _embed(claim, Credentials.load(), kind, source, target)
    path.write_bytes(target.getvalue())
    return path


def change(path: Path, text: bytes, name: str) -> Path:
    """A copy of a file in which one bit of a text is another."""
    content = bytearray(path.read_bytes())
    content[content.rindex(text)] ^= 1
    changed = path.with_name(name)
    changed.write_bytes(content)
    return changed


def record_of(*inputs: Path, **more) -> Record:
    """The record of a talk."""
    roles = ("source", "speech")
    parts = tuple(Ingredient.of_file(role, path) for role, path in zip(roles, inputs, strict=False))
    return Record(task="talk", inputs=parts, options={}, seed=0, model="base", weights_sha256="ef" * 32, **more)


def clip_of(record: Record | None, frames: int = 6, picture: np.ndarray = PICTURE) -> Clip:
    """A clip of a still."""
    size = (picture.shape[1], picture.shape[0])
    return Clip(
        Fraction(25), size, frames, None, lambda part: (picture for _ in range(part.start, part.stop)), 3, True, record
    )
