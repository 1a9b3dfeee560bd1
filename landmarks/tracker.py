"""One face through a video, or the faces of a picture.

A face that is small in the frame is looked for with mediapipe's long-range detector and then followed inside a crop
around it, which is both steadier and faster than searching a whole 1080p scene.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from types import TracebackType
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from facediff.errors import ConfigError, InputError, NoFaceFound, SeveralFaces
from facediff.landmarks.canonical import fit_pose, from_canonical, mean_face
from facediff.landmarks.gaps import fill_gaps
from facediff.landmarks.mesh import ALL_POINTS, OUTER_EYES, STABLE
from facediff.types import FaceTrack, Frame, Points, Presence

log = logging.getLogger(__name__)

MIN_EYES_PX = 24.0  # smaller faces have no mouth to speak of
MAX_MISFIT = 0.09  # mean distance of the stable points from a human face's, in eye distances
SEARCH_PX = 1280  # pictures are searched at no more than this


class LandmarkDetector(Protocol):
    """What a tracker needs of a library that finds landmarks."""

    def detect(self, frame: Frame) -> list[Points]:
        """Meshes (478, 3) in pixels of the faces in an RGB frame."""

    def close(self) -> None:
        """Free what it holds."""


def make_detector(name: str, *, follows_motion: bool, max_faces: int) -> LandmarkDetector:
    """A landmark library by name: ``mediapipe`` or ``face-alignment``.

    Raises:
        ConfigError: There is no such one.
        MissingExtra: It is not installed.
    """
    if name == "mediapipe":
        from facediff.landmarks.mediapipe_backend import MediapipeMesh

        return MediapipeMesh(follows_motion=follows_motion, max_faces=max_faces)
    if name == "face-alignment":
        from facediff.landmarks.face_alignment_backend import FaceAlignmentMesh

        return FaceAlignmentMesh(max_faces=max_faces)
    raise ConfigError(f"there is no landmark detector {name!r}; there are 'mediapipe' and 'face-alignment'")


def eye_distance(points: NDArray[np.floating]) -> float:
    """Distance of the outer eye corners of one mesh (478, 3), depth included, in pixels."""
    return float(np.linalg.norm(points[OUTER_EYES[0]] - points[OUTER_EYES[1]]))


def looks_human(points: NDArray[np.floating]) -> bool:
    """Whether the eyes, nose and forehead of a mesh stand as in a human face."""
    pose = fit_pose(points[None])
    placed = from_canonical(mean_face(), pose)[0]
    misfit = np.linalg.norm(points[STABLE] - placed[STABLE], axis=1).mean() / pose.scale[0]
    return bool(misfit < MAX_MISFIT)


def find_faces(image: Frame, *, detector: str = "mediapipe", most: int = 8) -> list[Points]:
    """Meshes (478, 3) of the faces in a picture, from left to right; an empty list if there is none."""
    shrink = min(1.0, SEARCH_PX / max(image.shape[:2]))
    small = image if shrink == 1.0 else cv2.resize(image, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
    library = make_detector(detector, follows_motion=False, max_faces=most)
    try:
        found = [mesh / shrink for mesh in library.detect(small)]
        boxes = _far_faces(image) if detector == "mediapipe" else []
        for box in boxes:
            if not any(_inside(mesh, box) for mesh in found):
                found += _detect_in(library, image, box)[:1]
    finally:
        library.close()
    found = [mesh for mesh in found if looks_human(mesh)]
    return sorted(found, key=lambda mesh: float(mesh[:, 0].mean()))


def choose_face(faces: list[Points], face: int | str | None, *, where: str = "the picture") -> Points:
    """One of several faces.

    Args:
        faces: From left to right, as ``find_faces`` gives them.
        face: Index from the left; ``largest``; None takes the only one, or the largest if it is at least twice as
            large as any other.
        where: Named in errors.

    Raises:
        NoFaceFound: There is none, or it is too small.
        SeveralFaces: There are several of like size and none was chosen.
    """
    if not faces:
        raise NoFaceFound(f"no human face was found in {where}; give a picture with one face, seen from the front")
    sizes = [eye_distance(mesh) for mesh in faces]
    if isinstance(face, int):
        if not 0 <= face < len(faces):
            raise InputError(f"face {face} was asked for, but {where} has {len(faces)} (0 is the leftmost)")
        chosen = face
    else:
        chosen = int(np.argmax(sizes))
        rivals = [s for i, s in enumerate(sizes) if i != chosen and s > sizes[chosen] / 2]
        if face is None and rivals:
            raise SeveralFaces(
                f"{where} has {len(faces)} faces; choose one with --face largest or --face 0 to {len(faces) - 1} "
                "(0 is the leftmost)"
            )
    if sizes[chosen] < MIN_EYES_PX:
        raise NoFaceFound(
            f"the face in {where} is too small: {sizes[chosen]:.0f} pixels between the eyes, at least "
            f"{MIN_EYES_PX:.0f} are needed; give a larger picture"
        )
    return faces[chosen]


def track_still(
    image: Frame, face: int | str | None = None, *, detector: str = "mediapipe", where: str = "the picture"
) -> FaceTrack:
    """The track of a single picture; see ``choose_face`` for what may be raised."""
    points = choose_face(find_faces(image, detector=detector), face, where=where)
    return FaceTrack(points[None], np.array([Presence.FOUND], np.uint8), (image.shape[1], image.shape[0]), 0.0)


def track_face(
    frames: Iterable[Frame],
    fps: float,
    *,
    face: int | str | None = "largest",
    detector: str = "mediapipe",
    max_gap_s: float = 0.5,
) -> FaceTrack:
    """One face through a video; gaps of up to ``max_gap_s`` are filled in.

    Args:
        frames: RGB frames, read once.
        fps: Frames per second.
        face: Which one, where there are several: ``largest`` or an index from the left, in the first frame with a
            face; afterwards the same face is followed by where it was.
        detector: ``mediapipe`` or ``face-alignment``.
        max_gap_s: Longer absences stay absent.

    Raises:
        InputError: There is no frame.
        NoFaceFound, SeveralFaces: As in ``choose_face``, if no frame has a face.
    """
    meshes: list[Points] = []
    size = (0, 0)
    with _Follower(detector, face) as follower:
        for frame in frames:
            size = (frame.shape[1], frame.shape[0])
            mesh = follower(frame)
            meshes.append(np.full((ALL_POINTS, 3), np.nan, np.float32) if mesh is None else mesh)
    if not meshes:
        raise InputError("the video has no frames")
    points = np.stack(meshes)
    presence = np.where(np.isfinite(points[:, 0, 0]), Presence.FOUND, Presence.ABSENT).astype(np.uint8)
    if not presence.any():
        choose_face([], face, where="the video")
    return fill_gaps(FaceTrack(points, presence, size, float(fps)), max_gap_s)


class _Follower:
    """Finds a face, then keeps to it."""

    def __init__(self, detector: str, face: int | str | None) -> None:
        self._name, self._face = detector, face
        self._near = make_detector(detector, follows_motion=True, max_faces=1)
        self._last: Points | None = None
        self._missed = 0

    def __call__(self, frame: Frame) -> Points | None:
        lost = self._last is None or self._missed % 8 == 7
        mesh = self._search(frame) if lost else self._follow(frame)
        self._missed = 0 if mesh is not None else self._missed + 1
        self._last = mesh if mesh is not None else self._last
        return mesh

    def _search(self, frame: Frame) -> Points | None:
        faces = find_faces(frame, detector=self._name)
        if not faces:
            return None
        if self._last is None:
            return choose_face(faces, self._face, where="the video")
        last = self._last
        return min(faces, key=lambda mesh: _jump(mesh, last))

    def _follow(self, frame: Frame) -> Points | None:
        assert self._last is not None
        box = _box_around(self._last, frame.shape)
        for mesh in _detect_in(self._near, frame, box):
            if looks_human(mesh) and _jump(mesh, self._last) < 1.5:
                return mesh
        again = self._search(frame)
        return again if again is not None and (self._missed > 12 or _jump(again, self._last) < 1.5) else None

    def __enter__(self) -> _Follower:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        self._near.close()


def _jump(mesh: Points, last: Points) -> float:
    """How far a face moved, in eye distances."""
    return float(np.linalg.norm((mesh - last).mean(0)[:2]) / max(eye_distance(last), 1e-3))


def _box_around(mesh: Points, shape: tuple[int, ...], reach: float = 2.2) -> tuple[int, int, int, int]:
    """A square box (left, top, right, bottom) around a face, on a coarse raster so that it seldom moves."""
    centre, unit = mesh[:, :2].mean(0), eye_distance(mesh)
    raster = max(8.0, 2 ** np.floor(np.log2(max(unit, 16.0))))
    half = np.ceil(reach * unit / raster) * raster
    low = np.floor((centre - half) / raster) * raster
    high = low + 2 * half + raster
    low, high = np.maximum(low, 0), np.minimum(high, [shape[1], shape[0]])
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def _detect_in(library: LandmarkDetector, frame: Frame, box: tuple[int, int, int, int]) -> list[Points]:
    left, top, right, bottom = box
    if right - left < 16 or bottom - top < 16:
        return []
    crop = frame[top:bottom, left:right]
    grow = min(4.0, max(1.0, 192 / max(crop.shape[:2])))
    if grow > 1.0:
        crop = cv2.resize(crop, None, fx=grow, fy=grow, interpolation=cv2.INTER_CUBIC)
    return [mesh / grow + np.array([left, top, 0], np.float32) for mesh in library.detect(crop)]


def _far_faces(image: Frame) -> list[tuple[int, int, int, int]]:
    """Boxes around the faces that mediapipe's long-range detector finds, with room around them."""
    import mediapipe

    height, width = image.shape[:2]
    with mediapipe.solutions.face_detection.FaceDetection(model_selection=1, min_detection_confidence=0.5) as detection:
        found = detection.process(np.ascontiguousarray(image)).detections or []
    boxes = []
    for item in found:
        box = item.location_data.relative_bounding_box
        side = 0.9 * max(box.width * width, box.height * height)
        x, y = (box.xmin + box.width / 2) * width, (box.ymin + box.height / 2) * height
        boxes.append(
            (max(0, int(x - side)), max(0, int(y - side)), min(width, int(x + side)), min(height, int(y + side)))
        )
    return boxes


def _inside(mesh: Points, box: tuple[int, int, int, int]) -> bool:
    x, y = mesh[:, :2].mean(0)
    return box[0] <= x <= box[2] and box[1] <= y <= box[3]
