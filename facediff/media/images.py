"""Pictures, read as RGB whatever they hold, and written. Knows no face."""

from __future__ import annotations

import re
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from facediff.errors import InputError, MediaError
from facediff.system.files import atomic_write
from facediff.types import Frame

MAX_PIXELS = 64_000_000
# Of what Pillow opens, pictures: not programs (EPS is given to Ghostscript), nor what is never a photo.
KINDS = ("PNG", "JPEG", "WEBP", "AVIF", "HEIF", "BMP", "GIF", "TIFF", "JPEG2000", "PPM")
PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")  # that are written
READ_SUFFIXES = (*PICTURE_SUFFIXES, ".bmp", ".tif", ".tiff", ".heic", ".heif", ".avif", ".jp2", ".ppm")  # in a folder
_SIXTEEN_TO_EIGHT = 257


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


def _by_number(path: Path) -> tuple[list[tuple[bool, int, str]], str]:
    """A key by which numbers in names count as numbers, and a sign that is no letter stands for itself."""
    parts = re.findall(r"\d+|\D+", path.stem.casefold())
    return [(not part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in parts], path.name


def read_image(path: str | Path, *, max_pixels: int = MAX_PIXELS) -> Frame:
    """A picture as RGB (H, W, 3) uint8, upright, transparency over white.

    Raises:
        MediaError: No such file, not a picture, or more than ``max_pixels``.
    """
    path = Path(path)
    if not path.is_file():
        raise MediaError(f"there is no picture at {path}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of doubtful metadata and large sizes; what matters is checked here
            Image.init()
            with Image.open(path, formats=[kind for kind in KINDS if kind in Image.OPEN]) as picture:
                if picture.width * picture.height > max_pixels:
                    raise MediaError(
                        f"{path} has {picture.width}x{picture.height} pixels; at most {max_pixels / 1e6:g} million are "
                        "taken: make it smaller"
                    )
                return np.array(_flattened(ImageOps.exif_transpose(picture)))
    except MediaError:
        raise
    except Exception as error:  # Pillow's plug-ins raise anything on a damaged file
        raise MediaError(f"{path} cannot be read as a picture: it is corrupt, empty or of an unknown kind") from error


def _flattened(picture: Image.Image) -> Image.Image:
    """The picture in RGB, 8 bits a channel, transparency over white."""
    if picture.mode.startswith("I"):  # 16 bits of grey, which convert() would clip
        picture = Image.fromarray((np.asarray(picture) / _SIXTEEN_TO_EIGHT).clip(0, 255).round().astype(np.uint8))
    if picture.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in picture.info:
        layered = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", layered.size, "white"), layered)
    return picture.convert("RGB")


def write_image(path: str | Path, frame: Frame) -> None:
    """Writes RGB (H, W, 3) uint8 as PNG, JPEG or WebP, by the name's ending; whole or not at all.

    Raises:
        InputError: The name ends in something else.
        OutputError: The place cannot be written to.
    """
    path = Path(path)
    if path.suffix.lower() not in PICTURE_SUFFIXES:
        raise InputError(f"{path} must end in one of {', '.join(PICTURE_SUFFIXES)}")
    with atomic_write(path) as partial:
        Image.fromarray(frame).save(partial, quality=95)
