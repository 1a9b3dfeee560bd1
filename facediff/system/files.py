"""Files that are there whole or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from safetensors import SafetensorError

from facediff.errors import InputError, OutputError

AVATAR_NOTE = "avatar.json"  # by which the folder of a saved avatar is known


def as_text(name: str) -> str:
    """A file's name as text of UTF-8, which records are: its bytes read as such, whatever the user's locale says."""
    return os.fsencode(name).decode("utf-8", "replace")


def is_saved_avatar(path: Path) -> bool:
    """Whether it is a folder that ``Avatar.save`` wrote."""
    return (path / AVATAR_NOTE).is_file()


def shown_file(path: Path) -> Path:
    """The picture or the video of a saved avatar, or what is none as it is."""
    if not is_saved_avatar(path):
        return path
    return next((one for one in sorted(path.glob("source.*")) if one.suffix != ".c2pa"), path)


def check_source(path: Path) -> None:
    """Refuses what is neither a file nor a saved avatar where a face is wanted, before work is put into it.

    Raises:
        InputError: There is none, or another folder.
    """
    if not is_saved_avatar(path):
        check_file(path)


def check_file(path: Path) -> None:
    """Refuses what is no file where one is wanted, before work is put into it.

    Raises:
        InputError: There is none, or a folder.
    """
    if is_saved_avatar(path):
        raise InputError(f"{path} is a saved avatar, which talks, moves and is edited; here give {shown_file(path)}")
    if path.is_dir():
        raise InputError(
            f"{path} is a folder where one file is wanted; frames in a folder can drive another face, or be made a "
            "video first"
        )
    if not path.is_file():
        raise InputError(f"there is no file at {path}")


def follow_links(path: Path) -> Path:
    """The place that a name stands for: the end of its links, which need not be there, or the name itself.

    Raises:
        OutputError: The links lead round in a circle.
    """
    if not path.is_symlink():
        return path
    with contextlib.suppress(OSError, RuntimeError):  # of a circle, up to Python 3.12
        if not (target := path.resolve()).is_symlink():
            return target
    raise OutputError(f"{path} cannot be written: it is a link that leads back to itself")


def hidden_name(path: Path, suffix: str) -> Path:
    """A name beside a file's own for what is not whole yet, with the ending that tells its kind."""
    return path.with_name(f".facediff-{secrets.token_hex(4)}{suffix}")


@contextlib.contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """A hidden place beside ``path`` to write to; what is there at the end takes the name, and else nothing is left.

    Where ``path`` is a link, what it points to is written, and the link stays.

    Raises:
        OutputError: The place cannot be written to.
    """
    target = follow_links(path)
    partial = hidden_name(target, path.suffix)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        yield partial
        partial.replace(target)
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
