"""A motion that was taken from one face and can be given to another, as a small file."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import save_file

from facediff.errors import InputError, MediaError
from facediff.landmarks.canonical import canonicalise, mean_face
from facediff.landmarks.smoothing import smooth_track
from facediff.motion import coefficients
from facediff.motion.rig import FaceRig, fit_mean_pose, fit_neutral
from facediff.system.files import atomic_write
from facediff.types import FaceTrack

SUFFIXES = (".safetensors", ".npz")
_ARRAYS = ("motion", "present", "rotation")
_FORMAT, _VERSION = "facediff motion", 1


@dataclass(frozen=True)
class MotionTemplate:
    """How a face moved.

    Attributes:
        motion: (T, 31) float32, see ``facediff.motion.coefficients``: offsets from the driver's own face at rest.
            Frames without a face hold what lies between their neighbours.
        present: (T,) whether the face was seen.
        rotation: (3, 3) the driver's usual head rotation, which absolute motion takes over.
        fps: Frames per second.
    """

    motion: NDArray[np.float32]
    present: NDArray[np.bool_]
    rotation: NDArray[np.float32]
    fps: Fraction

    def __len__(self) -> int:
        return len(self.motion)

    def at(self, fps: Fraction) -> MotionTemplate:
        """The same motion at another rate, over the same time; linear in between."""
        if fps == self.fps:
            return self
        count = max(1, round(len(self) * fps / self.fps))
        rows = coefficients.resample(self.motion, self.fps, fps, count)
        nearest = np.minimum(np.rint(np.arange(count) * float(self.fps / fps)).astype(int), len(self) - 1)
        return replace(self, motion=rows, present=self.present[nearest], fps=fps)

    def save(self, path: str | Path) -> Path:
        """Writes .safetensors or .npz; whole or not at all.

        Raises:
            InputError: The name ends in something else.
            OutputError: The place cannot be written to.
        """
        path = Path(path)
        check_name(path)
        arrays = {name: np.ascontiguousarray(getattr(self, name)) for name in _ARRAYS}
        about = {"format": _FORMAT, "version": str(_VERSION), "fps": str(self.fps)}
        with atomic_write(path) as partial:
            if path.suffix.lower() == ".npz":
                entries: dict[str, Any] = {"about": np.array(json.dumps(about)), **arrays}
                with partial.open("wb") as file:  # by name, numpy would add an ending of its own
                    np.savez(file, **entries)
            else:
                save_file(arrays, partial, metadata=about)
        return path


def check_name(path: str | Path) -> None:
    """Refuses a name that no motion can be written to.

    Raises:
        InputError: It ends in something else than ``SUFFIXES``.
    """
    if Path(path).suffix.lower() not in SUFFIXES:
        raise InputError(f"{path} must end in one of {', '.join(SUFFIXES)}")


def is_template(path: str | Path) -> bool:
    """Whether the file's name says that it holds a motion."""
    return Path(path).suffix.lower() in SUFFIXES


def load_template(path: str | Path) -> MotionTemplate:
    """What ``MotionTemplate.save`` wrote; nothing in the file is run.

    Raises:
        MediaError: No such file, or it holds something else.
    """
    path = Path(path)
    if not path.is_file():
        raise MediaError(f"there is no motion at {path}")
    try:
        arrays, about = _read(path)
        template = MotionTemplate(
            motion=np.asarray(arrays["motion"], np.float32),
            present=np.asarray(arrays["present"], bool),
            rotation=np.asarray(arrays["rotation"], np.float32),
            fps=Fraction(about["fps"]),
        )
        is_ours = about["format"] == _FORMAT and int(about["version"]) <= _VERSION
    except Exception as error:  # zip files, JSON and safetensors each fail in ways of their own
        raise MediaError(f"{path} is not a motion of 'facediff motion extract', or is damaged") from error
    if not is_ours or any(np.iscomplexobj(a) for a in arrays.values()):
        raise MediaError(f"{path} is not a motion of this version of facediff; extract it again")
    shape, present = template.motion.shape, template.present.shape
    is_finite = all(np.isfinite(a).all() for a in (template.motion, template.rotation))
    is_shaped = len(present) == 1 and present[0] > 0 and shape == (present[0], coefficients.DIMENSIONS)
    if not (is_shaped and is_finite and template.rotation.shape == (3, 3)):
        raise MediaError(
            f"{path} holds a motion of shape {shape}; (frames, {coefficients.DIMENSIONS}) finite numbers are wanted"
        )
    if not 1 <= template.fps <= 240:
        raise MediaError(f"{path} says {float(template.fps):g} frames a second; 1 to 240 are taken")
    return template


def _read(path: Path) -> tuple[dict[str, NDArray], dict[str, str]]:
    if path.suffix.lower() == ".npz":
        with np.load(path, allow_pickle=False) as stored:
            return {name: stored[name] for name in _ARRAYS}, json.loads(str(stored["about"]))
    with safe_open(str(path), "np") as stored:
        return {name: stored.get_tensor(name) for name in _ARRAYS}, stored.metadata()


def extract(track: FaceTrack) -> MotionTemplate:
    """The motion of a tracked face.

    The first frame need not be neutral: rest is the driver's usual face over the whole track, lips together. A track
    of a single frame is an expression, measured from the mean face.
    """
    found = np.flatnonzero(track.usable)
    fps = Fraction(track.fps).limit_denominator(1001) if track.fps else Fraction(coefficients.MOTION_FPS)
    smooth, _, pose = smooth_track(track)
    if len(track) == 1:
        rig = FaceRig.from_shape(fit_neutral(mean_face()[None]), canonicalise(smooth.points)[1])
    else:
        rig = FaceRig.fit(smooth.points)
    rows = rig.encode(smooth.points)
    if len(track) > 1:
        rows[:, coefficients.BROWS] = rig.read_brows(smooth.points)
    at = np.arange(len(track))
    motion = np.stack([np.interp(at, found, rows[found, k]) for k in range(coefficients.DIMENSIONS)], axis=1)
    return MotionTemplate(motion.astype(np.float32), track.usable, fit_mean_pose(pose).rotation[0], fps)
