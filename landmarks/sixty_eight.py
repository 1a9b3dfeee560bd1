"""The 68-point layout (iBUG, as dlib and face-alignment give it) carried over to the 478-point mesh."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RBFInterpolator

from facediff.landmarks.canonical import mean_face
from facediff.types import Points

# The mesh point at each of the 68: jaw, brows, nose, eyes, outer lips, inner lips.
MESH_OF_68 = np.array([
    127, 234, 93, 132, 58, 136, 150, 176, 152, 400, 379, 365, 288, 361, 323, 454, 356,
    70, 63, 105, 66, 107, 336, 296, 334, 293, 300,
    168, 197, 5, 4, 98, 97, 2, 326, 327,
    33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380,
    61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181,
    78, 82, 13, 312, 308, 317, 14, 87,
])  # fmt: skip


def lift(points: NDArray[np.floating]) -> Points:
    """A mesh (478, 3) through 68 landmarks (68, 3) in pixels.

    The mean face is placed by a similarity, then bent so that it passes through the landmarks (thin-plate spline).
    What 68 points do not say is the mean face's: cheeks, forehead, and the irises, which stay in mid-eye, so that
    gaze cannot be read from such a mesh.
    """
    model = mean_face().astype(np.float64)
    known = model[MESH_OF_68]
    centre_m, centre_p = known.mean(0), points.mean(0)
    u, sigma, vt = np.linalg.svd((points - centre_p).T @ (known - centre_m))
    sign = np.array([1.0, 1.0, np.sign(np.linalg.det(u @ vt))])
    rotation = u @ np.diag(sign) @ vt
    scale = (sigma * sign).sum() / ((known - centre_m) ** 2).sum()
    canonical = (points - centre_p) @ rotation / scale + centre_m
    bend = RBFInterpolator(known, canonical - known, kernel="thin_plate_spline", smoothing=1e-6)
    shape = model + bend(model)
    shape[MESH_OF_68] = canonical
    return ((shape - centre_m) @ rotation.T * scale + centre_p).astype(np.float32)
