"""What changes from frame to frame and should not, measured."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from facediff.audio.wave import SAMPLE_RATE
from facediff.evaluation.frame_choice import read_chosen
from facediff.evaluation.registry import Best, Curve, metric
from facediff.landmarks.mesh import FACE_OVAL
from facediff.types import FaceTrack, Frame

if TYPE_CHECKING:
    from facediff.evaluation.cases import Case

FLOW_SIDE = 256  # pixels of the longer side at which motion is estimated
SIZE = 128  # pixels square at which flicker is measured, so that films of all sizes compare


def flicker(frames: Iterable[Frame], track: FaceTrack) -> float | None:
    """How much a video trembles outside the face, in levels of 255; lower is better, and 0 is a still.

    The mean absolute second difference over time, ``|a - 2 b + c|`` of three neighbouring frames, of what no frame's
    face covers. A camera that pans evenly has little of it, noise and jitter much. None where there are fewer than
    three frames, or faces cover everything.

    Args:
        frames: Of the video, read once; three are held.
        track: Of the face in it.
    """
    jumps = flickers(frames, track)
    return float(np.mean(jumps)) if jumps else None


def flickers(frames: Iterable[Frame], track: FaceTrack) -> list[float]:
    """``flicker`` around each frame but the first and the last; empty where there is nothing to measure."""
    away = _never_covered(track)
    jumps: list[float] = []
    last: list[NDArray[np.float32]] = []
    for frame in frames if away.any() else ():
        small = cv2.resize(frame, (SIZE, SIZE), interpolation=cv2.INTER_AREA)[away].astype(np.float32)
        last = [*last[-2:], small]
        if len(last) == 3:
            jumps.append(float(np.abs(last[0] - 2 * last[1] + last[2]).mean()))
    return jumps


def warping_errors(frames: Iterable[Frame], truth: Iterable[Frame] | None = None) -> list[float]:
    """How far each frame but the first is from the one before, warped to it; see the metric ``warping_error``.

    Args:
        frames: Of the video, read once.
        truth: Frames whose motion is the one that there should be, of any size; the video's own by default.
    """
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    errors: list[float] = []
    last: tuple[NDArray[np.float32], NDArray[np.uint8]] | None = None
    for shown, grey in _greys(frames, truth):
        if last is not None:
            back, forth = flow.calc(grey, last[1], None), flow.calc(last[1], grey, None)  # type: ignore[call-overload]
            held = _warped(last[0], back)
            seen_twice = _agree(back, _warped(forth, back))
            apart = np.square(shown - held).sum(axis=2)[seen_twice]
            errors.append(float(apart.mean()) if len(apart) else np.nan)
        last = shown, grey
    return errors


def _greys(
    frames: Iterable[Frame], truth: Iterable[Frame] | None
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.uint8]]]:
    """Each frame in [0, 1], small, and the grey levels, as large, of which motion is told."""
    for _, frame, *true in read_chosen(None, *([frames] if truth is None else [frames, truth])):
        shrink = FLOW_SIDE / max(frame.shape[:2])
        size = (max(16, round(frame.shape[1] * shrink)), max(16, round(frame.shape[0] * shrink)))
        small, *real = (cv2.resize(one, size, interpolation=cv2.INTER_AREA) for one in (frame, *true))
        yield small.astype(np.float32) / 255, cv2.cvtColor(real[0] if real else small, cv2.COLOR_RGB2GRAY)


def _warped(picture: NDArray[np.float32], flow: NDArray[np.float32]) -> NDArray[np.float32]:
    """A picture as it is seen from where each pixel of the flow (H, W, 2) came from."""
    rows, columns = np.mgrid[: flow.shape[0], : flow.shape[1]].astype(np.float32)
    return cv2.remap(
        picture, columns + flow[..., 0], rows + flow[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )


def _agree(back: NDArray[np.float32], forth: NDArray[np.float32]) -> NDArray[np.bool_]:
    """(H, W) where flows there and back undo one another: |b + f|² < 0.01 (|b|² + |f|²) + 0.5."""
    apart, size = (np.square(flow).sum(axis=2) for flow in (back + forth, np.concatenate([back, forth], axis=2)))
    return apart < 0.01 * size + 0.5


def _never_covered(track: FaceTrack) -> NDArray[np.bool_]:
    """(SIZE, SIZE) what lies outside the convex hull of the face in all frames."""
    covered = np.zeros((SIZE, SIZE), np.uint8)
    for points in track.points[track.seen]:
        oval = (points[FACE_OVAL, :2] * (SIZE / np.array(track.size))).astype(np.int32)
        cv2.fillConvexPoly(covered, cv2.convexHull(oval), 1)
    return covered == 0


def _trembles(case: Case) -> list[float]:
    return flickers(case.frames, case.track)


def _tears(case: Case) -> list[float]:
    return warping_errors(case.frames, case.against().frames if case.item.truth is not None else None)


@metric("flicker", best=Best.TRUE, views=_trembles)
def _flicker(case: Case) -> Curve:
    """How much the picture trembles outside the face, of 255 levels.

    Formula: mean of |a - 2b + c| of three neighbouring frames at 128x128, over what no frame's face covers
    Source: facediff; compare the background flicker of arXiv 2509.12052
    Range: 0, a still, and more; films show 0.3 to 3, shuffled ones 10 times as much
    """
    return Curve.mean([np.nan, *case.once(_trembles), np.nan])


@metric("warping_error", best=Best.TRUE, views=_tears)
def _warping(case: Case) -> Curve:
    """How far frames are from the ones before them, warped along the motion of the truth.

    Formula: sum of M |x_t - W(x_{t-1})|² / sum of M, RGB in [0, 1], 256 pixels long; W by OpenCV's DIS flow (fast) of
    the truth, or of the video where there is none; M where |b + f|² < 0.01 (|b|² + |f|²) + 0.5; mean over frames
    Source: Lai et al., "Learning Blind Video Temporal Consistency" (ECCV 2018); they take FlowNet2, so figures differ
    Range: 0 and more; films show 0.0002 to 0.005
    """
    return Curve.mean([np.nan, *case.once(_tears)])


@metric("av_gap_ms", best=Best.ZERO)
def _gap(case: Case) -> float | None:
    """Difference of the lengths of picture and sound, in milliseconds.

    Formula: |seconds of sound - frames / rate|
    Source: facediff
    Range: 0 and more; coding leaves up to a frame
    """
    if case.sound is None:
        return None
    return 1000 * abs(len(case.sound) / SAMPLE_RATE - case.length / case.fps)
