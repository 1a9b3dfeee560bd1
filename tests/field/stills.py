"""Pictures as people bring them, made of the astronaut, and how each must look."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pi_heif  # noqa: F401  # so that Pillow knows HEIC
from PIL import Image, ImageOps
from skimage.data import astronaut

from .films import Picture, write

PICTURE = np.ascontiguousarray(astronaut()[:192, 128:384])
STILLS: dict[str, tuple[str, float, Callable[[Path], Picture]]] = {}


def still(name: str, about: str, levels: float = 3.0) -> Callable[[Callable[[Path], Picture]], object]:
    """Registers what makes a picture by what it is about, with how far it may be off, of 255, on the mean."""

    def register(make: Callable[[Path], Picture]) -> None:
        STILLS[about] = name, levels, make

    return register


def plain(name: str, about: str, mode: str = "RGB", levels: float = 3.0, **given: object) -> None:
    """Registers the picture as saved by Pillow in a mode."""

    @still(name, about, levels)
    def make(path: Path) -> Picture:
        picture = Image.fromarray(PICTURE).convert(mode)
        picture.save(path, **given)
        return np.asarray(picture.convert("RGB"))


plain("a.jpg", "a progressive JPEG", progressive=True, quality=95)
plain("a.jpg", "a JPEG of 4:4:4 and grey", "L", quality=95)
plain("a.jpg", "a printer's four inks", "CMYK", quality=95)
plain("a.tif", "four inks in a TIFF", "CMYK", 1)
plain("a.tif", "a scanner's TIFF, packed", "RGB", 0.1, compression="tiff_lzw")
plain("a.tif", "a fax of one bit", "1", 0.1, compression="group4")
plain("a.png", "a palette", "P", 0.1)
plain("a.png", "one bit", "1", 0.1)
plain("a.bmp", "a palette of a BMP", "P", 0.1)
plain("a.webp", "WebP without loss", "RGB", 0.1, lossless=True)
plain("a.avif", "AVIF", quality=95)
plain("a.jp2", "JPEG 2000", "RGB", 0.1)
plain("a.ppm", "a PPM", "RGB", 0.1)
plain("a.gif", "a GIF of one frame", "P", 0.1)
plain("a.mp4", "a PNG called mp4", "RGB", 0.1, format="PNG")
plain("portrait", "a JPEG without an ending", quality=95, format="JPEG")

for orientation, undo in ((3, Image.Transpose.ROTATE_180), (6, Image.Transpose.ROTATE_90),
                          (5, Image.Transpose.TRANSPOSE), (8, Image.Transpose.ROTATE_270)):  # fmt: skip
    for kind in ("tif", "webp", "png"):

        @still(f"a.{kind}", f"a {kind} that lies as EXIF's {orientation} says")
        def make(path: Path, orientation: int = orientation, undo: Image.Transpose = undo) -> Picture:
            exif = Image.Exif()
            exif[0x0112] = orientation
            stored = Image.fromarray(PICTURE).transpose(undo)
            given = {"lossless": True} if path.suffix == ".webp" else {}
            stored.save(path, exif=exif, **given)
            return PICTURE


@still("a.png", "sixteen bits of each colour", 0.6)
def _(path: Path) -> Picture:
    path.write_bytes(_png(PICTURE.astype(np.uint16) * 257, 16, 2))
    return PICTURE


def _png(values: np.ndarray, bits: int, kind: int, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG of one filter, with chunks before its pixels."""
    rows = values.astype(">u2" if bits == 16 else np.uint8).reshape(len(values), -1)
    pixels = b"".join(b"\0" + row.tobytes() for row in rows)
    head = struct.pack(">IIBBBBB", values.shape[1], values.shape[0], bits, kind, 0, 0, 0)
    parts = [(b"IHDR", head), *chunks, (b"IDAT", zlib.compress(pixels)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        for name, content in parts
    )


@still("a.png", "light as a renderer counts it, said by its gamma", 1)
def _(path: Path) -> Picture:
    light = np.rint(65535 * (PICTURE / 255) ** 2.2).astype(np.uint16)
    path.write_bytes(_png(light, 16, 2, (b"gAMA", struct.pack(">I", 100000))))
    return PICTURE


@still("a.png", "a gamma beside the word that it is sRGB", 0.1)
def _(path: Path) -> Picture:
    path.write_bytes(_png(PICTURE, 8, 2, (b"gAMA", struct.pack(">I", 100000)), (b"sRGB", b"\0")))
    return PICTURE


@still("a.png", "what is half transparent lies over white", 1)
def _(path: Path) -> Picture:
    layered = Image.fromarray(PICTURE).convert("RGBA")
    layered.putalpha(128)
    layered.save(path)
    return np.rint(PICTURE * (128 / 255) + 255 * (127 / 255)).astype(np.uint8)


@still("a.png", "grey with transparency", 1)
def _(path: Path) -> Picture:
    layered = Image.fromarray(PICTURE).convert("LA")
    layered.putalpha(0)
    layered.save(path)
    return np.full_like(PICTURE, 255)


@still("a.tif", "grey of 16 bits", 1)
def _(path: Path) -> Picture:
    grey = np.asarray(Image.fromarray(PICTURE).convert("L"))
    Image.fromarray(grey.astype(np.uint16) * 257).save(path)
    return np.repeat(grey[..., None], 3, axis=2)


@still("a.tif", "grey in floats from 0 to 1", 1)
def _(path: Path) -> Picture:
    grey = np.asarray(Image.fromarray(PICTURE).convert("L"))
    Image.fromarray(grey.astype(np.float32) / 255).save(path)
    return np.repeat(grey[..., None], 3, axis=2)


@still("a.jpg", "two pictures of one shot, the second for 3D")
def _(path: Path) -> Picture:
    first, second = Image.fromarray(PICTURE), ImageOps.mirror(Image.fromarray(PICTURE))
    first.save(path, format="MPO", save_all=True, append_images=[second], quality=95)
    return PICTURE


@still("a.jpg", "a phone's motion photo, whose film lies behind it")
def _(path: Path) -> Picture:
    Image.fromarray(PICTURE).save(path, quality=95)
    film = write(path.with_suffix(".mp4"), show=lambda _: 255 - PICTURE)
    path.write_bytes(path.read_bytes() + film.read_bytes())
    return PICTURE


@still("a.tif", "a scanner's pages, the first of which is the portrait", 0.1)
def _(path: Path) -> Picture:
    Image.fromarray(PICTURE).save(path, save_all=True, append_images=[Image.fromarray(255 - PICTURE)])
    return PICTURE


@still("a.tif", "colours of Lab", 2)
def _(path: Path) -> Picture:
    Image.fromarray(PICTURE).convert("LAB").save(path)
    return PICTURE


@still("a.tif", "a microscope's floats with holes", 1)
def _(path: Path) -> Picture:
    grey = np.array(Image.fromarray(PICTURE).convert("L"))
    grey[:20] = 0
    values = grey.astype(np.float32) / 255
    values[:20] = np.nan
    Image.fromarray(values).save(path)
    return np.repeat(grey[..., None], 3, axis=2)
