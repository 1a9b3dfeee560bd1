"""Files that are there whole or not at all."""

from __future__ import annotations

import contextlib
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from safetensors import SafetensorError

from facediff.errors import OutputError


@contextlib.contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """A hidden place beside ``path`` to write to; what is there at the end takes the name, and else nothing is left.

    Raises:
        OutputError: The place cannot be written to.
    """
    partial = path.with_name(f".facediff-{secrets.token_hex(4)}{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield partial
        partial.replace(path)
    except (OSError, SafetensorError) as error:
        raise OutputError(f"{path} cannot be written: {getattr(error, 'strerror', None) or error}") from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_folder(folder: Path, what: str) -> Iterator[Path]:
    """A hidden folder beside ``folder`` to write to; it takes the name at the end, and else nothing is left.

    Args:
        folder: Must not be there.
        what: It is called, in a refusal.

    Raises:
        OutputError: It is there already, or cannot be written.
    """
    if folder.exists():
        raise OutputError(f"{folder} is there already; choose another name for {what}")
    partial = folder.with_name(f".facediff-{secrets.token_hex(4)}")
    try:
        partial.mkdir(parents=True)
        yield partial
        partial.rename(folder)
    except (OSError, SafetensorError) as error:
        raise OutputError(f"{folder} cannot be written: {getattr(error, 'strerror', None) or error}") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
