"""How much of what a mouth shows was hidden in the picture that it is made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facediff.motion import coefficients


@dataclass(frozen=True)
class DisocclusionStyle:
    """From which openings a mouth shows what its picture does not. In eye distances.

    Set by eye on training portraits and dubs ("A mouth that opens far beyond what its source shows keeps its own
    teeth", November 2026); no range was swept.

    Attributes:
        opening_span: By how much more than in its frame a mouth must open to lack nothing yet, and all.
        portrait_span: The same of a portrait: it has no other moment that shows its mouth, so there it is made as soon
            as its lips part; what the warp draws out of shut ones is a fog. Fit by: eye, at openings of 0.008 to 0.07.
            Seen on: seven training portraits, rendered. Range tried: up to 0.05, 0.025, 0.012 and 0.004.
        closed: Opening of lips that shows nothing of what is between them.
        parted: Opening that shows enough.
        beyond: Shares of the opening wanted that one must be to show nothing of it yet, and enough, where no other
            moment shows the mouth: from lips that are a little apart a denoiser of few steps paints a grey patch in a
            wide mouth. Fit by: eye. Seen on: 24 training portraits, rendered. Range tried: none, 0.5 to 0.85, and this.
    """

    opening_span: tuple[float, float] = (0.02, 0.08)
    portrait_span: tuple[float, float] = (0.0, 0.012)
    closed: float = 0.03
    parted: float = 0.07
    beyond: tuple[float, float] = (0.65, 0.95)


def measure_disocclusion(
    own: NDArray[np.floating],
    moved: NDArray[np.floating],
    between: tuple[float, float] = DisocclusionStyle.opening_span,
) -> float:
    """How much of what a mouth as open as ``moved`` shows is missing in ``own``, from 0 to 1; both (478, 3).

    A face's own mouth, carried to the new landmarks, is the best reference there is: of this light and this moment. But
    a closed one shows no teeth.

    Args:
        own: The face in the frame, in canonical units.
        moved: The face wanted.
        between: By how much more, in eye distances, it must open to lack nothing yet, and all.
    """
    before, wanted = coefficients.lip_opening(np.stack([own, moved]))
    return float(share_hidden(before, wanted, between))


def share_hidden(
    before: NDArray[np.floating],
    wanted: NDArray[np.floating],
    between: tuple[float, float] = DisocclusionStyle.opening_span,
) -> NDArray[np.floating]:
    """The same of openings of lips, in eye distances."""
    nothing, everything = between
    return np.clip((wanted - before - nothing) / (everything - nothing), 0, 1)


def measure_lip_gap(canonical: NDArray[np.floating]) -> float:
    """How far the lips of a face (478, 3) are apart, in eye distances."""
    return float(coefficients.lip_opening(canonical[None])[0])


def measure_known(shown: float, style: DisocclusionStyle = DisocclusionStyle()) -> float:
    """How much lips that are so far apart, in eye distances, say of what is between them, from 0 to 1."""
    return float(np.clip((shown - style.closed) / (style.parted - style.closed), 0, 1))


def measure_unobserved(
    disocclusion: float, shown: float, wanted: float | None = None, style: DisocclusionStyle = DisocclusionStyle()
) -> float:
    """How little is known of what is between lips, from 0 to 1.

    Args:
        disocclusion: How much of it the frame lacks, see ``facediff.rendering.frame.WarpedFrame``.
        shown: How far the lips are apart, in eye distances, where any moment of the source shows them widest.
        wanted: How far apart they are to be, where the source has no other moment that shows the mouth.
        style: Which openings show enough.
    """
    known = measure_known(shown, style)
    if wanted is not None:
        nothing, enough = style.beyond
        known *= float(np.clip((shown / max(wanted, 1e-6) - nothing) / (enough - nothing), 0, 1))
    return disocclusion * (1 - known)
