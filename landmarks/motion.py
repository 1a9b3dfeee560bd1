"""Moved to ``facediff.motion.coefficients`` and ``facediff.motion.rig``; this name goes with the next release."""

from __future__ import annotations

from typing import Any

from facediff.system.moved import find_moved

_RENAMED = {
    "encode": "facediff.motion.rig.encode_motion",
    "neutral": "facediff.motion.rig.fit_neutral",
    "usual_pose": "facediff.motion.rig.fit_mean_pose",
    "usual_from": "facediff.motion.rig.undo_head_motion",
    "move_head": "facediff.motion.rig.move_head",
}


def __getattr__(name: str) -> Any:
    return find_moved(name, __name__, "facediff.motion.coefficients", _RENAMED)
