"""What a clip is made from, told apart by content and named without its folder: files, arrays, models."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facediff.errors import MediaError, WeightsError
from facediff.pipelines.domains import domain_hash
from facediff.system.files import as_text, check_file
from facediff.system.weights import CHECKPOINTS, model_folder

# Bytes that are in each file with a manifest: the label of its store, or where XMP says that it lies.
_SIGNS = (b"jumdc2pa", b"dcterms:provenance")
_LONGEST_SIGN = max(map(len, _SIGNS))

IN_MEMORY = "(in memory)"  # the name of what never was a file


@dataclass(frozen=True)
class Ingredient:
    """One thing that a clip was made from.

    Attributes:
        role: What it was: ``source``, ``speech``, ``driving``.
        name: The file's name without its folder, or what it is where it never was a file.
        sha256: Of the file's bytes, or of the samples and their shape; hexadecimal.
        manifest: The C2PA manifest that the file has of its own, as an ingredient; None if it has none. What is made
            of it keeps it, and records do not.
    """

    role: str
    name: str
    sha256: str
    manifest: bytes | None = field(default=None, compare=False, repr=False)

    @classmethod
    def of_file(cls, role: str, path: str | Path) -> Ingredient:
        """An ingredient that is a file, or a folder of frames, whose hash is that of its files' names and hashes.

        Raises:
            MediaError: It cannot be read.
        """
        path = Path(path)
        digest, may_be_signed = _examine(path)
        manifest = None
        if may_be_signed:
            from facediff.provenance.source_manifest import keep_manifest  # which loads what reads signatures

            manifest = keep_manifest(path, role, digest)
        return cls(role, as_text(path.name), digest, manifest)

    @classmethod
    def of_array(cls, role: str, samples: NDArray[np.generic]) -> Ingredient:
        """An ingredient that was handed over in memory: a picture, a wave."""
        digest = hashlib.sha256(f"{samples.dtype.str}{samples.shape}".encode())
        digest.update(np.ascontiguousarray(samples).data)
        return cls(role, IN_MEMORY, digest.hexdigest())


def content_hash(path: str | Path, *, takes_folder: bool = True) -> str:
    """SHA-256 of a file, or of a folder's files, as ``Ingredient.of_file`` has it; hexadecimal.

    That of a file is kept for as long as the file is as it was.

    Args:
        path: Of the file or folder.
        takes_folder: Whether it may be a folder.

    Raises:
        InputError: There is no such file.
        MediaError: It cannot be read.
    """
    path = Path(path)
    if takes_folder and path.is_dir():
        return _examine(path)[0]
    check_file(path)
    state = path.stat()
    return _file_hash(path, state.st_ino, state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=4096)
def _file_hash(path: Path, inode: int, size: int, mtime_ns: int) -> str:
    return _examine(path)[0]


def _examine(path: Path) -> tuple[str, bool]:
    """The hash of a file or a folder, and whether a file may have a C2PA manifest."""
    try:
        if path.is_dir():
            parts = [f"{file.name} {_sha256(file)}\n" for file in sorted(path.iterdir()) if file.is_file()]
            return hashlib.sha256(os.fsencode("".join(parts))).hexdigest(), False
        digest, before, may_be_signed = hashlib.sha256(), b"", False
        for block in _blocks(path):
            digest.update(block)
            may_be_signed = may_be_signed or any(sign in before + block for sign in _SIGNS)
            before = block[-_LONGEST_SIGN:]
        return digest.hexdigest(), may_be_signed
    except OSError as error:
        raise MediaError(f"{path} cannot be read: {error.strerror or error}") from error


def weights_hash(model: str | Path, *, domain: str | Path | None = None, prior: str | Path | None = None) -> str:
    """SHA-256 of a model's weights: of the names and hashes of its safetensors files, in order; hexadecimal.

    Args:
        model: ``base``, the embedded model, or a folder laid out like it.
        domain: A domain model that is composed with it; hashed along where there is one.
        prior: The model whose denoiser is the prior; likewise.

    Raises:
        WeightsError: There is no such model.
    """
    hashes = [_model_hash(model)]
    if domain is not None:
        hashes.append(domain_hash(domain))
    if prior is not None:
        hashes.append(_model_hash(prior))
    return hashes[0] if len(hashes) == 1 else hashlib.sha256(" ".join(hashes).encode()).hexdigest()


@lru_cache(maxsize=4)
def _model_hash(model: str | Path) -> str:
    root = model_folder(model, "difftalk").parent
    digest = hashlib.sha256()
    for file in sorted(root.rglob("*.safetensors")):
        try:
            content = _sha256(file)
        except OSError as error:
            raise WeightsError(f"{file} cannot be read: {error.strerror or error}") from error
        digest.update(f"{file.relative_to(root).as_posix()} {content}\n".encode())
    return digest.hexdigest()


def model_name(model: str | Path) -> str:
    """What a record calls a model: its name, or its folder's without where that lies."""
    is_embedded = str(model).isidentifier() and (CHECKPOINTS / str(model)).is_dir()
    return Path(model).resolve().name if Path(model).is_dir() and not is_embedded else str(model)


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    for block in _blocks(path):
        digest.update(block)
    return digest.hexdigest()


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            yield block
