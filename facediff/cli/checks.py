"""What is installed and whether it works: libraries, devices, models, codecs, room, and a frame rendered."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, metadata, requires, version
from pathlib import Path

import av
import numpy as np
import psutil
import torch
from packaging.requirements import Requirement
from safetensors import SafetensorError, safe_open
from skimage.data import astronaut

import facediff
from facediff.avatar import Avatar
from facediff.cli.findings import Finding
from facediff.cli.surroundings import examine_files, examine_landmarks, examine_surroundings
from facediff.errors import WeightsError
from facediff.system.device import choose_device, choose_dtype
from facediff.system.weights import CHECKPOINTS, model_folder

ENCODERS = ("libx264", "aac")
DECODERS = ("h264", "aac", "opus", "vp9")
PARTS = ("codec", "motion", "difftalk", "fadm", "edit", "strokes", "sync", "unseen")
OPENCV = ("opencv-python-headless", "opencv-contrib-python-headless", "opencv-contrib-python", "opencv-python")
MIN_DISK_GB, MIN_MEMORY_GB, AMPLE_MEMORY_GB = 1.0, 1.5, 4.0
GB = 1e9


def examine() -> Iterator[Finding]:
    """All findings, the self test last; what goes wrong is a finding and raises nothing."""
    yield from _libraries()
    yield from _devices()
    yield from examine_surroundings()
    yield from examine_landmarks()
    yield from _models()
    yield from _codecs()
    yield from examine_files()
    yield from _room()
    yield _self_test()


def _libraries() -> Iterator[Finding]:
    yield Finding("libraries", "facediff", f"{facediff.__version__} on Python {platform.python_version()}")
    try:
        wanted = [Requirement(text) for text in requires("facediff") or ()]
    except PackageNotFoundError:
        yield Finding("libraries", "installation", "facediff is not installed, only on the path: pip install .", False)
        return
    extras = metadata("facediff").get_all("Provides-Extra") or []
    for requirement in wanted:
        is_needed, *is_taken = (
            requirement.marker is None or requirement.marker.evaluate({"extra": extra}) for extra in ("", *extras)
        )
        if not is_needed and not any(is_taken):  # it is meant for another Python
            continue
        try:
            found = _installed(requirement.name)
        except PackageNotFoundError:
            if is_needed:
                yield Finding("libraries", requirement.name, f"missing: pip install '{requirement}'", False)
            continue
        is_well = requirement.specifier.contains(found, prereleases=True)
        if is_needed or not is_well:
            said = found if is_well else f"{found}, but {requirement.specifier} is wanted"
            yield Finding("libraries", requirement.name, said, is_well)


def _installed(name: str) -> str:
    """The version of a library; of OpenCV, of whichever build is there, since they share their files.

    Raises:
        PackageNotFoundError: It is not installed.
    """
    for build in (name, *(OPENCV if name in OPENCV else ())):
        with suppress(PackageNotFoundError):
            return version(build)
    raise PackageNotFoundError(name)


def _devices() -> Iterator[Finding]:
    device = choose_device()
    name = torch.cuda.get_device_name() if device.type == "cuda" else platform.processor() or platform.machine()
    yield Finding("devices", "chosen", f"{device} ({name}), {str(choose_dtype(device)).removeprefix('torch.')}")
    yield Finding("devices", "threads", f"{torch.get_num_threads()} of {os.cpu_count()} cores")


def _models() -> Iterator[Finding]:
    for part in PARTS:
        try:
            model_folder("base", part)
        except WeightsError as error:
            yield Finding("models", part, str(error), False)
    for file in sorted(CHECKPOINTS.rglob("*.safetensors")):
        is_alone = len(list(file.parent.glob("*.safetensors"))) == 1
        name = str((file.parent if is_alone else file.with_suffix("")).relative_to(CHECKPOINTS))
        try:
            content = file.read_bytes()
            with safe_open(file, framework="np") as weights:
                count = len(weights.keys())
        except (OSError, SafetensorError) as error:
            yield Finding("models", name, f"damaged: {error}", False)
            continue
        digest = hashlib.sha256(content).hexdigest()
        yield Finding("models", name, f"{len(content) / 1e6:.1f} MB, {count} tensors, sha256 {digest}")


def _codecs() -> Iterator[Finding]:
    for names, mode, what in ((ENCODERS, "w", "encoder"), (DECODERS, "r", "decoder")):
        for name in names:
            try:
                av.codec.Codec(name, mode)  # type: ignore[arg-type]
            except av.codec.codec.UnknownCodecError:
                said, is_well = "missing from this build of PyAV: pip install --force-reinstall av", False
            else:
                said, is_well = f"FFmpeg {av.ffmpeg_version_info}", True
            yield Finding("codecs", f"{name} {what}", said, is_well)


def _room() -> Iterator[Finding]:
    for name, folder in (("disk, here", Path.cwd()), ("disk, temporary", Path(tempfile.gettempdir()))):
        free = shutil.disk_usage(folder).free / GB
        yield Finding("room", name, f"{free:.1f} GB free in {folder}", free >= MIN_DISK_GB)
    memory = psutil.virtual_memory()
    free = memory.available / GB
    said = f"{free:.1f} of {memory.total / GB:.1f} GB free"
    if free < MIN_MEMORY_GB:
        yield Finding("room", "memory", f"{said}, and {MIN_MEMORY_GB:g} GB are needed; close other programs", False)
        return
    cost = "" if free >= AMPLE_MEMORY_GB else "one clip at a time: batch with --workers 1, and adapt may not fit"
    yield Finding("room", "memory", said, cost=cost)


def _self_test() -> Finding:
    """A frame of the sample portrait; whatever breaks is what is looked for here."""
    started = time.perf_counter()
    try:
        frame = Avatar.from_image(astronaut()).talk(np.zeros(16000, np.float32)).preview()
    except Exception as error:
        return Finding("self test", "one frame", f"{type(error).__name__}: {' '.join(str(error).split())}", False)
    took = time.perf_counter() - started
    return Finding(
        "self test", "one frame", f"{frame.shape[1]}x{frame.shape[0]} pixels in {took:.1f} s, loading included"
    )
