"""Names for the points of mediapipe's face mesh: indices only, no computation."""

from __future__ import annotations

import numpy as np

MESH_POINTS = 468
ALL_POINTS = 478  # with five iris points an eye

OUTER_EYES = (33, 263)  # the subject's right and left outer corners
# Points that expression hardly moves: eye corners, nose bridge, forehead, temples.
STABLE = np.array([33, 133, 263, 362, 168, 6, 197, 195, 10, 151, 9, 8, 127, 356, 109, 338, 67, 297, 54, 284, 21, 251])
# Of them those that brows leave where they are too: corners of the eyes, bridge of the nose, temples.
BROW_FRAME = np.array([33, 133, 263, 362, 168, 6, 197, 195, 127, 356])

LIPS_OUTER = np.array([61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185])
LIPS_INNER = np.array([78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 415, 310, 311, 312, 13, 82, 81, 80, 191])
LIP_PAIRS = ((13, 14), (82, 87), (312, 317))  # upper and lower inner lip, for the opening
FACE_OVAL = np.array([10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152,
                      148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109])  # fmt: skip
RIGHT_EYE = np.array([33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246])
LEFT_EYE = np.array([263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466])
RIGHT_LIDS, LEFT_LIDS = (159, 145), (386, 374)  # middle of the upper and the lower lid
RIGHT_BROW = np.array([70, 63, 105, 66, 107, 55, 65, 52, 53, 46])
LEFT_BROW = np.array([300, 293, 334, 296, 336, 285, 295, 282, 283, 276])
# Over both brows from the subject's right to the left, and back under them.
BROW_LINE = np.array([70, 63, 105, 66, 107, 336, 296, 334, 293, 300, 276, 283, 282, 295, 285, 55, 65, 52, 53, 46])
RIGHT_IRIS, LEFT_IRIS = np.arange(468, 473), np.arange(473, 478)  # centre first
NOSE_TIP, CHIN, FOREHEAD = 1, 152, 10
SUBNASALE = 2  # where the nose meets the upper lip
UPPER_LIP, LOWER_LIP = 13, 14  # the middle of each, inside
