"""ICC profiles of pictures: what their numbers mean, in numbers of sRGB."""

from __future__ import annotations

import io
import logging
from functools import lru_cache

from PIL import Image, ImageCms

log = logging.getLogger(__name__)

_MODES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK", "Lab": "LAB"}  # of a profile's colour space
_GREYS = ("1", "L", "LA", "La")


def convert_to_srgb(picture: Image.Image, profile: bytes) -> Image.Image:
    """A picture without transparency in RGB of sRGB.

    Numbers stay as they are where the profile says sRGB, does not belong to the picture's kind of colours, or is
    damaged; the last is told.

    Args:
        picture: Of any mode.
        profile: Its ICC profile.
    """
    try:
        known = _opened(profile)
        if known is None:
            return picture.convert("RGB")
        mode = _MODES.get(known.profile.xcolor_space.strip())
        if mode is None or (picture.mode == "CMYK") != (mode == "CMYK") or (mode == "L" and picture.mode not in _GREYS):
            return picture.convert("RGB")
        converted = ImageCms.applyTransform(picture.convert(mode), _transform(profile, mode))
        assert converted is not None  # as it is where nothing is converted in place
        return converted
    except (ImageCms.PyCMSError, OSError, ValueError):
        log.warning("a colour profile is damaged and left out; colours may be off")
        return picture.convert("RGB")


@lru_cache(maxsize=8)
def _opened(profile: bytes) -> ImageCms.ImageCmsProfile | None:
    """The profile, unless it is that of sRGB."""
    opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    return None if "srgb" in ImageCms.getProfileDescription(opened).lower() else opened


@lru_cache(maxsize=8)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform:
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    return ImageCms.buildTransform(
        source,
        ImageCms.createProfile("sRGB"),
        mode,
        "RGB",
        renderingIntent=ImageCms.Intent(ImageCms.getDefaultIntent(source)),
        flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
