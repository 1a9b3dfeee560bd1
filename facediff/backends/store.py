"""Compiled networks, kept in the user's cache folder between runs; where it cannot be used, nothing is kept."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import torch
from platformdirs import user_cache_path

from facediff.errors import OutputError
from facediff.system.files import atomic_write

log = logging.getLogger(__name__)

MOST_BYTES = 1 << 30  # beyond, those that were not used for longest go


def cache_folder() -> Path:
    """Where they lie."""
    return user_cache_path("facediff", appauthor=False) / "networks"


def hash_weights(module: torch.nn.Module) -> str:
    """SHA-256 of a network's class and of its weights with their names; as bfloat16, whatever they were loaded as.

    A class that has the weights of another one says so by its ``architecture``, which stands for its name.
    """
    named = getattr(module, "architecture", type(module).__qualname__)
    told = hashlib.sha256(named.encode())
    for name, tensor in module.state_dict().items():
        told.update(f"{name} {tuple(tensor.shape)}".encode())
        held = tensor.detach().cpu().contiguous()
        if held.is_floating_point():
            held = held.to(torch.bfloat16)
        told.update(memoryview(held.reshape(-1).view(torch.uint8).numpy()))
    return told.hexdigest()


def name_entry(described: Mapping[str, object]) -> str:
    """The name of what everything that it depends on describes."""
    return hashlib.sha256(repr(sorted(described.items())).encode()).hexdigest()[:40]


def read_entry(name: str) -> bytes | None:
    """What was kept under a name, whole; None where nothing is, or it is damaged."""
    path = cache_folder() / name
    try:
        kept = path.read_bytes()
        path.touch()
    except OSError:
        return None
    digest, content = kept[:32], kept[32:]
    return content if hashlib.sha256(content).digest() == digest else None


def keep_entry(name: str, content: bytes) -> None:
    """Keeps something under a name, whole or not at all; a folder that cannot be written to is no failure."""
    path = cache_folder() / name
    try:
        with atomic_write(path) as partial:
            partial.write_bytes(hashlib.sha256(content).digest() + content)
        _drop_oldest(path.parent)
    except (OutputError, OSError) as error:
        log.debug("a compiled network is not kept: %s", error)


def _drop_oldest(folder: Path) -> None:
    aged = sorted((file.stat().st_mtime, file.stat().st_size, file) for file in folder.iterdir() if file.is_file())
    total = sum(size for _, size, _ in aged)
    for _, size, file in aged[:-1]:
        if total <= MOST_BYTES:
            return
        with suppress(OSError):
            file.unlink()
            total -= size
