"""Talking heads and face animation with diffusion models.

from facediff import Avatar
Avatar.from_image("portrait.jpg").talk("speech.wav").save("hello.mp4")
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from facediff.avatar import Avatar
    from facediff.clip import Clip
    from facediff.errors import FaceDiffError
    from facediff.tasks.enhance import enhance

__version__ = "0.1.0"
__all__ = ["Avatar", "Clip", "FaceDiffError", "__version__", "enhance"]

_HOMES = {
    "Avatar": "facediff.avatar",
    "Clip": "facediff.clip",
    "FaceDiffError": "facediff.errors",
    "enhance": "facediff.tasks.enhance",
}


def __getattr__(name: str) -> Any:
    """Public names on demand: importing the package loads no torch."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'facediff' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
