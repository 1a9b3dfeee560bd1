"""The inpainter that has learnt: what the rules draw, and what a denoiser of few steps paints, made to look filmed."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from facediff.landmarks import masks
from facediff.landmarks.alignment import MOUTH, align
from facediff.landmarks.mesh import LIPS_INNER, LIPS_OUTER
from facediff.landmarks.raster import draw_lips
from facediff.models.mouth_refiner import MouthRefinerNetwork
from facediff.models.placement import move_to
from facediff.rendering.compose import add_window, heed_colours
from facediff.rendering.crops import as_pictures, fade_border, place_in_crop
from facediff.rendering.frame import WarpedFace
from facediff.rendering.inpainting.mouth import SOFT_PX
from facediff.rendering.inpainting.protocol import Inpainter, PreparedInpainter
from facediff.types import Frame, RigidPose

# The middle of the mouth window: lips, however wide they open.
LIPS = replace(MOUTH, size=(128, 96), anchor_px=(64.0, 38.0))


@dataclass(frozen=True)
class RefineStyle:
    """Where a mouth is refined, and how far. Distances in eye distances.

    ``reach`` and ``feather`` are those of training; the others were set by eye on people held out of it.

    Attributes:
        reach: Around the lips where all of the change is wanted.
        feather: Over which it then fades out.
        wide: Between which openings the dark of a mouth is spared: the network fills it with a mist of teeth, the mean
            of all that may be there. Fit by: eye, beside all of the change, a third, a seventh and none of it, and from
            0.08 to 0.15. Seen on: 24 training portraits, rendered, at openings of 0.1 and at their widest.
        dark_share: How much of the change is left in the dark of a wide mouth; likewise.
        dark: Light over that of the lips up to which all is dark, and from which nothing is; likewise.
        dark_feather: Over which what is between the lips counts as theirs.
    """

    reach: float = 0.06
    feather: float = 0.09
    wide: tuple[float, float] = (0.04, 0.1)
    dark_share: float = 0.25
    dark: tuple[float, float] = (0.4, 0.75)
    dark_feather: float = 0.03

    def mask(self, window: NDArray[np.uint8], points: NDArray[np.floating], opening: float) -> NDArray[np.float32]:
        """(H, W) from 0 to 1: where a change is wanted of a window (H, W, 3) of ``LIPS``, with landmarks (478, 3).

        Args:
            window: What is drawn.
            points: In its pixels.
            opening: How far apart the lips are in the middle, in eye distances.
        """
        size, unit = LIPS.size, LIPS.unit_px
        where = masks.region(points[LIPS_OUTER], size, unit, reach=self.reach, feather=self.feather)
        where *= fade_border(size)
        wide = float(masks.smoothstep(np.array((opening - self.wide[0]) / (self.wide[1] - self.wide[0]))))
        if not wide:
            return where
        between = masks.region(points[LIPS_INNER], size, unit, feather=self.dark_feather)
        lips, light = masks.region(points[LIPS_OUTER], size, unit) - between, window.mean(axis=2, dtype=np.float32)
        lips = np.maximum(lips, 1e-6)
        light /= max(1.0, float((light * lips).sum() / lips.sum()))
        dark = between * masks.smoothstep((self.dark[1] - light) / (self.dark[1] - self.dark[0]))
        spared: NDArray[np.float32] = 1 - wide * (1 - self.dark_share) * cv2.GaussianBlur(dark, (0, 0), SOFT_PX)
        return where * spared


@dataclass(frozen=True)
class RefinedInpainter:
    """Refines what other rules make of a mouth; lids are theirs. An ``Inpainter``.

    Attributes:
        rules: The other rules.
        network: Refines.
        style: Where.
    """

    rules: Inpainter
    network: MouthRefinerNetwork
    style: RefineStyle = RefineStyle()

    def prepare(self, picture: Frame, points: NDArray[np.floating], pose: RigidPose | None = None) -> PreparedRefining:
        """What the picture shows of its teeth and lids; see ``Inpainter``."""
        return PreparedRefining(self, self.rules.prepare(picture, points, pose))


class PreparedRefining:
    """What one picture lacks, made and refined; a ``PreparedInpainter``."""

    def __init__(self, how: RefinedInpainter, rules: PreparedInpainter) -> None:
        """Use ``RefinedInpainter.prepare``."""
        self._how, self._rules = how, rules

    def shut_lids(self, picture: Frame, points: NDArray[np.floating], closure: NDArray[np.floating]) -> Frame:
        """A warped frame with its eyes shut; see ``PreparedInpainter``."""
        return self._rules.shut_lids(picture, points, closure)

    def drawn_lids(self, closure: NDArray[np.floating]) -> NDArray[np.float32]:
        """How much of each lid is drawn; see ``PreparedInpainter``."""
        return self._rules.drawn_lids(closure)

    def measure_lack(self, face: WarpedFace) -> float:
        """As of the other rules; see ``PreparedInpainter``."""
        return self._rules.measure_lack(face)

    def inpaint_mouth(self, picture: Frame, face: WarpedFace) -> Frame:
        """A painted frame with its mouth made whole, and refined; see ``PreparedInpainter``."""
        made = self._rules.inpaint_mouth(picture, face)
        # A mouth is refined as far as nobody knows what it shows. Lips that hardly moved, and teeth that the source
        # shows, keep their own pixels, which are nearer to the truth than what a network knows of mouths.
        share = self.measure_lack(face)
        if not share:
            return made
        alignment = align(face.pose, LIPS)
        points = place_in_crop(face.points, alignment, face.pose, LIPS)
        window = alignment.crop(made, 0)
        change = refine_mouth(self._how.network, window, points, face)
        opening = float(np.linalg.norm((face.points[14] - face.points[13])[:2]) / face.pose.scale[0])
        where = share * self._how.style.mask(window, points, opening)
        return add_window(made, where[..., None] * change, alignment.inverses[0])


@torch.inference_mode()
def refine_mouth(
    network: MouthRefinerNetwork, window: NDArray[np.uint8], points: NDArray[np.floating], face: WarpedFace
) -> NDArray[np.float32]:
    """What to add to a window (96, 128, 3), in levels.

    Args:
        network: Refines.
        window: Of ``LIPS``.
        points: Landmarks (478, 3) in its pixels.
        face: What it shows, and what its source does not.
    """
    lips = torch.from_numpy(draw_lips(points, LIPS.size))[None].float() / 255
    lack = torch.tensor([[face.disocclusion, face.unobserved]])
    told = (as_pictures([window]).contiguous(memory_format=torch.channels_last), lips, lack)
    change = network(*(move_to(network, part) for part in told))
    levels: NDArray[np.float32] = 127.5 * change[0].permute(1, 2, 0).float().cpu().numpy()
    return heed_colours(levels, window)
