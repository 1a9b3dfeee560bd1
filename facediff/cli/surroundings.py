"""What this machine is and which files it can read, each with what it costs the user: tried, where it can be tried."""

from __future__ import annotations

import io
import locale
import os
import sys
import tempfile
from collections.abc import Iterator
from fractions import Fraction
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import av
import numpy as np
import pi_heif
import torch
from PIL import Image, features

from facediff.backends import choice
from facediff.backends.openvino import multiplies_bfloat16, open_core
from facediff.cli.findings import Finding
from facediff.errors import FaceDiffError
from facediff.landmarks.detection import DETECTORS, choose_detector
from facediff.media.images import read_image
from facediff.media.reading import VideoReader
from facediff.media.writing import VideoWriter
from facediff.system.device import choose_device, choose_dtype

FILMS_OF = {  # decoder: whose films it is for
    "hevc": "phones",
    "libdav1d": "web sites and new phones (AV1)",
    "vp8": "browsers",
    "libvpx-vp9": "browsers, where they are transparent",
    "mpeg2video": "discs and broadcasts",
    "mpeg4": "old cameras",
    "prores": "editors",
    "mjpeg": "webcams",
    "ac3": "camcorders, their sound",
    "mp3": "recorders, their sound",
}
_FASTER = "; with OpenVINO painting takes less time: pip install 'facediff[openvino]'"
_WIDE, _HIGH = 32, 16


def examine_surroundings() -> Iterator[Finding]:
    """The user's locale, cores and precision."""
    coding = locale.getpreferredencoding(False)
    name = locale.setlocale(locale.LC_CTYPE)
    is_wide = coding.lower().replace("-", "") == "utf8" or bool(sys.flags.utf8_mode)
    cost = "" if is_wide else "letters that it lacks are garbled in messages; LC_ALL=C.UTF-8 shows them"
    yield Finding("surroundings", "locale", f"{name}, {coding}; frames are the same in any", cost=cost)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    cost = "" if cores > 1 else "frames are prepared and painted one after the other, at about half the speed of two"
    yield Finding("surroundings", "cores", f"{cores} usable of {os.cpu_count()}", cost=cost)
    device = choose_device()
    is_fast = device.type != "cpu" or choose_dtype(device) == torch.bfloat16
    said = f"multiplied by {device}" if is_fast else "not multiplied by this processor; float32 instead"
    cost = "" if is_fast else "painting takes up to twice as long; a newer processor or a card would do it"
    yield Finding("surroundings", "bfloat16", said, cost=cost)
    yield _backend()


def _backend() -> Finding:
    """What runs the networks that paint; OpenVINO is opened."""
    try:
        chosen = choice.choose_backend(choose_device())
    except FaceDiffError as error:
        return Finding("surroundings", "back end", str(error), False)
    if chosen == choice.TORCH:
        is_slow = choose_device().type == "cpu" and choose_dtype(choose_device()) == torch.float32
        more = _FASTER if is_slow and not os.environ.get(choice.VARIABLE) else ""
        return Finding("surroundings", "back end", f"torch alone{more}")
    if not choice.is_ready(open_core):
        cost = "painting takes longer; pip install --force-reinstall openvino, or FACEDIFF_BACKEND=none for no warning"
        return Finding("surroundings", "back end", f"{choice.describe_openvino()} cannot be opened; torch", cost=cost)
    kinds = ["int8"] * (chosen == choice.OPENVINO_INT8) + ["bfloat16" if multiplies_bfloat16() else "float32"]
    return Finding("surroundings", "back end", f"{choice.describe_openvino()}, {' and '.join(kinds)}")


def examine_landmarks() -> Iterator[Finding]:
    """Which libraries find faces here; the chosen one and those that could be asked for by name."""
    chosen = choose_detector()
    for name in DETECTORS:
        try:
            said = "MediaPipe's networks, in torch" if name == "torch" else f"{name} {version(name)}"
        except PackageNotFoundError:
            if name != chosen:
                yield Finding("landmarks", name, f"not installed, and not needed while {chosen} is there")
                continue
            said = f"{name}, of a build without a version"
        yield Finding("landmarks", name, f"{said}, chosen" if name == chosen else said)


def examine_files() -> Iterator[Finding]:
    """Which kinds of films and pictures are read; turned films and pictures are made and read."""
    for name, whose in FILMS_OF.items():
        is_there = name in av.codecs_available
        said = f"FFmpeg {av.ffmpeg_version_info}" if is_there else "missing from this build of PyAV"
        cost = "" if is_there else f"films of {whose} cannot be read; pip install --force-reinstall av"
        yield Finding("files", f"{name} decoder", said, cost=cost)
    with tempfile.TemporaryDirectory() as folder:
        yield _turned(Path(folder))
        yield _avif(Path(folder))
    yield Finding("files", "HEIC", f"libheif {pi_heif.libheif_version()}")


def _turned(folder: Path) -> Finding:
    """A film whose display matrix says that it is to be turned by a quarter."""
    path = folder / "turned.mp4"
    try:
        with VideoWriter(path, (_WIDE, _HIGH), Fraction(25)) as writer:
            writer.write(np.zeros((_HIGH, _WIDE, 3), np.uint8))
            writer.write(np.zeros((_HIGH, _WIDE, 3), np.uint8))
        data = bytearray(path.read_bytes())
        at = data.index(b"tkhd") + 44  # behind its times, layer and volume: ISO/IEC 14496-12, 8.3.2
        data[at : at + 24] = (np.array([0, 1, 0, -1, 0, 0]) * 65536).astype(">i4").tobytes()
        path.write_bytes(data)
        info = VideoReader(path).info
    except (FaceDiffError, ValueError) as error:
        return Finding("files", "display matrix", f"it cannot be tried: {' '.join(str(error).split())}", False)
    if (info.width, info.height) == (_HIGH, _WIDE):
        return Finding("files", "display matrix", "obeyed: films held upright or mirrored are shown so")
    cost = "films of phones are shown on their side; pip install --force-reinstall av"
    return Finding("files", "display matrix", f"not told by this build of PyAV ({av.__version__})", cost=cost)


def _avif(folder: Path) -> Finding:
    """A picture of AVIF, written and read."""
    lacking = "pictures of AVIF cannot be read; pip install --upgrade --force-reinstall pillow"
    if not features.check("avif"):
        return Finding("files", "AVIF", "missing from this build of Pillow", cost=lacking)
    held = io.BytesIO()
    try:
        Image.new("RGB", (_WIDE, _HIGH), "white").save(held, "AVIF")
        path = folder / "picture.avif"
        path.write_bytes(held.getvalue())
        read_image(path)
    except (FaceDiffError, OSError, ValueError) as error:
        return Finding("files", "AVIF", f"not read: {' '.join(str(error).split())}", cost=lacking)
    return Finding("files", "AVIF", f"libavif {features.version('avif')}")
