"""Waves of hours: what is long lies in a temporary file, so that it takes no memory while nobody looks at it."""

from __future__ import annotations

import tempfile
import weakref
from typing import BinaryIO

import numpy as np

from facediff.types import Wave

LONG = 1 << 20  # samples, 4 MiB: a minute of what models hear


class WaveStore:
    """A wave that comes piece by piece, and is one array in the end.

    What is long goes into a temporary file without a name, and the array is a map of it: the system reads pages when
    they are looked at, and takes their memory back when it is wanted elsewhere. Where there is no room for such a file
    all is held in memory.

    Args:
        long: Samples from which on a wave is filed.
    """

    def __init__(self, long: int = LONG) -> None:
        self._long, self._filed = long, 0
        self._file: BinaryIO | None = None
        self._held: list[Wave] = []
        self._waiting = 0
        self._has_room = True

    def append(self, piece: Wave) -> None:
        """Puts a piece (N,), float32, behind what there is."""
        self._held.append(piece)
        self._waiting += len(piece)
        if self._has_room and self._waiting >= self._long:
            self._put_away()

    def join(self) -> Wave:
        """All of it (N,), float32, which may be written to; nothing is put behind it any more."""
        if self._file is not None and self._has_room:
            self._put_away()
        if not self._filed:
            return _join(self._held)
        assert self._file is not None
        filed = np.memmap(self._file, np.float32, "r+", shape=(self._filed,)).view(np.ndarray)
        self._file.close()  # the map has it open
        return filed if self._has_room else _join([filed, *self._held])

    def _put_away(self) -> None:
        """Writes what is held to the file, unless there is no room."""
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115
                weakref.finalize(self, self._file.close)
            for piece in self._held:
                if self._file.write(piece.data) != piece.nbytes:
                    raise OSError("the disk is full")
        except OSError:
            self._has_room = False  # of these pieces nothing is read that has been written
            return
        self._filed += self._waiting
        self._held.clear()
        self._waiting = 0


def _join(pieces: list[Wave]) -> Wave:
    """Pieces as one wave; the list is empty then, as each is let go of when it is copied: there are hours of them."""
    wave = np.empty(sum(map(len, pieces)), np.float32)
    end = len(wave)
    while pieces:
        piece = pieces.pop()
        wave[end - len(piece) : end] = piece
        end -= len(piece)
    return wave
