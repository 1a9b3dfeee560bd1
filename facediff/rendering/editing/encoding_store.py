"""Encodings of videos on disk: one SQLite file each, in the user's cache folder."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from platformdirs import user_cache_path

log = logging.getLogger(__name__)

Codes: TypeAlias = tuple[NDArray[np.float16], NDArray[np.float16]]  # noise and the latents it decodes to, (L, h, w)
CACHE_BYTES = 4 * 2**30  # of which the encodings used longest ago are dropped
_TABLES = """
CREATE TABLE IF NOT EXISTS frames (id INTEGER PRIMARY KEY, code BLOB NOT NULL, latents BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value BLOB NOT NULL);
"""


class EncodingStore:
    """What is kept of one video. Each write is whole or not at all, whatever interrupts it.

    A cache must never be why an edit fails: a store that cannot be written keeps nothing, one that is damaged begins
    anew, and both are logged.

    Args:
        path: Of the file; ``encoding_path`` gives one.
        shape: (L, h, w) of the codes of a frame.
    """

    def __init__(self, path: Path, shape: tuple[int, int, int]) -> None:
        self._path, self._shape = path, shape
        self._is_broken = False
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with self._open() as base:
                base.executescript(_TABLES)
            os.utime(path)  # used now
        except (OSError, sqlite3.Error):
            self._begin_anew()

    def read(self, indices: list[int]) -> dict[int, Codes]:
        """Codes of those of the frames that are there."""
        marks = ",".join("?" * len(indices))
        rows = self._asked(f"SELECT id, code, latents FROM frames WHERE id IN ({marks})", indices)
        found = {index: (code, latents) for index, code, latents in rows}
        size = 2 * int(np.prod(self._shape))
        return {
            index: (self._array(code), self._array(latents))
            for index, (code, latents) in found.items()
            if len(code) == len(latents) == size
        }

    def write(self, codes: Mapping[int, Codes]) -> None:
        """Keeps the codes of some frames."""
        rows = [(index, code.tobytes(), latents.tobytes()) for index, (code, latents) in codes.items()]
        self._told("INSERT OR REPLACE INTO frames VALUES (?, ?, ?)", rows)

    @property
    def identity(self) -> NDArray[np.float32] | None:
        """The video's identity vector (D,); None until it is set."""
        rows = self._asked("SELECT value FROM about WHERE name = 'identity'", [])
        return np.frombuffer(rows[0][0], np.float32).copy() if rows else None

    @identity.setter
    def identity(self, value: NDArray[np.float32]) -> None:
        self._told("INSERT OR REPLACE INTO about VALUES ('identity', ?)", [(value.astype(np.float32).tobytes(),)])

    def _array(self, blob: bytes) -> NDArray[np.float16]:
        return np.frombuffer(blob, np.float16).reshape(self._shape)

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        # A connection belongs to its thread, and rendering may go on in another one; opening is cheap.
        base = sqlite3.connect(self._path, timeout=30)
        try:
            with base:
                yield base
        finally:
            base.close()

    def _asked(self, question: str, values: list[int]) -> list[tuple]:
        if self._is_broken:
            return []
        try:
            with self._open() as base:
                return base.execute(question, values).fetchall()
        except sqlite3.DatabaseError:
            self._begin_anew()
            return []

    def _told(self, order: str, rows: list[tuple]) -> None:
        if self._is_broken:
            return
        try:
            with self._open() as base:
                base.executemany(order, rows)
        except sqlite3.Error as error:
            log.warning("the encoding is not kept: %s (%s)", error, self._path)
            self._is_broken = True

    def _begin_anew(self) -> None:
        try:
            self._path.unlink(missing_ok=True)
            with self._open() as base:
                base.executescript(_TABLES)
        except (OSError, sqlite3.Error) as error:
            log.warning("the encoding is not kept: %s (%s)", error, self._path)
            self._is_broken = True


def encoding_path(*keys: object) -> Path:
    """Where the encoding lies that depends on ``keys``, which are hashed; it may not be there yet."""
    digest = hashlib.sha256("\n".join(map(str, keys)).encode()).hexdigest()
    return user_cache_path("facediff") / "encodings" / f"{digest[:32]}.sqlite"


def prune(keep: Path, most: int = CACHE_BYTES) -> None:
    """Drops the encodings used longest ago until those beside ``keep`` hold at most so many bytes; never ``keep``."""
    with contextlib.suppress(OSError):
        files = sorted(keep.parent.glob("*.sqlite"), key=lambda path: path.stat().st_mtime, reverse=True)
        total = 0
        for path in files:
            total += path.stat().st_size
            if total > most and path != keep:
                path.unlink(missing_ok=True)
