"""The zip of a domain model: packed, and unpacked with mistrust. Knows no page."""

from __future__ import annotations

import json
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from safetensors import SafetensorError
from safetensors.torch import load, save_file

from facediff.errors import MediaError, WeightsError
from facediff.pipelines.domains import LORA_FILE, read_card, write_network_configs

CARD, WEIGHTS = "domain.json", "diffusion_pytorch_model.safetensors"
NETWORKS = ("small", "captions")
LORA = f"lora/{LORA_FILE}"
MOST_TEXT, MOST_WEIGHTS = 100_000, 32_000_000  # bytes of a file
MEMBERS = {
    CARD: MOST_TEXT,
    **{f"{name}/config.json": MOST_TEXT for name in NETWORKS},
    **{f"{name}/{WEIGHTS}": MOST_WEIGHTS for name in NETWORKS},
    LORA: MOST_WEIGHTS,
}
NEEDED = {"small": tuple(MEMBERS)[1:-1], "lora": (LORA,)}
PASSED_OVER = ("preview.mp4", "small/", "captions/", "lora/")
MOST_LISTED = 10_000  # bytes of a zip's list of members
MOST_WORDS = 2000
_END, _END_64 = b"PK\x05\x06", b"PK\x06\x07"
_END_SIZE, _END_64_SIZE = 22, 20
_UNREADABLE = (
    zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, ValueError, SafetensorError
)  # fmt: skip


def safe_name(name: str) -> str:
    """A name for a file: letters, digits and dashes, 40 at most."""
    return re.sub(r"[^\w-]+", "-", name).strip("-")[:40] or "domain"


def pack(folder: Path, archive: Path) -> Path:
    """Writes the domain model in a folder as a zip."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name in MEMBERS:
            if (folder / name).is_file():
                zipped.write(folder / name, name)
    return archive


def unpack(archive: str | Path, place: Path) -> Path:
    """A folder in ``place`` with the domain model of a zip that may be anything.

    Nothing is written but files of a domain model, under their own names. Of what builds networks only numbers are
    taken over: a config is written anew, and a low-rank adapter is told nothing by its file.

    Raises:
        InputError: It is not what ``pack`` writes.
    """
    folder = place / "unpacked"
    try:
        with open(archive, "rb") as file:
            _check_list(file, archive)
            with zipfile.ZipFile(file) as zipped:
                names = [_write(zipped, member, folder, archive) for member in _members(zipped, archive)]
        if CARD not in names:
            raise MediaError(f"{archive} is not a domain model: it holds no {CARD}")
        card = read_card(folder)
        if card.method not in NEEDED:
            raise MediaError(f"{archive} is a domain model of the method {card.method}, which goes by the command line")
        if lacking := sorted({*NEEDED[card.method]}.difference(names)):
            raise MediaError(f"{archive} is not a whole domain model: it holds no {lacking[0]}")
        (_settle_small if card.method == "small" else _settle_lora)(folder, archive)
    except (MediaError, WeightsError):
        raise
    except _UNREADABLE as error:
        raise MediaError(f"{archive} cannot be read as a domain model: it is damaged, or not a zip") from error
    return folder.rename(place / safe_name(str(card.name)))


def _check_list(file: BinaryIO, archive: str | Path) -> None:
    """Refuses a list of members that would fill the memory before the first of them is seen."""
    size = file.seek(0, 2)
    file.seek(max(0, size - _END_SIZE - _END_64_SIZE))
    tail = file.read()
    end = tail[-_END_SIZE:]
    if not end.startswith(_END) or not end.endswith(b"\0\0"):
        raise zipfile.BadZipFile
    if tail.startswith(_END_64) or struct.unpack("<I", end[12:16])[0] > MOST_LISTED:
        raise MediaError(f"{archive} holds too many files for a domain model")


def _members(zipped: zipfile.ZipFile, archive: str | Path) -> Iterator[zipfile.ZipInfo]:
    """Those that a domain model has, once each."""
    seen = set()
    for member in zipped.infolist():
        name = member.filename
        if stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise MediaError(f"{archive} is not a domain model: {name!r} in it is a link or a device")
        if name in PASSED_OVER:
            continue
        if name not in MEMBERS:
            raise MediaError(f"{archive} is not a domain model: {name!r} in it is none of its files")
        if name in seen:
            raise MediaError(f"{archive} is not a domain model: it holds {name} twice")
        if member.file_size > MEMBERS[name]:
            raise MediaError(f"{archive} is not a domain model: {name} in it is larger than {MEMBERS[name] / 1e6:g} MB")
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise zipfile.BadZipFile
        seen.add(name)
        yield member


def _write(zipped: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path, archive: str | Path) -> str:
    """Writes a member under the name that it is known by."""
    name = member.filename
    with zipped.open(member) as file:
        content = file.read(MEMBERS[name] + 1)
    if len(content) != member.file_size:
        raise zipfile.BadZipFile
    if name.endswith(".json"):
        _read_json(content)
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)
    return name


def _read_json(content: bytes) -> dict:
    try:
        told = json.loads(content)
    except RecursionError as error:
        raise ValueError("too deep") from error
    if not isinstance(told, dict):
        raise ValueError("no object")
    return told


def _settle_small(folder: Path, archive: str | Path) -> None:
    """Writes the configs of the networks of the method ``small`` anew; a config could ask for any amount of memory."""
    words = _read_json((folder / "captions" / "config.json").read_bytes()).get("vocabulary", [])
    if not isinstance(words, list) or len(words) > MOST_WORDS or not all(isinstance(word, str) for word in words):
        raise MediaError(f"{archive} is not a domain model: its vocabulary is no list of words")
    write_network_configs(folder, words)


def _settle_lora(folder: Path, archive: str | Path) -> None:
    """Writes the changes of the method ``lora`` without what the file says about how to make layers of them."""
    changes = load((folder / LORA).read_bytes())
    if not changes or not all(name.endswith((".lora_A.weight", ".lora_B.weight")) for name in changes):
        raise MediaError(f"{archive} is not a domain model: {LORA} in it holds no low-rank changes")
    save_file(changes, folder / LORA, {"format": "pt"})
