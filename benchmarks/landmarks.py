"""Landmarks in torch beside those of mediapipe 0.10.21: how far apart, and what a frame costs.

    python benchmarks/landmarks.py [PICTURES_AND_VIDEOS ...] [--frames 120]

Takes the sample portrait, and a video of it moving, by default; folders are searched. Distances are in percent of the
eye distance: means over the points of each picture or frame, and the worst point. Times are of one thread, of the two
libraries in turn, frame by frame. Without mediapipe the columns of it are left out. Each frame of a video is read where
the last one had its face, so the last digits grow: ``same place`` tells torch where mediapipe had the face.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np
from skimage.data import astronaut

from facediff.landmarks.detection import carries_models, eye_distance
from facediff.landmarks.regions import region_of_mesh
from facediff.landmarks.torch_backend import TorchBoxes, TorchMesh, mask_person
from facediff.media import VideoReader, is_video, read_image

PICTURES = (".png", ".jpg", ".jpeg", ".webp")


def pan(count: int) -> Iterator[np.ndarray]:
    """The sample portrait, as if somebody moved the camera."""
    for i in range(count):
        turn = cv2.getRotationMatrix2D((225, 125), 12 * np.sin(i / 9), 1 + 0.1 * np.sin(i / 17))
        turn[:, 2] += 30 * np.sin(i / 13)
        yield cv2.warpAffine(astronaut(), turn, (512, 512), borderMode=cv2.BORDER_REFLECT)


def apart(mesh: np.ndarray, other: np.ndarray) -> np.ndarray:
    return 100 * np.linalg.norm((mesh - other)[:, :2], axis=1) / eye_distance(other)


class Row:
    """Distances of one picture or video."""

    def __init__(self) -> None:
        self.means: list[float] = []
        self.worst, self.missed = 0.0, 0

    def add(self, ours: list, theirs: list) -> None:
        self.missed += len(ours) != len(theirs)
        for mesh, other in zip(ours, theirs, strict=False):
            off = apart(mesh, other)
            self.means.append(float(off.mean()))
            self.worst = max(self.worst, float(off.max()))

    def __str__(self) -> str:
        mean = statistics.mean(self.means) if self.means else float("nan")
        return f"mean {mean:.4f}, worst point {self.worst:.3f}, {self.missed} with another number of faces"


def compare_stills(pictures: dict[str, np.ndarray]) -> None:
    from facediff.landmarks import mediapipe_backend as theirs

    library, ours = (
        theirs.MediapipeMesh(follows_motion=False, max_faces=8),
        TorchMesh(follows_motion=False, max_faces=8),
    )
    boxes, our_boxes = theirs.MediapipeBoxes(), TorchBoxes()
    rows, box_off, mask_off = [], 0.0, 0.0
    for name, picture in pictures.items():
        row = Row()
        row.add(ours.detect(picture), library.detect(picture))
        a, b = our_boxes.detect(picture), boxes.detect(picture)
        if a.shape != b.shape:
            print(f"{name}: {len(a)} and {len(b)} boxes")
        elif len(b):
            box_off = max(box_off, float(100 * np.abs(a - b).max() / b[:, 2].max()))
        mask_off = max(mask_off, float(np.abs(mask_person(picture) - theirs.mask_person(picture)).max()))
        rows.append(row)
        if row.missed:
            print(f"{name}: {row}")
    means = [mean for row in rows for mean in row.means]
    print(
        f"{len(rows)} stills: median of means {statistics.median(means):.4f}, worst mean {max(means):.4f}, "
        f"worst point {max(row.worst for row in rows):.3f}; boxes within {box_off:.3f}% of their side, "
        f"masks within {mask_off:.5f}"
    )


def compare_videos(videos: dict[str, Iterable[np.ndarray]]) -> None:
    from facediff.landmarks.mediapipe_backend import MediapipeMesh

    rows = []
    for name, frames in videos.items():
        library, ours, told = MediapipeMesh(), TorchMesh(), TorchMesh()
        row, placed, times = Row(), Row(), ([], [])
        for frame in frames:
            started = time.process_time()
            theirs = library.detect(frame)
            between = time.process_time()
            row.add(ours.detect(frame), theirs)
            times[0].append(between - started)
            times[1].append(time.process_time() - between)
            placed.add(told.detect(frame), theirs)
            told._regions = [region_of_mesh(mesh) for mesh in theirs]
        library.close()
        ms = [1000 * statistics.median(one) for one in times]
        same = f"{statistics.mean(placed.means):.4f}" if placed.means else "nan"
        print(f"{name}: {row}; same place {same}; ms a frame {ms[0]:.2f} and {ms[1]:.2f}: {ms[1] / ms[0]:.2f} times")
        rows.append((row, ms[1] / ms[0]))
    means = [statistics.mean(row.means) for row, _ in rows if row.means]
    print(
        f"{len(rows)} videos: median of means {statistics.median(means):.4f}, worst mean {max(means):.4f}; "
        f"median of times {statistics.median(ratio for _, ratio in rows):.2f}"
    )


def clock(frames: list[np.ndarray]) -> None:
    """What torch alone takes."""
    for what, library in (
        ("a video frame", TorchMesh()),
        ("a still", TorchMesh(follows_motion=False)),
        ("boxes", TorchBoxes()),
    ):
        taken = []
        for frame in frames:
            started = time.process_time()
            library.detect(frame)
            taken.append(1000 * (time.process_time() - started))
        print(f"torch, {what}: {statistics.median(taken):.2f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--frames", type=int, default=120, help="of each video")
    args = parser.parse_args()
    cv2.setNumThreads(1)
    files = sorted(f for one in args.files for f in (one.rglob("*") if one.is_dir() else [one]) if f.is_file())
    pictures = {f.name: read_image(f) for f in files if f.suffix.lower() in PICTURES}
    videos = {
        f.name: (v for v, _ in zip(VideoReader(f), range(args.frames), strict=False))
        for f in files
        if f.suffix.lower() not in PICTURES and is_video(f)
    }
    if not files:
        pictures, videos = {"sample portrait": astronaut()}, {"sample portrait, moving": pan(args.frames)}
    if not carries_models():
        print("mediapipe 0.10 is not installed: nothing to compare with")
        clock(list(pan(args.frames)))
        return
    if pictures:
        compare_stills(pictures)
    if videos:
        compare_videos(videos)


if __name__ == "__main__":
    main()
