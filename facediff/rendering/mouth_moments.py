"""The moments of a video that between them show how a mouth looks, and which of them lends its mouth to a frame.

A person who is filmed has shown most of what their mouth can do. Where a frame is to do what it does not do of itself,
the moment whose lips are nearest lends them, and what is between them: teeth are this person's then, in this light, as
in Video Rewrite (Bregler et al., SIGGRAPH 1997) and Synthesizing Obama (Suwajanakorn et al., SIGGRAPH 2017).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from facediff.landmarks import masks
from facediff.landmarks.mesh import LIP_PAIRS, LIPS_INNER, LIPS_OUTER
from facediff.landmarks.smoothing import measure_shape_apart
from facediff.landmarks.warp import MeshWarp
from facediff.motion.coefficients import lip_opening
from facediff.rendering.disocclusion import share_hidden
from facediff.types import Frame, RigidPose

LIPS = np.concatenate([LIPS_OUTER, LIPS_INNER])
_NEVER = 1e3  # what costs more than any way through all frames
_FINE_UNIT, _FINE = 96, 2.0  # pixels to an eye distance in which blur is measured, and pixels that are not fine


@dataclass(frozen=True)
class MomentStyle:
    """How moments are chosen, and lend. Distances in eye distances; between lips, root mean squares over their points.

    Attributes:
        count: Moments that are kept.
        seconds: Of the video, from its beginning, in which they are looked for.
        widest: Shares of all frames that open less than the three moments that are kept beside the typical ones.
        turn_costs: Of a head turned by a radian from how the frame has it.
        switch_costs: Of going over to another moment from one frame to the next, or to the frame's own mouth.
        blur_costs: Of a moment with e times less fine detail than half of them have.
        foreign_costs: What a moment costs more than the frame's own mouth, whose light and place are right.
        hidden_costs: Of the frame's own mouth where all that is between its lips is hidden.
        fade: Deviation, in frames, in which the frame's own mouth goes over into one that is lent.
        crop: Around the lips that is kept of a moment.
        around: Around the lips that is lent, and over which it then fades out.
        ring: Of the skin by whose colours a moment is fitted to the frame.
        same: Difference of two shots' faces, where expression hardly moves them, up to which they are one person's. Fit
            by: halves of 21 training clips. Between clips of a person it is 0.004 to 0.037, and below this where heads
            are turned alike; of other people 5 % are nearer. Range tried: none.
    """

    count: int = 24
    seconds: float = 30.0
    widest: tuple[float, ...] = (0.0, 0.97, 0.995)
    turn_costs: float = 0.1
    switch_costs: float = 0.012
    blur_costs: float = 0.01
    foreign_costs: float = 0.014
    hidden_costs: float = 0.02
    fade: float = 0.8
    crop: float = 0.55
    around: tuple[float, float] = (0.02, 0.06)
    ring: tuple[float, float] = (0.06, 0.16)
    same: float = 0.016


class Loan(NamedTuple):
    """What each frame of a clip is lent.

    Attributes:
        moments: (T,) which moment.
        shares: (T,) how much of its mouth is lent, from 0, the frame's own, to 1.
    """

    moments: NDArray[np.intp]
    shares: NDArray[np.float32]

    def take(self, part: slice) -> Loan:
        """That of a part of the frames."""
        return Loan(self.moments[part], self.shares[part])

    def rows(self) -> Iterator[tuple[int, float]]:
        """Moment and share of each frame, in order."""
        return zip(self.moments.tolist(), self.shares.tolist(), strict=True)


class _Moment:
    """One frame's mouth, at the frame's own resolution."""

    def __init__(self, frame: Frame, points: NDArray[np.floating], unit: float, style: MomentStyle) -> None:
        lips, reach = points[LIPS, :2], style.crop * unit
        height, width = frame.shape[:2]
        low = np.clip(np.floor(lips.min(0) - reach), 0, [width - 2, height - 2]).astype(int)
        high = np.clip(np.ceil(lips.max(0) + reach), low + 2, [width, height]).astype(int)
        picture = np.ascontiguousarray(frame[low[1] : high[1], low[0] : high[0]])
        placed = np.asarray(points, np.float64) - np.array([*low, 0])
        self._centre = placed[LIPS, :2].mean(0)
        self._warp = MeshWarp(picture, placed)
        self.detail = _measure_detail(picture, placed, unit)

    def show(self, points: NDArray[np.floating]) -> tuple[Frame, NDArray[np.intp]]:
        """A picture of the mouth at landmarks (478, 3) of a frame, and where its corner is in that frame."""
        corner = np.rint(points[LIPS, :2].mean(0) - self._centre).astype(int)
        return self._warp(points - np.array([*corner, 0])), corner


def _measure_detail(picture: Frame, points: NDArray[np.floating], unit: float) -> float:
    """Mean square of what is fine on the lips, in levels."""
    scale = _FINE_UNIT / unit
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    grey = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA).astype(np.float32)
    fine = grey - cv2.GaussianBlur(grey, (0, 0), _FINE)
    where = masks.region(points[LIPS_OUTER] * scale, (grey.shape[1], grey.shape[0]), _FINE_UNIT) + 1e-6
    return float((where * fine**2).sum() / where.sum())


class MouthMoments:
    """Moments of one video.

    Args:
        canonical: The face in each frame (T, 478, 3), without the head's pose.
        pose: (T) head poses.
        usable: (T,) bool, which frames show a face.
        fps: Frames per second.
        style: How moments are chosen, and lend.
        shots: Runs of frames with a face and without a cut between them; one by default. A film that goes over to
            somebody else lends nobody a mouth that is not theirs.

    Attributes:
        indices: (K,) frames that are moments, in order.
        opening: How far the lips are apart in the moment that opens most, in eye distances.
    """

    def __init__(
        self,
        canonical: NDArray[np.float32],
        pose: RigidPose,
        usable: NDArray[np.bool_],
        fps: float,
        style: MomentStyle = MomentStyle(),
        shots: Sequence[slice] = (),
    ) -> None:
        self._style, self._pose = style, pose
        self._canonical = canonical
        self._shot, self._is_same = _tell_people(canonical, shots, style.same)
        count = len(usable) if fps <= 0 else round(style.seconds * fps)
        known = np.flatnonzero(usable)[:count]
        looks = self._describe(canonical[known], known)
        chosen = _choose_typical(looks, lip_opening(canonical[known]), style)
        self.indices, self._looks = known[chosen], looks[chosen]
        self.opening = float(lip_opening(canonical[self.indices]).max(initial=0.0))
        self._blur = np.zeros(len(self.indices), np.float32)
        self._moments: list[_Moment] = []

    def keep(self, frames: Iterable[Frame], points: NDArray[np.floating]) -> None:
        """Takes the moments' mouths out of their frames.

        Args:
            frames: As many as there are moments, in order.
            points: Landmarks (T, 478, 3) of the video's frames.
        """
        for index, frame in zip(self.indices, frames, strict=True):
            self._moments.append(_Moment(frame, points[index], float(self._pose.scale[index]), self._style))
        detail = np.log([moment.detail + 1e-3 for moment in self._moments])
        self._blur = np.maximum(0.0, np.median(detail) - detail).astype(np.float32)

    def plan(self, lips: NDArray[np.floating], shown: NDArray[np.intp]) -> Loan:
        """Which moment lends each frame of a clip its mouth, so that little changes from one to the next.

        The cheapest way through all frames, by Viterbi; a frame's own mouth is one of the ways.

        Args:
            lips: Where ``LIPS`` are wanted on the face (T, 40, 2 or 3), in canonical units.
            shown: (T,) which frame of the video each one is.
        """
        cuts = np.flatnonzero(np.diff(self._shot[shown])) + 1
        parts = zip(np.split(lips, cuts), np.split(shown, cuts), strict=True)
        loans = [self._plan_shot(wanted, frames) for wanted, frames in parts]
        return Loan(*(np.concatenate(column) for column in zip(*loans, strict=True)))

    def _plan_shot(self, lips: NDArray[np.floating], shown: NDArray[np.intp]) -> Loan:
        """The same of frames without a cut between them."""
        style = self._style
        wanted, own = self._describe_lips(lips, shown), self._describe(self._canonical[shown], shown)
        hidden = share_hidden(_measure_gap(self._canonical[shown][:, LIPS]), _measure_gap(lips))
        theirs = _distance(wanted[:, None], self._looks[None]) + style.blur_costs * self._blur + style.foreign_costs
        theirs = np.where(self._is_same[np.ix_(self._shot[shown], self._shot[self.indices])], theirs, _NEVER)
        mine = _distance(wanted, own) + style.hidden_costs * np.nan_to_num(hidden)
        path = _find_path(np.column_stack([theirs, mine]), style.switch_costs)
        lent = path < len(self.indices)
        shares = gaussian_filter1d(lent.astype(np.float32), style.fade, mode="nearest")
        return Loan(_fill_gaps(path, lent), np.where(shares > 0.02, shares, 0).astype(np.float32))

    def shape(self, moment: int) -> NDArray[np.float32]:
        """The face (478, 3) of a moment, in canonical units."""
        return self._canonical[self.indices[moment]]

    def lend(
        self, moment: int, picture: Frame, points: NDArray[np.floating], unit: float, share: float, *, lips: bool = True
    ) -> Frame:
        """A picture (H, W, 3) whose mouth is a moment's.

        Args:
            moment: Which.
            picture: Whose mouth is at ``points``.
            points: Landmarks (478, 3) in its pixels.
            unit: Its pixels to an eye distance.
            share: How much of the mouth is lent, from 0 to 1.
            lips: Whether lips are lent, or only what is between them.
        """
        made, corner = self._moments[moment].show(np.asarray(points, np.float64))
        low = np.maximum(corner, 0)
        high = np.minimum(corner + [made.shape[1], made.shape[0]], [picture.shape[1], picture.shape[0]])
        if (high <= low).any():
            return picture
        part = np.s_[low[1] : high[1], low[0] : high[0]]
        window = picture[part].astype(np.float32)
        x, y = low - corner
        lent = made[y : y + len(window), x : x + window.shape[1]].astype(np.float32)
        outline, size = points[LIPS_OUTER, :2] - low, (window.shape[1], window.shape[0])
        near, far = (masks.region(outline, size, unit, reach=reach) for reach in self._style.ring)
        skin = (far - near)[..., None] + 1e-6
        mine, theirs = ((skin * colours).sum((0, 1)) / skin.sum() for colours in (window, lent))
        lent *= np.clip(mine / np.maximum(theirs, 1.0), 0.5, 2.0)
        reach, feather = self._style.around
        if lips:
            where = masks.region(outline, size, unit, reach=reach, feather=feather)
        else:
            where = masks.region(points[LIPS_INNER, :2] - low, size, unit, feather=reach)
        out = picture.copy()
        out[part] = np.clip(np.rint(window + share * where[..., None] * (lent - window)), 0, 255).astype(np.uint8)
        return out

    def _describe(self, canonical: NDArray[np.floating], shown: NDArray[np.intp]) -> NDArray[np.float32]:
        return self._describe_lips(canonical[:, LIPS], shown)

    def _describe_lips(self, lips: NDArray[np.floating], shown: NDArray[np.intp]) -> NDArray[np.float32]:
        """What moments are compared by (T, D): where lips are on the face, and how the head is turned."""
        turned = self._style.turn_costs * self._pose.rotation[shown][:, :2, 2]
        placed = lips[..., :2].reshape(len(lips), -1) / np.sqrt(len(LIPS))
        return np.nan_to_num(np.concatenate([placed, turned], axis=1)).astype(np.float32)


def _tell_people(
    canonical: NDArray[np.floating], shots: Sequence[slice], same: float
) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """The shot of each frame (T,), 0 for those of none, and which shots (N, N) show one person."""
    shot, faces = np.zeros(len(canonical), int), [canonical[:1].mean(axis=0)]
    for number, run in enumerate(shots, 1):
        shot[run] = number
        faces.append(canonical[run].mean(axis=0))
    apart = np.array([[measure_shape_apart(one, other) for other in faces] for one in faces])
    return shot, (apart <= same) | np.eye(len(faces), dtype=bool)


def _choose_typical(looks: NDArray[np.float32], opening: NDArray[np.floating], style: MomentStyle) -> NDArray[np.intp]:
    """Rows of looks (T, D), in order, that between them are near to all, and those that open most and least."""
    if len(looks) <= style.count:
        return np.arange(len(looks))
    from sklearn.cluster import KMeans  # takes a while, and portraits need none of it

    centres = KMeans(style.count, n_init=1, random_state=0).fit(looks).cluster_centers_
    typical = _distance(looks[:, None], centres[None]).argmin(axis=0)
    order = np.argsort(opening, kind="stable")
    extreme = [order[int(share * (len(order) - 1))] for share in style.widest]
    return np.unique(np.concatenate([typical, extreme]))


def _measure_gap(lips: NDArray[np.floating]) -> NDArray[np.floating]:
    """How far ``LIPS`` (T, 40, D) are apart (T,)."""
    upper, lower = (lips[:, [LIPS.tolist().index(pair[k]) for pair in LIP_PAIRS]] for k in (0, 1))
    gap: NDArray[np.floating] = np.linalg.norm(upper - lower, axis=-1).mean(axis=1)
    return gap


def _distance(one: NDArray[np.floating], other: NDArray[np.floating]) -> NDArray[np.float32]:
    return np.sqrt(((one - other) ** 2).sum(axis=-1)).astype(np.float32)


def _find_path(costs: NDArray[np.floating], switch: float) -> NDArray[np.intp]:
    """The cheapest of the ways (T, N) through all rows, where each change of the way costs ``switch``: (T,)."""
    total, back = costs[0], np.zeros(costs.shape, np.intp)
    ways = np.arange(costs.shape[1])
    for k in range(1, len(costs)):
        best = int(total.argmin())
        back[k] = np.where(total <= total[best] + switch, ways, best)
        total = np.minimum(total, total[best] + switch) + costs[k]
    path = np.empty(len(costs), np.intp)
    path[-1] = total.argmin()
    for k in range(len(costs) - 1, 0, -1):
        path[k - 1] = back[k, path[k]]
    return path


def _fill_gaps(path: NDArray[np.intp], known: NDArray[np.bool_]) -> NDArray[np.intp]:
    """A path (T,) with what is not known as it is at the nearest place where it is; 0 where it is nowhere."""
    places = np.flatnonzero(known)
    if not len(places):
        return np.zeros_like(path)
    at = np.arange(len(path))
    after = np.clip(np.searchsorted(places, at), 0, len(places) - 1)
    before = np.maximum(after - 1, 0)
    nearer = np.where(np.abs(places[before] - at) < np.abs(places[after] - at), before, after)
    filled: NDArray[np.intp] = path[places[nearer]]
    return filled
