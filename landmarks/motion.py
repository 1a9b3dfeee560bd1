"""Moved to ``facediff.motion.coefficients``; this name goes with the next release."""

from __future__ import annotations

from typing import Any

from facediff.system.moved import find_moved


def __getattr__(name: str) -> Any:
    return find_moved(
        name, __name__, "facediff.motion.coefficients", {"usual_pose": "mean_pose", "usual_from": "undo_head_motion"}
    )
