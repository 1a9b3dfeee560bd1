"""The inpainter of drawn rules: mean teeth, a source's own, the dark behind them, the line of shut lips, shut lids."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from facediff.motion.coefficients import lip_opening
from facediff.rendering.compose import add_window, heed_colours
from facediff.rendering.disocclusion import measure_known
from facediff.rendering.frame import WarpedFace
from facediff.rendering.inpainting.appearance_prior import AppearancePrior
from facediff.rendering.inpainting.lids import Lids, LidStyle
from facediff.rendering.inpainting.lip_seal import SealStyle, measure_lip_seal, seal_lips
from facediff.rendering.inpainting.mouth import MouthStyle, draw_mouth_interior, mask_interior, measure_lip_rest
from facediff.rendering.inpainting.teeth import SourceTeeth, TeethStyle, find_source_teeth
from facediff.rendering.inpainting.window import align_mouth
from facediff.types import Frame, RigidPose


@dataclass(frozen=True)
class DrawnInpainter:
    """Draws what a picture does not show, by rules; an ``Inpainter``.

    Attributes:
        prior: Teeth and lids of people in general.
        mouth: How mouths are drawn; ``teeth``, ``seal`` and ``lids`` likewise.
        teeth: See ``mouth``.
        seal: See ``mouth``.
        lids: See ``mouth``.
    """

    prior: AppearancePrior
    mouth: MouthStyle = field(default_factory=MouthStyle)
    teeth: TeethStyle = field(default_factory=TeethStyle)
    seal: SealStyle = field(default_factory=SealStyle)
    lids: LidStyle = field(default_factory=LidStyle)

    def prepare(self, picture: Frame, points: NDArray[np.floating], pose: RigidPose | None = None) -> PreparedDrawing:
        """What the picture shows of its teeth and lids; see ``Inpainter``."""
        return PreparedDrawing(self, picture, points, pose)


class PreparedDrawing:
    """What one picture shows, looked at when it is first asked for; a ``PreparedInpainter``."""

    def __init__(
        self, rules: DrawnInpainter, picture: Frame, points: NDArray[np.floating], pose: RigidPose | None
    ) -> None:
        """Use ``DrawnInpainter.prepare``."""
        self._rules, self._picture, self._points, self._pose = rules, picture, points, pose

    @cached_property
    def _lids(self) -> Lids:
        return Lids(self._picture, self._points, self._rules.prior.lid, self._rules.lids)

    @cached_property
    def _teeth(self) -> SourceTeeth | None:
        if self._pose is None:
            return None
        return find_source_teeth(self._picture, self._points, self._pose, self._rules.teeth)

    @cached_property
    def _own_share(self) -> float:
        """How far its own teeth go before mean ones: what lips that are hardly parted show is a sliver."""
        if self._teeth is None or self._pose is None:
            return 0.0
        gap = float(lip_opening(self._points[None])[0] / self._pose.scale[0])
        return float(self._teeth.share) * measure_known(gap)

    def shut_lids(self, picture: Frame, points: NDArray[np.floating], closure: NDArray[np.floating]) -> Frame:
        """A warped frame with its eyes shut; see ``PreparedInpainter``."""
        return self._lids(picture, points, closure)

    def drawn_lids(self, closure: NDArray[np.floating]) -> NDArray[np.float32]:
        """How much of each lid is drawn; see ``PreparedInpainter``."""
        return self._lids.share(closure)

    def measure_lack(self, face: WarpedFace) -> float:
        """What neither moments of the source nor its own teeth fill; see ``PreparedInpainter``."""
        return face.unobserved * (1 - self._own_share)

    def inpaint_mouth(self, picture: Frame, face: WarpedFace) -> Frame:
        """A painted frame with what its source does not show between its lips, or with teeth shut away behind them."""
        rules, teeth = self._rules, self._teeth
        shut = measure_lip_seal(face, rules.seal)
        lack, stays = self.measure_lack(face), self._own_share * face.disocclusion
        if not lack and not shut and not stays:
            return picture
        alignment, _, unit, points, linear = align_mouth(face.points, face.pose)
        window = alignment.crop(picture, 0).astype(np.float32)
        change = shut * (seal_lips(window, points, unit, rules.seal) - window)
        between = mask_interior(points, unit, (window.shape[1], window.shape[0]), rules.mouth)
        for share, row in ((lack, rules.prior.teeth), (stays, teeth)):
            if share and row is not None:
                rest = measure_lip_rest(face)
                made = draw_mouth_interior(window, points, linear, rest, row, rules.mouth)
                change += (share * between)[..., None] * (made - window)
        # The warp draws lips out to streaks that are finer than the window.
        plain = (window, np.minimum(lack + stays, 1) * between)
        return add_window(picture, heed_colours(change, window), alignment.inverses[0], plain=plain)
