"""One face through a video, or all of them, or the face of a picture: the way from frames to a ``FaceTrack``."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from facediff.errors import InputError, NoFaceFound
from facediff.landmarks.detection import (
    MIN_EYES_PX,
    FaceFinder,
    choose_face,
    eye_distance,
    has_rivals,
    make_detector,
    refuse_profile,
)
from facediff.landmarks.follower import GLANCE_S, Cuts, Follower, Sight, jump, refine_landmarks
from facediff.landmarks.gaps import fill_gaps
from facediff.landmarks.mesh import ALL_POINTS
from facediff.types import FaceTrack, Frame, Points, Presence

MIN_SEEN_S = 0.5  # ``track_faces`` leaves out faces that are seen for less


def track_still(
    image: Frame, face: int | str | None = None, *, detector: str | None = None, where: str = "the picture"
) -> FaceTrack:
    """The track of a single picture.

    Raises:
        NoFaceFound: There is none, it is too small, or it is turned away.
        SeveralFaces, InputError: See ``choose_face``.
    """
    with FaceFinder(detector) as finder:
        points = choose_face(finder(image), face, where=where)
    library = make_detector(detector, follows_motion=True, max_faces=1)
    try:
        _, points = refine_landmarks(library, image, points)
    finally:
        library.close()
    refuse_profile(points, where=where)
    return FaceTrack(points[None], np.array([Presence.FOUND], np.uint8), (image.shape[1], image.shape[0]), 0.0)


def track_face(
    frames: Iterable[Frame],
    fps: float,
    *,
    face: int | str | None = "largest",
    detector: str | None = None,
    max_gap_s: float = 0.5,
    on_rivals: Callable[[int, int], object] | None = None,
) -> FaceTrack:
    """One face through a video; gaps of up to ``max_gap_s`` are filled in.

    The face is chosen in the first frame that has it and is followed from there; another one that comes into the
    picture does not take its place. After a cut the face nearest to where it was is taken, or else the largest.

    Args:
        frames: RGB frames, read once and not kept.
        fps: Frames per second.
        face: Which one, where there are several: ``largest``, ``left``, ``right``, an index from the left, or None for
            the only one.
        detector: See ``choose_detector``.
        max_gap_s: Longer absences stay absent.
        on_rivals: Told, where the largest of several faces of like size is taken, how many there are, and which from
            the left that is.

    Raises:
        InputError: There is no frame, or never a face of this index.
        NoFaceFound: No frame has a face that is large enough.
        SeveralFaces: None was chosen where there are several.
    """
    meshes: list[Points | None] = []
    size = (0, 0)
    cuts, chooser = Cuts(), _Chooser(face, on_rivals)
    with FaceFinder(detector) as finder:
        follower: Follower | None = None
        try:
            for frame in frames:
                size = (frame.shape[1], frame.shape[0])
                sight, cut = Sight(finder, frame), cuts(frame)
                if follower is None:
                    start = chooser(sight.search(depth=2 if len(meshes) % round(fps + 0.5) == 0 else 0))
                    follower = None if start is None else Follower(finder, detector, fps, start)
                meshes.append(None if follower is None else follower(sight, [], cut=cut))
        finally:
            if follower is not None:
                follower.close()
    if not meshes:
        raise InputError("the video has no frames")
    if follower is None:
        chooser.explain()
    return fill_gaps(_track(meshes, 0, size, fps), max_gap_s)


def track_faces(
    frames: Iterable[Frame], fps: float, *, detector: str | None = None, most: int = 4, max_gap_s: float = 0.5
) -> list[FaceTrack]:
    """All faces through a video, each of its own track, from left to right where they first show.

    Args:
        frames: RGB frames, read once and not kept.
        fps: Frames per second.
        detector: See ``choose_detector``.
        most: Most faces to follow at a time.
        max_gap_s: See ``track_face``.

    Raises:
        InputError: There is no frame.
        NoFaceFound: No frame has a face that is large enough.
    """
    tracks: list[tuple[int, Follower, list[Points | None]]] = []
    count, size, cuts = 0, (0, 0), Cuts()
    with FaceFinder(detector, most=2 * most) as finder:
        try:
            for frame in frames:
                size = (frame.shape[1], frame.shape[0])
                sight, cut = Sight(finder, frame), cuts(frame)
                taken: list[Points] = []
                for _, follower, meshes in tracks:
                    others = [other.last for _, other, _ in tracks if other is not follower and not other.is_gone]
                    mesh = None if follower.is_gone else follower(sight, [*taken, *others], cut=cut)
                    meshes.append(mesh)
                    taken += [] if mesh is None else [mesh]
                if cut or count % max(1, round(GLANCE_S * fps)) == 0:
                    for start in sight.search(depth=1):
                        known = any(jump(start, other) < 1.0 for other in taken)
                        if not known and len(taken) < most and eye_distance(start) >= MIN_EYES_PX:
                            follower = Follower(finder, detector, fps, start)
                            tracks.append((count, follower, [follower(sight, taken)]))
                            taken.append(start)
                count += 1
        finally:
            for _, follower, _ in tracks:
                follower.close()
    if not count:
        raise InputError("the video has no frames")
    seen = [(first, meshes) for first, _, meshes in tracks if sum(m is not None for m in meshes) >= MIN_SEEN_S * fps]
    if not seen:
        choose_face([], None, where="the video")
    seen.sort(key=lambda item: (item[0], float(item[1][0][:, 0].mean()) if item[1][0] is not None else 0.0))
    return [fill_gaps(_track(meshes, first, size, fps), max_gap_s) for first, meshes in seen]


def _track(meshes: list[Points | None], first: int, size: tuple[int, int], fps: float) -> FaceTrack:
    """Meshes from frame ``first`` on, as a track of the whole video."""
    points = np.full((first + len(meshes), ALL_POINTS, 3), np.nan, np.float32)
    presence = np.full(len(points), Presence.ABSENT, np.uint8)
    for index, mesh in enumerate(meshes, first):
        if mesh is not None:
            points[index], presence[index] = mesh, Presence.FOUND
    return FaceTrack(points, presence, size, float(fps))


class _Chooser:
    """Picks the face to follow, once a frame has it; says at the end why none had."""

    def __init__(self, face: int | str | None, on_rivals: Callable[[int, int], object] | None = None) -> None:
        self._face, self._most, self._largest = face, 0, 0.0
        self._on_rivals = on_rivals

    def __call__(self, faces: list[Points]) -> Points | None:
        self._most = max(self._most, len(faces))
        self._largest = max([self._largest, *map(eye_distance, faces)])
        large = [mesh for mesh in faces if eye_distance(mesh) >= MIN_EYES_PX]
        if not large or (isinstance(self._face, int) and 0 <= len(faces) <= self._face):
            return None
        if self._face == "largest" and self._on_rivals is not None and has_rivals(faces):
            self._on_rivals(len(faces), int(np.argmax([eye_distance(mesh) for mesh in faces])))
        return choose_face(faces if isinstance(self._face, int) else large, self._face, where="the video")

    def explain(self) -> None:
        """Raises what kept it from choosing."""
        if self._most and self._largest < MIN_EYES_PX:
            raise NoFaceFound(
                f"the largest face in the video has {self._largest:.0f} pixels between the eyes, at least "
                f"{MIN_EYES_PX:.0f} are needed; give a video in which the face is larger"
            )
        if self._most:
            raise InputError(
                f"face {self._face} was asked for, but no frame of the video shows more than {self._most} "
                "(0 is the leftmost)"
            )
        choose_face([], self._face, where="the video")
