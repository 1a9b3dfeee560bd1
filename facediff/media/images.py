"""Pictures, read as RGB whatever they hold, and written. Knows no face."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError
from PIL.PngImagePlugin import PngInfo

from facediff.errors import InputError, MediaError
from facediff.media.kinds import is_single_frame, is_sound
from facediff.media.pictures import convert, is_misread, is_small_view, lay_over_white, open_picture
from facediff.media.reading import VideoReader
from facediff.system.containers import MAX_PIXELS
from facediff.system.files import atomic_write
from facediff.types import Frame

PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")  # that are written
READ_SUFFIXES = (*PICTURE_SUFFIXES, ".bmp", ".tif", ".tiff", ".heic", ".heif", ".avif", ".jp2", ".ppm")  # in a folder


def list_pictures(folder: str | Path) -> list[Path]:
    """The pictures of a folder in the order of their numbers: ``f2`` before ``f10``; without those below it.

    Hidden files are left out, as are what systems keep beside pictures: ``._f1.jpg``, ``.DS_Store``, ``Thumbs.db``.

    Raises:
        MediaError: There are none.
    """
    folder = Path(folder)
    found = [
        path
        for path in folder.iterdir()
        if path.suffix.lower() in READ_SUFFIXES and not path.name.startswith(".") and path.is_file()
    ]
    if not found:
        raise MediaError(f"{folder} holds no pictures ({', '.join(READ_SUFFIXES)})")
    return sorted(found, key=_by_number)


def frame_numbers(files: Sequence[Path]) -> list[int]:
    """The numbers of frames whose names are alike but for these; empty where names differ in more."""
    found = [re.match(r"(\D*)(\d+)(\D*)$", path.stem) for path in files]
    if len({one and (one[1], one[3]) for one in found}) != 1:
        return []
    return [int(one[2]) for one in found if one]


def _by_number(path: Path) -> tuple[list[tuple[bool, int, str]], str]:
    """A key by which numbers in names count as numbers, and a sign that is no letter stands for itself."""
    parts = re.findall(r"\d+|\D+", path.stem.casefold())
    return [(not part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in parts], path.name


def read_image(path: str | Path, *, max_pixels: int = MAX_PIXELS) -> Frame:
    """A picture as RGB (H, W, 3) uint8 in sRGB, upright, transparency over white; of a film of one frame, that one.

    Raises:
        MediaError: No such file, not a picture, or more than ``max_pixels``.
    """
    return read_layers(path, max_pixels=max_pixels)[0]


def read_layers(path: str | Path, *, max_pixels: int = MAX_PIXELS) -> tuple[Frame, NDArray[np.uint8] | None]:
    """A picture as ``read_image`` gives it, and its opacity (H, W) uint8, 255 is all; None where it hides nothing.

    Raises:
        MediaError: See ``read_image``.
    """
    path = Path(path)
    if not path.is_file():
        raise MediaError(f"there is no picture at {path}")
    try:
        with open_picture(path) as picture:
            _check_pixels(path, picture.width, picture.height, max_pixels)
            if is_small_view(picture):
                raise MediaError(f"{path} is a raw photo, of which only a small view is read; export it as JPEG")
            if is_misread(picture):
                raise MediaError(
                    f"{path} keeps red, green and blue apart in 16 bits, which is not read; export it as PNG"
                )
            return split_layers(picture)
    except MediaError:
        raise
    except Exception as error:  # Pillow's plug-ins raise anything on a damaged file
        if isinstance(error, UnidentifiedImageError) and is_single_frame(path):
            reader = VideoReader(path)
            _check_pixels(path, reader.info.width, reader.info.height, max_pixels)
            return next(iter(reader)), None
        if isinstance(error, UnidentifiedImageError) and is_sound(path):
            raise MediaError(f"{path} is a sound, where a picture or a video is wanted") from error
        raise MediaError(f"{path} cannot be read as a picture: it is corrupt, empty or of an unknown kind") from error


def split_layers(picture: Image.Image) -> tuple[Frame, NDArray[np.uint8] | None]:
    """A picture of Pillow's, upright over white, and its opacity; see ``read_layers``."""
    shown = convert(ImageOps.exif_transpose(picture))
    frame = np.array(lay_over_white(shown))
    opacity = np.array(shown)[..., 3:]
    return frame, opacity[..., 0] if opacity.size and opacity.min() < 255 else None


def take_picture(picture: str | Path | Frame | Image.Image) -> tuple[Frame, NDArray[np.uint8] | None]:
    """A picture and its opacity, see ``read_layers``, whichever way it is given: a file, an array, or of Pillow's.

    Raises:
        InputError: It is something else, or an array of another shape or type.
        MediaError: See ``read_image``.
    """
    if isinstance(picture, np.ndarray):
        if picture.dtype == np.uint8 and picture.ndim == 3 and picture.shape[2] == 4:
            return split_layers(Image.fromarray(picture))
        check_frame(picture)
        return picture, None
    if isinstance(picture, Image.Image):
        return split_layers(picture)
    if isinstance(picture, (str, Path)):
        return read_layers(picture)
    raise InputError(f"a picture is a file, an array or one of Pillow's, not of type {type(picture).__name__}")


def check_frame(picture: Frame, least: int = 1) -> None:
    """Raises InputError if an array is not RGB (H, W, 3) uint8 of so many pixels at least."""
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3 or min(picture.shape[:2]) < least:
        size = f" of {least} pixels at least" if least > 1 else ""
        raise InputError(f"a frame is RGB (H, W, 3) uint8{size}, not {picture.dtype} {picture.shape}")


def _check_pixels(path: Path, width: int, height: int, most: int) -> None:
    if width * height > most:
        raise MediaError(
            f"{path} has {width}x{height} pixels; at most {most / 1e6:g} million are taken: make it smaller"
        )


def write_image(path: str | Path, frame: Frame, *, xmp: bytes | None = None) -> None:
    """Writes RGB (H, W, 3) uint8 as PNG, JPEG or WebP, by the name's ending; whole or not at all.

    Args:
        path: Where to.
        frame: The picture.
        xmp: A packet of metadata that goes into it.

    Raises:
        InputError: The name ends in something else.
        OutputError: The place cannot be written to.
    """
    path = Path(path)
    if path.suffix.lower() not in PICTURE_SUFFIXES:
        raise InputError(f"{path} must end in one of {', '.join(PICTURE_SUFFIXES)}")
    more: dict[str, Any] = {}
    if xmp is not None and path.suffix.lower() == ".png":
        more["pnginfo"] = PngInfo()
        more["pnginfo"].add_itxt("XML:com.adobe.xmp", xmp.decode())
    elif xmp is not None:
        more["xmp"] = xmp
    with atomic_write(path) as partial:
        Image.fromarray(frame).save(partial, quality=95, **more)
