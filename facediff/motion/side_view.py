"""How much a head may move that a portrait shows from the side."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from facediff.landmarks.canonical import fit_pose
from facediff.landmarks.head_pose import head_angles

# Degrees of yaw, and the share of a made head motion that such a portrait bears: a face that turns back from further
# would show a nose and a cheek that are in no picture. Set by eye on the five training portraits that are turned the
# most; at 38 degrees all of it was whole, at 50 two fifths.
TURNED, SHARE = (38.0, 50.0, 65.0), (1.0, 0.4, 0.25)


def share_head_motion(points: NDArray[np.floating]) -> float:
    """The share, from 0 to 1, of a head motion made for a face that looks ahead which these landmarks (478, 3) bear."""
    yaw = float(head_angles(fit_pose(np.asarray(points, np.float32)[None]))[0, 0])
    return float(np.interp(abs(yaw), TURNED, SHARE))
