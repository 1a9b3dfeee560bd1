"""Picture files, opened whatever their names say, and their pixels as RGB of sRGB. Knows no face."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pi_heif
from PIL import Image

from facediff.media.profiles import convert_to_srgb
from facediff.media.tone_mapping import HLG, PQ, WIDE, Light, to_srgb
from facediff.system.containers import MAX_PIXELS

# Of what Pillow opens, pictures: not programs (EPS is given to Ghostscript), nor what is never a photo.
KINDS = ("PNG", "JPEG", "WEBP", "AVIF", "HEIF", "BMP", "GIF", "TIFF", "JPEG2000", "PPM")
_MOVING_KINDS = ("GIF", "PNG", "WEBP", "AVIF")  # several pictures in one HEIF, TIFF or JPEG (MPO) are no film
_LAYERED = ("RGBA", "LA", "PA", "RGBa", "La")
_SIXTEEN_TO_EIGHT = 257
_ROWS = 64
_BITS, _PLANES, _APART = 258, 284, 2  # of TIFF
_SRGB_GAMMA = 1 / 2.2  # as files of PNG say it
_SUBFILE_TYPE, _REDUCED = 254, 1  # TIFF 6.0, and raw photos that are laid out as it: DNG, NEF, ARW


@contextlib.contextmanager
def open_picture(path: Path) -> Iterator[Image.Image]:
    """The picture in a file, its header read; what Pillow raises where there is none is the caller's to catch."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of doubtful metadata and large sizes; what matters is checked elsewhere
        with Image.open(path, formats=_kinds()) as picture:
            yield picture


@lru_cache(maxsize=1)
def _kinds() -> list[str]:
    Image.init()
    pi_heif.register_heif_opener()
    return [kind for kind in KINDS if kind in Image.OPEN]


def picture_size(path: Path) -> tuple[int, int] | None:
    """Width and height of a picture as stored, without decoding it; None where there is none."""
    try:
        with open_picture(path) as picture:
            return picture.size
    except Exception:  # Pillow's plug-ins raise anything on a damaged file
        return None


def is_moving(path: Path) -> bool:
    """Whether a file is a picture that moves: a GIF, WebP, AVIF or PNG of more than one frame."""
    try:
        with open_picture(path) as picture:
            if picture.format not in _MOVING_KINDS or picture.width * picture.height > MAX_PIXELS:
                return False
            picture.seek(1)
            return True
    except Exception:  # EOFError where there is one frame, and anything on a damaged file
        return False


def is_small_view(picture: Image.Image) -> bool:
    """Whether what was opened is the reduced view that a raw photo has before the photo itself, which is not read."""
    return bool(picture.format == "TIFF" and int(getattr(picture, "tag_v2", {}).get(_SUBFILE_TYPE, 0)) & _REDUCED)


def is_misread(picture: Image.Image) -> bool:
    """Whether a TIFF holds each colour by itself in more than 8 bits, of which Pillow makes noise."""
    tags = getattr(picture, "tag_v2", {}) if picture.format == "TIFF" else {}
    bits = tags.get(_BITS, (1,))
    return tags.get(_PLANES) == _APART and len(bits) > 1 and max(bits) > 8


def flatten(picture: Image.Image) -> Image.Image:
    """The picture in RGB of sRGB, 8 bits a channel, transparency over white."""
    return lay_over_white(convert(picture))


def lay_over_white(picture: Image.Image) -> Image.Image:
    """What ``convert`` gives, in RGB."""
    if picture.mode == "RGB":
        return picture
    return Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")


def convert(picture: Image.Image) -> Image.Image:
    """The picture in RGB of sRGB, 8 bits a channel, or in RGBA where it has transparency."""
    profile = picture.info.get("icc_profile")
    if picture.mode.startswith("I"):  # 16 bits of grey, which convert() would clip
        picture = Image.fromarray((np.asarray(picture) / _SIXTEEN_TO_EIGHT).clip(0, 255).round().astype(np.uint8))
    elif picture.mode == "F":
        values = np.nan_to_num(np.asarray(picture))
        picture = Image.fromarray((values * _scale(float(values.max()))).clip(0, 255).round().astype(np.uint8))
    if not profile and (curve := _gamma_curve(picture.info)):
        has_alpha = picture.mode in _LAYERED or "transparency" in picture.info
        picture = picture.convert("RGBA" if has_alpha else "RGB").point(3 * curve + has_alpha * list(range(256)))
    if picture.mode in _LAYERED or "transparency" in picture.info:
        layered = picture.convert("RGBA")
        if profile:
            opacity, is_grey = layered.getchannel("A"), picture.mode in ("1", "L", "LA")
            colours = picture.convert("L") if is_grey else layered.convert("RGB")
            layered = convert_to_srgb(colours, profile)
            layered.putalpha(opacity)
        return layered
    if profile:
        return convert_to_srgb(picture, profile)
    light = _light_of(picture)
    if light is None:
        return picture.convert("RGB")
    codes = np.asarray(picture.convert("RGB"))
    shown = np.empty_like(codes)
    for row in range(0, len(codes), _ROWS):  # of floats, a photo would take gigabytes at once
        shown[row : row + _ROWS] = (255 * to_srgb(codes[row : row + _ROWS] / 255, light)).round()
    return Image.fromarray(shown)


def _gamma_curve(info: Mapping[Any, Any]) -> list[int]:
    """The levels of sRGB for those of a PNG that says its gamma and nothing better; empty where they are the same."""
    gamma = float(info.get("gamma") or 0)
    if gamma <= 0 or "srgb" in info or abs(gamma / _SRGB_GAMMA - 1) < 0.05:
        return []
    return [round(255 * (level / 255) ** (_SRGB_GAMMA / gamma)) for level in range(256)]


def _scale(brightest: float) -> float:
    """What brings greys in floats to levels: files have them up to 1, to 255, or to what 16 bits hold."""
    if brightest <= 1:
        return 255.0
    return 1.0 if brightest <= 255 else 1 / _SIXTEEN_TO_EIGHT


def _light_of(picture: Image.Image) -> Light | None:
    """What the codes of a HEIC mean, where it has no profile and they are not for a usual screen."""
    tags = picture.info.get("nclx_profile") or {}
    primaries, transfer = int(tags.get("color_primaries", 2)), int(tags.get("transfer_characteristics", 2))
    return Light(primaries, transfer) if transfer in (PQ, HLG) or primaries in WIDE else None
