"""Files that are there whole or not at all."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator
from pathlib import Path

from safetensors import SafetensorError

from facediff.errors import OutputError


@contextlib.contextmanager
def written_whole(path: Path) -> Iterator[Path]:
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
