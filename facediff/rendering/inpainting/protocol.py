"""What may stand in for the drawn rules: anything that makes what a warp uncovers and no picture shows."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from facediff.rendering.frame import WarpedFace
from facediff.types import Frame, RigidPose


class PreparedInpainter(Protocol):
    """What one picture of a face lacks, ready to be made for any number of frames of it."""

    def shut_lids(self, picture: Frame, points: NDArray[np.floating], closure: NDArray[np.floating]) -> Frame:
        """A warped frame (H, W, 3) with its eyes shut: landmarks (478, 3) in its pixels, closure (2,), 1 is shut."""
        ...

    def drawn_lids(self, closure: NDArray[np.floating]) -> NDArray[np.float32]:
        """How much of each lid (2,) ``shut_lids`` makes at a closure (2,), from 0 to 1."""
        ...

    def measure_lack(self, face: WarpedFace) -> float:
        """How much of what is between the lips of a face is made of nothing that the picture shows, from 0 to 1."""
        ...

    def inpaint_mouth(self, picture: Frame, face: WarpedFace) -> Frame:
        """A painted frame (H, W, 3) with what its source does not show between its lips; itself where nothing lacks."""
        ...


class Inpainter(Protocol):
    """Makes mouth interiors and shut lids."""

    def prepare(self, picture: Frame, points: NDArray[np.floating], pose: RigidPose | None = None) -> PreparedInpainter:
        """Looks once at what a picture shows.

        Args:
            picture: (H, W, 3) uint8.
            points: Its landmarks (478, 3) in pixels.
            pose: Its head pose, one row, where the picture's own teeth are to be kept; None where other moments show
                the mouth too.
        """
        ...
