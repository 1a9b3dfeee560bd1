"""The faces of one picture: found at any size, and only if they are human.

Landmark libraries find faces that fill much of what they are shown. So a picture is searched as a whole, with a
long-range detector, and, where that finds nothing, in overlapping tiles; each face is then shown to the library alone.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from types import TracebackType
from typing import NamedTuple, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray
from packaging.version import Version

from facediff.errors import ConfigError, InputError, NoFaceFound, SeveralFaces
from facediff.landmarks.canonical import fit_pose, from_canonical, mean_face
from facediff.landmarks.head_pose import MAX_YAW_DEG, head_angles
from facediff.landmarks.mesh import OUTER_EYES, STABLE
from facediff.types import Frame, Points

MIN_EYES_PX = 24.0  # smaller faces have no mouth to speak of
MAX_MISFIT = 0.09  # mean distance of the stable points from a human face's, in eye distances; people reach 0.075
SURE_MISFIT = 0.05  # that nothing but a face has: a cup of coffee that is turned has 0.059, and most faces 0.035
SEARCH_PX = 1280  # pictures and parts of them are searched at no more than this
SMALLEST_PX = 192  # and at no less

PREFERRED = ("torch", "mediapipe")  # the default is the first of these that is installed
CHOICES = ("largest", "left", "right")  # words for a face; numbers from the left are others
DETECTORS = ("torch", "mediapipe", "face-alignment")


class LandmarkDetector(Protocol):
    """What a tracker needs of a library that finds landmarks."""

    def detect(self, frame: Frame) -> list[Points]:
        """Meshes (478, 3) in pixels of the faces in an RGB frame."""

    def forget(self) -> None:
        """Let the next frame be the first: nothing seen before is followed."""

    def close(self) -> None:
        """Free what it holds."""


class BoxDetector(Protocol):
    """What a finder needs of a library that sees small faces at a glance."""

    def detect(self, frame: Frame) -> NDArray[np.float32]:
        """(N, 3): centre x, y and side in pixels of a square from the brows to the chin of each face."""

    def close(self) -> None:
        """Free what it holds."""


class Window(NamedTuple):
    """A part of a frame, in whole pixels."""

    left: int
    top: int
    right: int
    bottom: int


def choose_detector(name: str | None = None) -> str:
    """The name of a landmark library: the one given, or the default.

    ``torch`` runs MediaPipe's networks with nothing else installed; ``mediapipe`` is the library they come from;
    ``face-alignment`` knows 68 points.

    Raises:
        ConfigError: There is no such one.
    """
    if name is None:
        return next(one for one in PREFERRED if one == "torch" or carries_models())
    if name not in DETECTORS:
        known = " and ".join([", ".join(map(repr, DETECTORS[:-1])), repr(DETECTORS[-1])])
        raise ConfigError(f"there is no landmark detector {name!r}; there are {known}")
    return name


def carries_models() -> bool:
    """Whether a mediapipe is installed whose wheel has its models in it: the 0.10 line up to 0.10.21."""
    try:
        return Version(version("mediapipe")) < Version("0.10.22")
    except PackageNotFoundError:
        return False


def make_detector(name: str | None, *, follows_motion: bool, max_faces: int) -> LandmarkDetector:
    """A landmark library by name; see ``choose_detector``.

    Raises:
        ConfigError: There is no such one.
        MissingExtra: It is not installed.
        WeightsError: Its weights cannot be had.
    """
    name = choose_detector(name)
    if name == "torch":
        from facediff.landmarks.torch_backend import TorchMesh

        return TorchMesh(follows_motion=follows_motion, max_faces=max_faces)
    if name == "mediapipe":
        if carries_models():
            from facediff.landmarks.mediapipe_backend import MediapipeMesh

            return MediapipeMesh(follows_motion=follows_motion, max_faces=max_faces)
        from facediff.landmarks.mediapipe_tasks import TasksMesh

        return TasksMesh(follows_motion=follows_motion, max_faces=max_faces)
    from facediff.landmarks.face_alignment_backend import FaceAlignmentMesh

    return FaceAlignmentMesh(max_faces=max_faces)


def _make_boxes(name: str) -> BoxDetector | None:
    """The quick look of a library; None if it has none."""
    if name == "face-alignment":
        return None
    if name == "mediapipe" and carries_models():
        from facediff.landmarks.mediapipe_backend import MediapipeBoxes

        return MediapipeBoxes()
    from facediff.landmarks.torch_backend import TorchBoxes

    return TorchBoxes()


def eye_distance(points: NDArray[np.floating]) -> float:
    """Distance of the outer eye corners of one mesh (478, 3), depth included, in pixels."""
    return float(np.linalg.norm(points[OUTER_EYES[0]] - points[OUTER_EYES[1]]))


def looks_human(points: NDArray[np.floating], most: float = MAX_MISFIT) -> bool:
    """Whether the eyes, nose and forehead of a mesh stand as in a human face, but for a misfit."""
    pose = fit_pose(points[None])
    placed = from_canonical(mean_face(), pose)[0]
    misfit = np.linalg.norm(points[STABLE] - placed[STABLE], axis=1).mean() / pose.scale[0]
    return bool(misfit < most)


def window_around(x: float, y: float, reach: float, shape: tuple[int, ...]) -> Window:
    """The square that reaches so far from (x, y), as much of it as lies in a picture of this shape."""
    low = np.clip(np.floor([x - reach, y - reach]), 0, [shape[1], shape[0]])
    high = np.clip(np.ceil([x + reach, y + reach]), 0, [shape[1], shape[0]])
    return Window(int(low[0]), int(low[1]), int(high[0]), int(high[1]))


def detect_in(library: LandmarkDetector, frame: Frame, window: Window) -> list[Points]:
    """What a library finds in a part of a frame, brought to a size it likes; in pixels of the frame."""
    width, height = window.right - window.left, window.bottom - window.top
    if min(width, height) < 16:
        return []
    crop = frame[window.top : window.bottom, window.left : window.right]
    longer = max(width, height)
    zoom = min(4.0, max(1.0, SMALLEST_PX / longer)) * min(1.0, SEARCH_PX / longer)
    if zoom != 1.0:
        kind = cv2.INTER_CUBIC if zoom > 1.0 else cv2.INTER_AREA
        crop = cv2.resize(crop, None, fx=zoom, fy=zoom, interpolation=kind)
    grown = np.array([crop.shape[1] / width, crop.shape[0] / height, crop.shape[1] / width], np.float32)
    return [mesh / grown + np.array([window.left, window.top, 0], np.float32) for mesh in library.detect(crop)]


def _turn_back(points: NDArray[np.floating], quarters: int, shape: tuple[int, ...]) -> NDArray[np.floating]:
    """Points (..., 2 or more) in a picture of this shape as they are in the one that ``np.rot90`` made it of."""
    height, width = shape[:2]
    x, y = points[..., 0], points[..., 1]
    back = {1: (height - y, x), 2: (width - x, height - y), 3: (y, width - x)}[quarters]
    return np.concatenate([np.stack(back, axis=-1), points[..., 2:]], axis=-1)


class FaceFinder:
    """Looks for all faces of a picture; holds its libraries, so that a video can be searched frame by frame.

    Args:
        detector: See ``choose_detector``.
        most: Most faces to report.
    """

    def __init__(self, detector: str | None = None, *, most: int = 8) -> None:
        self._library = make_detector(detector, follows_motion=False, max_faces=most)
        self._boxes = _make_boxes(choose_detector(detector))

    def __call__(self, image: Frame, *, depth: int = 2) -> list[Points]:
        """Meshes (478, 3) in pixels of the human faces in a picture, from left to right.

        Args:
            image: RGB.
            depth: How often a picture in which nothing is found is cut into finer tiles: half, then a quarter of its
                longer side. If it is, and no sure face is found in those either, it is turned by quarters.
        """
        found = self._search(image, depth)
        if depth and not any(looks_human(mesh, SURE_MISFIT) for mesh in found):
            for quarters in (1, 3, 2):
                turned = np.ascontiguousarray(np.rot90(image, quarters))
                sure = [mesh for mesh in self._search(turned, 0) if looks_human(mesh, SURE_MISFIT)]
                if sure:
                    found = [_turn_back(mesh, quarters, turned.shape) for mesh in sure]
                    break
        return sorted(found, key=lambda mesh: float(mesh[:, 0].mean()))

    def _search(self, image: Frame, depth: int) -> list[Points]:
        whole = Window(0, 0, image.shape[1], image.shape[0])
        found = [mesh for mesh in detect_in(self._library, image, whole) if looks_human(mesh)]
        found += self._in_boxes(image, whole, found)
        for level in range(1, depth + 1 if self._boxes is not None else 1):
            if found:
                break
            for tile in _tiles(image.shape, max(image.shape[:2]) >> level):
                found += self._in_boxes(image, tile, found)
        return found

    def near(self, image: Frame, points: Points) -> list[Points]:
        """The human faces close to where one was."""
        x, y = points[:, :2].mean(0)
        window = window_around(x, y, 2.4 * eye_distance(points), image.shape)
        return [mesh for mesh in detect_in(self._library, image, window) if looks_human(mesh)]

    def boxes(self, image: Frame, window: Window | None = None) -> NDArray[np.float32]:
        """(N, 3): centre and side of the faces that show at a glance; none if the library has no quick look."""
        if self._boxes is None:
            return np.zeros((0, 3), np.float32)
        left, top, right, bottom = window or Window(0, 0, image.shape[1], image.shape[0])
        crop = image[top:bottom, left:right]
        shrink = min(1.0, SEARCH_PX / max(crop.shape[:2]))
        if shrink < 1.0:
            crop = cv2.resize(crop, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
        return self._boxes.detect(crop) / shrink + np.array([left, top, 0], np.float32)

    def _in_boxes(self, image: Frame, window: Window, known: list[Points]) -> list[Points]:
        """Meshes of the faces that a quick look into a window shows and that are not known yet."""
        new: list[Points] = []
        for x, y, side in self.boxes(image, window):
            at = np.array([x, y])
            if any(np.linalg.norm(mesh[:, :2].mean(0) - at) < side / 2 for mesh in (*known, *new)):
                continue
            meshes = detect_in(self._library, image, window_around(x, y, 0.9 * side, image.shape))
            meshes = [mesh for mesh in meshes if looks_human(mesh)]
            new += sorted(meshes, key=lambda mesh: float(np.linalg.norm(mesh[:, :2].mean(0) - at)))[:1]
        return new

    def close(self) -> None:
        """Free the libraries."""
        self._library.close()
        if self._boxes is not None:
            self._boxes.close()

    def __enter__(self) -> FaceFinder:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        self.close()


def _tiles(shape: tuple[int, ...], side: int) -> list[Window]:
    """Squares that cover a picture, each overlapping the next by half."""
    side = max(side, 64)
    starts = [
        np.unique(np.linspace(0, max(extent - side, 0), int(np.ceil(2 * extent / side)) - 1 or 1).astype(int))
        for extent in shape[:2]
    ]
    return [
        Window(int(x), int(y), min(int(x) + side, shape[1]), min(int(y) + side, shape[0]))
        for y in starts[0]
        for x in starts[1]
    ]


def find_faces(image: Frame, *, detector: str | None = None, most: int = 8) -> list[Points]:
    """Meshes (478, 3) of the faces in a picture, from left to right; an empty list if there is none."""
    with FaceFinder(detector, most=most) as finder:
        return finder(image)


def has_rivals(faces: list[Points]) -> bool:
    """Whether another face is more than half as large as the largest, so that somebody should choose."""
    sizes = sorted(map(eye_distance, faces))
    return len(sizes) > 1 and sizes[-2] > sizes[-1] / 2


def choose_face(faces: list[Points], face: int | str | None, *, where: str = "the picture") -> Points:
    """One of several faces.

    Args:
        faces: From left to right, as ``find_faces`` gives them.
        face: Index from the left; ``largest``, ``left`` or ``right``; None takes the only one, or the largest if it is
            at least twice as large as any other.
        where: Named in errors.

    Raises:
        NoFaceFound: There is none, or it is too small.
        SeveralFaces: There are several of like size and none was chosen.
        InputError: There is no face of this index, or the choice makes no sense.
    """
    if not (face is None or face in CHOICES or (isinstance(face, int) and not isinstance(face, bool))):
        raise InputError(
            f"a face is chosen as 'largest', 'left', 'right' or by its index from the left, not as {face!r}"
        )
    if not faces:
        raise NoFaceFound(f"no human face was found in {where}; give a picture with one face, seen from the front")
    sizes = [eye_distance(mesh) for mesh in faces]
    face = {"left": 0, "right": len(faces) - 1}.get(face, face) if isinstance(face, str) else face
    if isinstance(face, int):
        if not 0 <= face < len(faces):
            raise InputError(f"face {face} was asked for, but {where} has {len(faces)} (0 is the leftmost)")
        chosen = face
    else:
        chosen = int(np.argmax(sizes))
        if face is None and has_rivals(faces):
            raise SeveralFaces(
                f"{where} has {len(faces)} faces; choose one with face='largest' or face=0 to {len(faces) - 1} "
                "(0 is the leftmost)"
            )
    if sizes[chosen] < MIN_EYES_PX:
        raise NoFaceFound(
            f"the face in {where} is too small: {sizes[chosen]:.0f} pixels between the eyes, "
            f"at least {MIN_EYES_PX:.0f} are needed; give a larger picture"
        )
    return faces[chosen]


def refuse_profile(points: Points, *, where: str = "the picture") -> None:
    """Raises NoFaceFound if the head is turned so far that half of the face is hidden."""
    yaw = float(head_angles(fit_pose(points[None]))[0, 0])
    if abs(yaw) > MAX_YAW_DEG:
        raise NoFaceFound(
            f"the face in {where} is turned away by {abs(yaw):.0f} degrees, at most {MAX_YAW_DEG:.0f} can be animated; "
            "give a picture seen from the front"
        )
