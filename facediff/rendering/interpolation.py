"""Frames between two frames of a video, by optical flow, and landmarks between those of its face.

Faces that a mesh carries from both sides to the landmarks between were tried too, and are no nearer to frames left out.
"""

from __future__ import annotations

from fractions import Fraction
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from facediff.landmarks.smoothing import split_at_cuts
from facediff.types import FaceTrack, Frame, Presence

FLOW_SIDE = 640  # pixels of the longer side at which motion is estimated, at most
CUT_LEVELS = 24.0  # mean difference of two frames, each brought to the middle, from which on they are no one shot


class Between:
    """What lies between two frames; both are kept, and what moves is found at the first time that is asked for.

    Args:
        one: (H, W, 3) uint8, the earlier.
        other: The later.
    """

    def __init__(self, one: Frame, other: Frame) -> None:
        self._one, self._other = one, other

    def at(self, share: float) -> Frame:
        """The frame at a share of the way from one to the other, from 0 to 1; over a cut, the nearer of both."""
        if share <= 0:
            return self._one
        if share >= 1:
            return self._other
        if self._is_cut:
            return self._one if share < 0.5 else self._other
        one, other = self._moved(share)
        return np.rint(one + np.float32(share) * (other - one)).astype(np.uint8)

    @cached_property
    def _flows(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Where each pixel of the earlier frame is in the later one (H, W, 2), and the other way round."""
        height, width = self._one.shape[:2]
        shrink = min(1.0, FLOW_SIDE / max(height, width))
        size = (max(16, round(width * shrink)), max(16, round(height * shrink)))
        greys = [
            cv2.cvtColor(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
            for frame in (self._one, self._other)
        ]
        search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        flows = []
        for first, second in (greys, greys[::-1]):
            flow = search.calc(first, second, None)  # type: ignore[call-overload]
            flow = cv2.resize(flow, (width, height), interpolation=cv2.INTER_LINEAR)
            flows.append((flow * np.array([width / size[0], height / size[1]])).astype(np.float32))
        return flows[0], flows[1]

    @cached_property
    def _is_cut(self) -> bool:
        one, other = self._moved(0.5)
        small = [cv2.resize(frame, (64, 64), interpolation=cv2.INTER_AREA) for frame in (one, other)]
        return float(np.abs(small[0] - small[1]).mean()) > CUT_LEVELS

    def _moved(self, share: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Both frames (H, W, 3) as they would be seen then.

        Where pixels came from is told by both flows (Jiang et al., Super SloMo, CVPR 2018, equation 4), as none is
        known of the frame between.
        """
        forth, back = self._flows
        rows, columns = np.mgrid[: forth.shape[0], : forth.shape[1]].astype(np.float32)
        to_one = share * (share * back - (1 - share) * forth)
        to_other = (1 - share) * ((1 - share) * forth - share * back)
        made = [
            cv2.remap(
                frame, columns + flow[..., 0], rows + flow[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
            ).astype(np.float32)
            for frame, flow in ((self._one, to_one), (self._other, to_other))
        ]
        return made[0], made[1]


def place_frames(track: FaceTrack, own: Fraction, wanted: Fraction) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Where frames of another rate lie among those of a video: the frame before each (N,), and how far from it (N,).

    Times are exact, so that a frame of the video's own is there wherever one is due. Nothing lies between two shots:
    there the nearer frame is. What follows the last frame is that one.

    Args:
        track: Of the face in it.
        own: Its frames per second.
        wanted: Those that are asked for.
    """
    last = len(track) - 1
    places = [min(place * own / wanted, Fraction(last)) for place in range(max(1, round((last + 1) * wanted / own)))]
    rows = np.array([int(place) for place in places])
    shares = np.array([float(place - int(place)) for place in places])
    shot = np.full(len(track), -1)
    for number, run in enumerate(split_at_cuts(track)):
        shot[run] = number
    one, other = shot[rows], shot[np.minimum(rows + 1, last)]
    is_cut = (one != other) & (one >= 0) & (other >= 0) & (shares > 0)
    rows = np.where(is_cut & (shares >= 0.5), rows + 1, rows)
    return rows, np.where(is_cut, 0.0, shares)


def interpolate_track(track: FaceTrack, rows: NDArray[np.intp], shares: NDArray[np.floating], fps: float) -> FaceTrack:
    """The face of a video at other times; absent where one of the frames around shows none.

    Args:
        track: Of the video.
        rows: (N,) the frame before each time.
        shares: (N,) how far it is on the way to the next one, from 0 to 1.
        fps: Of what is asked for.
    """
    after = np.minimum(rows + (shares > 0), len(track) - 1)
    share = shares[:, None, None].astype(np.float32)
    points = track.points[rows] + share * (track.points[after] - track.points[rows])
    is_there = track.usable[rows] & track.usable[after]
    presence = np.where(shares > 0, np.uint8(Presence.INTERPOLATED), track.presence[rows])
    presence = np.where(is_there, presence, np.uint8(Presence.ABSENT)).astype(np.uint8)
    points = np.where(is_there[:, None, None], points, np.float32(np.nan)).astype(np.float32)
    return FaceTrack(points, presence, track.size, fps)
