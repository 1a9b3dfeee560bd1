"""A face as something that can be moved: its neutral shape and its mean pose, to and from the coefficients of a motion.

The only place where shape, pose and coefficients meet.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from facediff.landmarks.canonical import canonicalise, fit_pose, from_canonical, to_canonical
from facediff.landmarks.head_pose import nearest_quarter
from facediff.landmarks.mesh import BROW_FRAME
from facediff.motion.coefficients import (
    ANGLES,
    BROWS,
    DIMENSIONS,
    EYES,
    GAZE,
    LIDS,
    LIPS,
    OPENING,
    SHIFT,
    basis,
    close_lids,
    lip_opening,
    look,
    read_gaze,
)
from facediff.types import Points, RigidPose

LIPS_TOUCH = 0.012  # opening, in eye distances, at which the mesh's lips touch


@dataclass(frozen=True)
class FaceRig:
    """One person's face at rest, from which motion counts and to which it is added.

    Attributes:
        neutral: Canonical face (478, 3), lips together, eyes as open as usual, looking ahead.
        pose: The mean head pose, one row, in pixels of some frame.
        lid_gap: (2,) distance of upper and lower lid at rest over the width of the eye, right and left.
        gaze: (2,) where the irises are at rest, in eye widths from the middle of the eye, right and down.
    """

    neutral: NDArray[np.float32]
    pose: RigidPose
    lid_gap: NDArray[np.floating]
    gaze: NDArray[np.floating]

    @classmethod
    def fit(cls, points: Points) -> FaceRig:
        """The rig of landmarks (T, 478, 3) of one person; rows of NaN are ignored."""
        return cls._of_canonical(*canonicalise(points))

    @classmethod
    def from_shape(cls, neutral: NDArray[np.floating], pose: RigidPose) -> FaceRig:
        """The rig of a face (478, 3) that is at rest as it is, and of the head poses (T) that it takes."""
        shape = np.asarray(neutral, np.float32)
        return cls(shape, fit_mean_pose(pose), _lid_gap(shape[None])[0], read_gaze(shape[None])[0])

    @classmethod
    def _of_canonical(cls, canonical: NDArray[np.floating], pose: RigidPose) -> FaceRig:
        lid_gap, gaze = (np.nanmedian(of(canonical), axis=0) for of in (_lid_gap, read_gaze))
        return cls(fit_neutral(canonical), fit_mean_pose(pose), lid_gap, gaze)

    def encode(self, points: Points) -> NDArray[np.float32]:
        """The motion (T, 31) of landmarks (T, 478, 3) in pixels; rows of NaN give NaN."""
        return self._encode(*canonicalise(points))

    def _encode(self, canonical: NDArray[np.floating], pose: RigidPose) -> NDArray[np.float32]:
        b = basis()
        offset = (canonical - self.neutral).reshape(len(canonical), -1)
        motion = np.full((len(canonical), DIMENSIONS), np.nan, np.float32)
        for part, directions in ((LIPS, b.lips), (BROWS, b.brows)):
            motion[:, part] = offset @ invert_directions(directions)
        motion[:, LIDS] = np.clip(1.0 - _lid_gap(canonical) / self.lid_gap, -0.5, 1.0)
        motion[:, GAZE] = read_gaze(canonical) - self.gaze
        motion[:, ANGLES], motion[:, SHIFT] = self._encode_head(pose)
        motion[:, OPENING] = lip_opening(canonical)[:, None] - lip_opening(self.neutral[None])[0]
        return motion

    def read_brows(self, points: Points) -> NDArray[np.float32]:
        """The coefficients (T, 4) of the brows in landmarks (T, 478, 3) in pixels, from rest; rows of NaN give NaN.

        Foreheads go with brows, and the pose that ``encode`` takes out is fitted to foreheads as well, so half of what
        brows do is a nod to it. Here it is fitted to what they leave where it is. The networks have learnt from the
        former and are given that; this is for what a driver does.
        """
        pose = fit_pose(points, self.neutral, BROW_FRAME)
        offset = (to_canonical(points, pose) - self.neutral).reshape(len(points), -1)
        return (offset @ invert_directions(basis().brows)).astype(np.float32)

    def _encode_head(self, pose: RigidPose) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Angles (T, 3) in degrees and shifts (T, 3) from the mean pose."""
        found, scale = np.isfinite(pose.scale), self.pose.scale[0]
        angles = np.full((len(pose), 3), np.nan, np.float32)
        upright = find_quarter_turn(self.pose.rotation[0]).T
        relative = upright @ pose.rotation[found] @ self.pose.rotation[0].T @ upright.T
        angles[found] = Rotation.from_matrix(relative).as_euler("yxz", degrees=True)
        moved = (pose.translation[:, :2] - self.pose.translation[0, :2]) @ upright[:2, :2].T / scale
        shift = np.concatenate([moved, np.log(pose.scale / scale)[:, None]], axis=1)
        return angles, shift.astype(np.float32)

    def points(self, motion: NDArray[np.floating]) -> Points:
        """Landmarks (T, 478, 3) in pixels of this face making a motion (T, 31)."""
        return from_canonical(self.express(motion), self.move_head(motion))

    def express(self, motion: NDArray[np.floating]) -> NDArray[np.float32]:
        """Canonical landmarks (T, 478, 3) of this face making the expressions of a motion (T, 31)."""
        b = basis()
        lips = np.einsum("tk,kni->tni", motion[:, LIPS], b.lips)
        brows = np.einsum("tk,kni->tni", motion[:, BROWS], b.brows)
        canonical = self.neutral + lips + brows
        return look(close_lids(canonical.astype(np.float32), motion[:, LIDS]), motion[:, GAZE])

    def move_head(self, motion: NDArray[np.floating]) -> RigidPose:
        """Head poses (T) of a motion (T, 31) around the mean pose."""
        return move_head(self.pose, motion)

    def since(self, row: NDArray[np.floating]) -> FaceRig:
        """The rig whose head is where this one's mean pose is when its motion is ``row`` (31,)."""
        return replace(self, pose=undo_head_motion(self.pose, row))


def encode_motion(points: Points) -> NDArray[np.float32]:
    """The motion (T, 31) of landmarks (T, 478, 3) of one person, counted from their own face at rest."""
    canonical, pose = canonicalise(points)
    return FaceRig._of_canonical(canonical, pose)._encode(canonical, pose)


def fit_neutral(canonical: NDArray[np.floating], *, closed: float = LIPS_TOUCH) -> NDArray[np.float32]:
    """A person's face (478, 3) at rest, lips together, eyes as open as usual.

    Args:
        canonical: Canonical landmarks (T, 478, 3) of one person; a still is T = 1. NaN rows are ignored.
        closed: Opening, in eye distances, at which the mesh's lips touch.
    """
    usual = np.nanmedian(canonical, axis=0).astype(np.float32)
    gap = float(lip_opening(usual[None])[0]) - closed
    return usual - max(gap, 0.0) * basis().opening


def fit_mean_pose(pose: RigidPose) -> RigidPose:
    """The mean rotation and median place of a track, one row."""
    if len(pose) == 1:
        return pose
    found = np.isfinite(pose.scale)
    rotation = Rotation.from_matrix(pose.rotation[found]).mean().as_matrix()[None]
    return RigidPose(
        rotation.astype(np.float32),
        np.median(pose.scale[found])[None].astype(np.float32),
        np.median(pose.translation[found], axis=0)[None].astype(np.float32),
    )


def find_quarter_turn(rotation: NDArray[np.floating]) -> NDArray[np.float32]:
    """How a picture lies (3, 3) in which a head has a rotation (3, 3): turned by none, one, two or three quarters.

    People film with phones held sideways, and motion is told as it is of the picture that stands.
    """
    cosine, sine = ((1, 0), (0, 1), (-1, 0), (0, -1))[nearest_quarter(rotation[:2, 1])]  # where a chin points to
    return np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]], np.float32)


def move_head(pose: RigidPose, motion: NDArray[np.floating]) -> RigidPose:
    """Head poses (T) of a motion (T, 31) around one pose (a single row)."""
    lies = find_quarter_turn(pose.rotation[0])
    turn = lies @ Rotation.from_euler("yxz", motion[:, ANGLES], degrees=True).as_matrix() @ lies.T
    scale = pose.scale[0] * np.exp(motion[:, SHIFT][:, 2])
    translation = np.repeat(pose.translation, len(motion), axis=0)
    translation[:, :2] += motion[:, SHIFT][:, :2] @ lies[:2, :2].T * pose.scale[0]
    return RigidPose(
        (turn @ pose.rotation[0]).astype(np.float32), scale.astype(np.float32), translation.astype(np.float32)
    )


def undo_head_motion(pose: RigidPose, row: NDArray[np.floating]) -> RigidPose:
    """The pose from which a head came that is at ``pose`` (a single row) when its motion is ``row`` (31,)."""
    turn = Rotation.from_euler("yxz", row[ANGLES], degrees=True).as_matrix()
    scale, rotation = pose.scale * np.exp(-row[SHIFT][2]), pose.rotation[0]
    for _ in range(2):  # a roll may have led out of the quarter in which the head was
        lies = find_quarter_turn(rotation)
        rotation = lies @ turn.T @ lies.T @ pose.rotation[0]
    translation = pose.translation.copy()
    translation[:, :2] -= row[SHIFT][:2] @ lies[:2, :2].T * scale
    return RigidPose(rotation[None].astype(np.float32), scale.astype(np.float32), translation)


def invert_directions(directions: NDArray[np.floating]) -> NDArray[np.floating]:
    """What takes an offset (1434,) to its coefficients (K,) in directions (K, 478, 3): (1434, K)."""
    return np.linalg.pinv(directions.reshape(len(directions), -1))


def _lid_gap(canonical: NDArray[np.floating]) -> NDArray[np.floating]:
    """(T, 2) distance of upper and lower lid over the width of the eye."""
    gaps = []
    for _, (upper, lower), _, (a, b) in EYES:
        width = np.linalg.norm(canonical[:, a] - canonical[:, b], axis=-1)
        gaps.append(np.linalg.norm(canonical[:, upper] - canonical[:, lower], axis=-1) / width)
    return np.stack(gaps, axis=1)
