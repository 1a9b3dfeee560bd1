"""Arrays that long work keeps as it goes, so that what is interrupted goes on where it was.

Whoever has a folder for one piece of work says so with ``keep_in``; whoever works in many steps asks ``Kept`` for
each. Without a folder nothing is kept, and everything is made.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

Arrays = dict[str, NDArray]
_FOLDER: ContextVar[Path | None] = ContextVar("kept_arrays", default=None)


@contextlib.contextmanager
def keep_in(folder: Path) -> Iterator[None]:
    """While it lasts, steps of long work are kept in a folder, which is made when the first one is."""
    token = _FOLDER.set(folder)
    try:
        yield
    finally:
        _FOLDER.reset(token)


class Kept:
    """The steps of one piece of work.

    Args:
        on: All that it depends on and its folder does not tell, as text or arrays: other work in one folder has others.
    """

    def __init__(self, *on: str | NDArray) -> None:
        self._folder, digest = _FOLDER.get(), hashlib.sha256()
        for part in on if self._folder is not None else ():
            data = part.encode() if isinstance(part, str) else np.ascontiguousarray(part).data.cast("B")
            digest.update(len(data).to_bytes(8, "little"))
            digest.update(data)
        self._key = digest.hexdigest()[:24]

    def recall(self, name: str, make: Callable[[], Arrays]) -> Arrays:
        """The arrays of a step as they were made, to the bit; made now where they are not there whole.

        Args:
            name: Of the step, a part of a file's name.
            make: Makes them.

        Raises:
            OSError: They cannot be written.
        """
        if self._folder is None:
            return make()
        path = self._folder / f"{self._key}-{name}.npz"
        # Opened here, as numpy leaves one open that is no whole archive.
        with contextlib.suppress(OSError, ValueError, EOFError, BadZipFile), path.open("rb") as file:
            return dict(np.load(file, allow_pickle=False))
        made = make()
        self._folder.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".facediff-{os.getpid()}-{path.name}")  # as batches name what a kill leaves
        try:
            with partial.open("wb") as file:
                np.savez(file, **made)
            os.replace(partial, path)
        finally:
            partial.unlink(missing_ok=True)
        return made
