"""Whether a video shows what words say, and whether it shows the same all along, by CLIP."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from facediff.errors import InputError
from facediff.evaluation.frame_choice import read_chosen, thin
from facediff.evaluation.networks.clip import Clip
from facediff.evaluation.registry import Best, Curve, Need, metric

if TYPE_CHECKING:
    from facediff.evaluation.cases import Case

PAIRS, BATCH = 24, 16  # pairs of neighbouring frames that are looked at, and frames at once


def _vectors(case: Case) -> NDArray[np.float32]:
    """Unit vectors (T, D) of some frames, each with its neighbour; NaN for the others."""

    def find() -> dict[str, NDArray]:
        count = case.length
        rows = sorted({row + k for row in thin(np.arange(count) < count - 1, PAIRS) for k in (0, 1)})
        clip, waiting, found = case.kit.network("clip", Clip), [], []
        for _, frame in read_chosen(set(rows), case.frames):
            waiting.append(frame)
            if len(waiting) == BATCH:
                found.append(clip.pictures(waiting))
                waiting = []
        found += [clip.pictures(waiting)] if waiting else []
        if not found:
            raise InputError(f"{case.name} has a single frame; CLIP consistency needs two")
        seen = np.concatenate(found)
        vectors = np.full((count, seen.shape[1]), np.nan, np.float32)
        vectors[rows] = seen
        return {"vectors": vectors}

    return case.arrays(f"clip {case.kit.weights['clip']}", find)["vectors"]


@metric("clip_consistency", best=Best.TRUE, views=_vectors, weights="clip")
def _consistency(case: Case) -> Curve:
    """How alike neighbouring frames look to CLIP.

    Formula: mean cosine of CLIP's vectors of neighbouring frames, over some 24 pairs
    Source: Esser et al., "Structure and Content-Guided Video Synthesis" (ICCV 2023), Gen-1
    Range: -1 to 1; saturates on faces, where all films show 0.98 and more: never use it alone
    """
    vectors = case.once(_vectors)
    return Curve.mean(np.concatenate([[np.nan], (vectors[1:] * vectors[:-1]).sum(axis=1)]))


@metric("clip_score", best=Best.HIGH, needs=Need.TEXT, views=_vectors, weights="clip")
def _score(case: Case) -> Curve:
    """Whether frames show what the text says, by CLIP.

    Formula: mean over frames of max(100 cos(picture, text), 0)
    Source: Hessel et al., "CLIPScore" (EMNLP 2021), on torchmetrics' scale
    Range: 0 to 100; 20 to 35 are usual
    """
    words = case.kit.network("clip", Clip).text(case.item.text or "")
    return Curve.mean(np.maximum(100 * (case.once(_vectors) @ words), 0))
