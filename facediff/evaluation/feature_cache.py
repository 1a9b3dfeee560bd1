"""What is costly to find out about a file, kept: by the hash of what is in the file, not by its name."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import zipfile
from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
import platformdirs
from numpy.typing import NDArray

from facediff.errors import MediaError, OutputError
from facediff.system.files import atomic_write

Arrays = Mapping[str, NDArray]
# Code and weights whatever is kept was made by; what others change leaves it as it is.
_MAKERS = ("audio", "conditioning", "evaluation", "landmarks", "media", "models", "motion", "checkpoints")


class FeatureCache:
    """Arrays on disk, by the content of a file and the name of what they say about it.

    Args:
        folder: Where; None keeps nothing.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def arrays(self, path: Path, name: str, find: Callable[[], Arrays]) -> Arrays:
        """What is kept, or else what ``find`` gives, which is then kept.

        Args:
            path: The file that they are of.
            name: What they are, with whatever else they depend on.
            find: What makes them.
        """
        if self._folder is None:
            return find()
        key = hashlib.sha256(f"{content_hash(path)} {name} {makers_hash()}".encode()).hexdigest()
        kept = self._folder / key[:2] / f"{key[2:]}.npz"
        try:
            with kept.open("rb") as held, np.load(held, allow_pickle=False) as file:
                return {array: file[array] for array in file.files}
        except (OSError, ValueError, EOFError, zipfile.BadZipFile):  # not there, or torn
            found = find()
        try:
            with atomic_write(kept) as partial, partial.open("wb") as file:
                np.savez(file, **found)  # type: ignore[arg-type]
        except OutputError:  # a full disk costs time, and no figure
            self._folder = None
        return found


def default_folder() -> Path:
    """Where features are kept by default: in the user's folder of what can be made again."""
    return Path(platformdirs.user_cache_dir("facediff", appauthor=False)) / "evaluation"


def content_hash(path: str | Path) -> str:
    """SHA-256 of a file, hexadecimal; found once, as long as the file is not written to.

    Raises:
        MediaError: It cannot be read.
    """
    try:
        state = os.stat(path)
        return _hash(str(path), state.st_ino, state.st_size, state.st_mtime_ns)
    except OSError as error:
        raise MediaError(f"{path} cannot be read: {error.strerror or error}") from error


@lru_cache(maxsize=4096)
def _hash(path: str, *state: int) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() if hasattr(hashlib, "file_digest") else _slow(file)


def _slow(file) -> str:  # Python 3.10
    digest = hashlib.sha256()
    while piece := file.read(1 << 20):
        digest.update(piece)
    return digest.hexdigest()


@cache
def makers_hash() -> str:
    """A hash of the code and of the embedded weights that features are made by: another version finds its own."""
    digest, package = hashlib.sha256(), Path(__file__).parents[1]
    for room in _MAKERS:
        folder = package / room
        if not folder.is_dir():  # installed, where audio/ and landmarks/ are folders of their own
            spec = importlib.util.find_spec(f"facediff.{room}")
            folder = Path(str(spec.origin)).parent if spec is not None and spec.origin else folder
        for file in sorted(folder.rglob("*")):
            if file.suffix == ".py":
                digest.update(file.read_bytes())
            elif file.suffix in (".safetensors", ".npy", ".json"):
                digest.update(f"{file.name} {file.stat().st_size}".encode())
    return digest.hexdigest()[:16]
