"""The inpainter that has learnt: what the rules draw, and what a denoiser of few steps paints, made to look filmed."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from facediff.landmarks import masks
from facediff.landmarks.alignment import MOUTH, align
from facediff.landmarks.mesh import LIPS_OUTER
from facediff.landmarks.raster import draw_lips
from facediff.models.mouth_refiner import MouthRefinerNetwork
from facediff.models.placement import move_to
from facediff.rendering.compose import add_window
from facediff.rendering.crops import as_pictures, fade_border, place_in_crop
from facediff.rendering.frame import WarpedFace
from facediff.rendering.inpainting.protocol import Inpainter, PreparedInpainter
from facediff.rendering.inpainting.window import heed_colours
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
        wide: Between which openings it is taken back: what is dark in a wide mouth is filled with a mist of teeth. Fit
            by: eye, beside all of the change and a tenth of it. Seen on: seven training portraits, rendered.
        wide_share: How much of it is left there.
    """

    reach: float = 0.06
    feather: float = 0.09
    wide: tuple[float, float] = (0.08, 0.15)
    wide_share: float = 0.35

    def share(self, face: WarpedFace) -> float:
        """How much of the change a face is to have, from 0 to 1.

        A mouth is refined as far as nobody knows what it shows. Lips that hardly moved, and teeth that the source
        shows at any moment, keep their own pixels, which are nearer to the truth than what a network knows of mouths.
        """
        opening = float(np.linalg.norm((face.points[14] - face.points[13])[:2]) / face.pose.scale[0])
        nothing, everything = self.wide
        wide = float(masks.smoothstep(np.array((opening - nothing) / (everything - nothing))))
        return face.unobserved * (1 - (1 - self.wide_share) * wide)


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

    def inpaint_mouth(self, picture: Frame, face: WarpedFace) -> Frame:
        """A painted frame with its mouth made whole, and refined; see ``PreparedInpainter``."""
        made = self._rules.inpaint_mouth(picture, face)
        style = self._how.style
        share = style.share(face)
        if not share:
            return made
        alignment = align(face.pose, LIPS)
        points = place_in_crop(face.points, alignment, face.pose, LIPS)
        change = refine_mouth(self._how.network, alignment.crop(made, 0), points, face)
        where = masks.region(points[LIPS_OUTER], LIPS.size, LIPS.unit_px, reach=style.reach, feather=style.feather)
        where *= share * fade_border(LIPS.size)
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
