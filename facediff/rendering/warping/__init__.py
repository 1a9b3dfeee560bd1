"""A portrait or a video with its face carried to other landmarks."""

from __future__ import annotations

from typing import TypeAlias

from facediff.rendering.inpainting.protocol import Inpainter
from facediff.rendering.source import Source
from facediff.rendering.warping.portrait import PortraitWarper
from facediff.rendering.warping.video import VideoWarper

Warper: TypeAlias = PortraitWarper | VideoWarper


def make_warper(source: Source, inpainter: Inpainter) -> Warper:
    """The warper of a source."""
    return PortraitWarper(source, inpainter) if source.is_still else VideoWarper(source, inpainter)
