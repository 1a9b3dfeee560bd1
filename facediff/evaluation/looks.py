"""What the embedded networks see of a case, kept; and how alike neighbouring frames look to them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from facediff.evaluation.networks import embedded
from facediff.evaluation.registry import Best, Curve, metric
from facediff.landmarks.alignment import MOUTH
from facediff.types import FaceTrack, Presence

if TYPE_CHECKING:
    from facediff.evaluation.cases import Case

MOUTH_GRID = (4, 5)
BLOCKS, BLOCK = 9, 16  # runs of frames of a long video that are looked at, evenly spread, and frames of each


def glanced(track: FaceTrack) -> FaceTrack:
    """The track with a face in some frames only: all of a video of six seconds, runs of sixteen of a longer one."""
    if len(track) <= BLOCKS * BLOCK:
        return track
    starts = np.linspace(0, len(track) - BLOCK, BLOCKS).astype(int) // 4 * 4
    kept = np.zeros(len(track), bool)
    kept[(starts[:, None] + np.arange(BLOCK)).ravel()] = True
    return replace(track, presence=np.where(kept, track.presence, Presence.ABSENT).astype(np.uint8))


def face_looks(case: Case) -> embedded.Looks:
    """The face of a case, with who it is."""
    return case.once(see_face)


def mouth_looks(case: Case) -> embedded.Looks:
    """The mouth of a case."""
    return case.once(see_mouth)


def see_face(case: Case) -> embedded.Looks:
    """What ``face_looks`` gives, found now."""
    model = case.kit.model

    def find() -> dict[str, NDArray]:
        found = embedded.look(
            case.frames, glanced(case.track), embedded.load_codec(model), embedded.load_identity(model)
        )
        return {
            name: array.astype(np.float16 if name != "change" else np.float32) for name, array in vars(found).items()
        }

    kept = case.arrays(f"face looks {model}", find)
    return embedded.Looks(**{name: array.astype(np.float32) for name, array in kept.items()})


def see_mouth(case: Case) -> embedded.Looks:
    """What ``mouth_looks`` gives, found now."""
    model = case.kit.model

    def find() -> dict[str, NDArray]:
        codec = embedded.load_codec(model)
        return dict(vars(embedded.look(case.frames, glanced(case.track), codec, template=MOUTH, grid=MOUTH_GRID)))

    return embedded.Looks(**case.arrays(f"mouth looks {model}", find))


def neighbour_cosines(vectors: NDArray[np.floating]) -> NDArray[np.float64]:
    """Cosine (T,) of each vector with the one before; NaN for the first, and where there is none."""
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.concatenate([[np.nan], (unit[1:] * unit[:-1]).sum(axis=1)])


@metric("consistency_facediff", best=Best.TRUE, views=see_face)
def _consistency(case: Case) -> Curve:
    """How alike neighbouring frames' faces look to our codec, in the place of CLIP consistency.

    Formula: mean cosine of the codec's latents of the face, pooled in 4x4 cells, of neighbouring frames
    Source: as clip_consistency, with an embedded network; not its scale
    Range: -1 to 1; a still is 1, films show 0.97 and more
    """
    looks = face_looks(case)
    return Curve.mean(neighbour_cosines(looks.mean.reshape(len(looks), -1)))
