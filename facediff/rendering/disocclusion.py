"""How much of what a mouth shows was hidden in the picture that it is made of."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from facediff.motion import coefficients

# Eye distances by which a mouth must open further than it does in the frame to lack something, and all; a portrait has
# no other moment that shows it, so there it is made sooner.
OPENING_SPAN, PORTRAIT_OPENING_SPAN = (0.02, 0.08), (0.015, 0.05)
CLOSED, PARTED = 0.03, 0.07  # opening of lips, in eye distances, that shows nothing and enough


def measure_disocclusion(
    own: NDArray[np.floating], moved: NDArray[np.floating], between: tuple[float, float] = OPENING_SPAN
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
    nothing, everything = between
    return float(np.clip((wanted - before - nothing) / (everything - nothing), 0, 1))


def measure_lip_gap(canonical: NDArray[np.floating]) -> float:
    """How far the lips of a face (478, 3) are apart, in eye distances."""
    return float(coefficients.lip_opening(canonical[None])[0])


def measure_unobserved(disocclusion: float, shown: float) -> float:
    """How little is known of what is between lips, from 0 to 1.

    Args:
        disocclusion: How much of it the frame lacks, see ``facediff.rendering.frame.WarpedFrame``.
        shown: How far the lips are apart, in eye distances, where the source or its reference shows them widest.
    """
    return disocclusion * float(np.clip((PARTED - shown) / (PARTED - CLOSED), 0, 1))
