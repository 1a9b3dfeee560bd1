"""Files that survive a crash, and what they hold."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

_BLOCK = 1 << 20


def sha256(path: Path) -> str:
    """Of a file's bytes, hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def holds(path: Path, digest: str | None) -> bool:
    """Whether a file is there, is itself and no link, and has a hash."""
    try:
        return digest is not None and path.is_file() and not path.is_symlink() and sha256(path) == digest
    except OSError:
        return False


def flush(path: Path) -> None:
    """Puts a finished file onto the disk."""
    with path.open("r+b") as file:
        os.fsync(file.fileno())


def write_whole(path: Path, text: str) -> None:
    """Writes a text that is there whole or not at all, even if the power fails; one process at a time."""
    partial = path.with_name(f".facediff-{os.getpid()}-{path.name}")
    try:
        with partial.open("w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
