"""Heads that touch the edge of their picture and move away from it.

Such a head would leave a mirror image of its hair there, as that is what is shown beyond an edge; what is near the edge
is drawn out as far instead.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facediff.landmarks.triangles import cell_centres
from facediff.landmarks.warp import MeshWarp, sample_picture


@dataclass(frozen=True)
class PictureEdge:
    """An edge of a picture from which a person moves away.

    Attributes:
        axis: 0 for the left and the right one, 1 for the upper one.
        end: Where it lies along the axis, in pixels.
        inwards: 1 or -1, the way along the axis.
        lacks: (N,) how many pixels the person lacks at it, at places along it.
        places: (N,) these, in pixels of a warp's box.
        reach: Times as many, within which they are drawn out.
    """

    axis: int
    end: int
    inwards: int
    lacks: NDArray[np.float32]
    places: NDArray[np.floating]
    reach: float

    def draw_out(self, moves: NDArray[np.floating], centres: NDArray[np.floating], warp: MeshWarp) -> None:
        """Changes how far cells (rows, columns, 2) with such centres are carried back, so that none lacks anything."""
        come = centres[..., self.axis] + moves[..., self.axis] + warp.box[1 - self.axis].start
        depth = self.inwards * (come - self.end)
        lacks = np.interp(centres[..., 1 - self.axis], self.places, self.lacks)
        reach = self.reach * lacks
        drawn = (depth + lacks) * reach / np.maximum(reach + lacks, 1e-6)
        moves[..., self.axis] += self.inwards * np.where(depth < reach, drawn - depth, 0.0)


def find_edges(
    around: NDArray[np.floating], warp: MeshWarp, person: NDArray[np.floating], *, coarse: int, reach: float
) -> list[PictureEdge]:
    """The edges of a picture from which a person (H, W) moves away, as what is around the face is carried.

    Beyond an edge a picture is mirrored: as far as the person is seen there, they lack that much. Below people go on.

    Args:
        around: (rows, columns, 2) how far each coarse cell is carried back.
        warp: Of the picture.
        person: (H, W) what of it is surely the person, from 0 to 1.
        coarse: Cells of the warp's grid, along either side, that are one of these.
        reach: Times what a person lacks, within which they are drawn out.
    """
    cell, found = warp.step * coarse, []
    centres = cell_centres(around.shape[:2], cell)
    come = (centres + around + [warp.box[1].start, warp.box[0].start]).astype(np.float32)
    height, width = person.shape
    for axis, end, inwards in ((1, 0, 1), (0, 0, 1), (0, width - 1, -1)):
        beyond = inwards * (end - come[..., axis])
        if beyond.max() < 1:
            continue
        share = np.clip(beyond / cell + 0.5, 0, 1)
        seen = cell * (share * sample_picture(person.astype(np.float32, copy=False), come)).sum(axis=1 - axis)
        uncovered = beyond.max(axis=1 - axis).clip(0)
        most = np.minimum(2 * seen, uncovered).max()  # twice, as the mask is of what is surely the person
        if most >= 1:  # all along: a head that is drawn out where it touches the edge alone comes to a point
            places = centres[0, :, 0] if axis else centres[:, 0, 1]
            found.append(PictureEdge(axis, end, inwards, np.minimum(most, uncovered), places, reach))
    return found
