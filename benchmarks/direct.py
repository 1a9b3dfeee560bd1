"""Gives each part of a performance a source of its own and measures what moves; emotions by a judge; eye contact.

    python benchmarks/direct.py [--portraits P.jpg ... --drivers D.mp4 ...] [--aside P.jpg ...] [--face-api MODEL]

Without files it runs on the sample portrait, driven by a clip that is rendered from its mirror image.

Composition: a talk is rendered with a still head, and with each condition alone; faces are found anew in the results.
The correlation of a part is with the driver, over the frames: of head angles, gaze (where eyes are open), closure of
the lids, height of the brows. Leak is the most that a condition changes in another part over what it changes in its
own, each in deviations of the driver, and said three times: of the coefficients that the renderer is given (asked), of
the landmarks that it makes of them, read without a picture between (drawn), and of faces that are found in the pictures
(read). What is more in the last is of the warp and of who reads landmarks. For a head there is a control: frames of the
plain talk, each turned in its plane, moved and enlarged as a whole as the driver's head is, in which nothing but the
head can have moved; what is read of other parts there is set over what ``head_from`` changed of the head. Lips is the
correlation of the lips' opening with that of the plain talk.

Emotions: the judge names the emotion of frames of a talk; it is the network of the npm package @vladmandic/face-api,
which nothing here was trained with. Without ``--face-api``, the folder ``model`` of that package, it is left out.

Eye contact: degrees past the lens, before and after, by the irises found anew; 3 are wanted.

Mattes: portraits with strands drawn around the head before other pictures, see ``drawn_hair``. Of what is found, the
mean absolute error over the picture, 0.03 is wanted, and over the band in which the truth is neither 0 nor 1; of the
person put before green, magenta and black, levels by which the band is off.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import sample
from drawn_hair import draw_person, make_backgrounds

from facediff.avatar import Avatar
from facediff.clip import Clip
from facediff.evaluation.networks.face_api import EXPRESSIONS, FaceApi
from facediff.landmarks.canonical import canonicalise
from facediff.landmarks.mesh import LEFT_BROW, RIGHT_BROW
from facediff.landmarks.smoothing import smooth_track
from facediff.landmarks.tracker import track_face, track_still
from facediff.media import VideoWriter, read_image
from facediff.motion import coefficients
from facediff.motion.coefficients import read_gaze
from facediff.motion.direction import direct
from facediff.motion.driver import read_driver
from facediff.motion.emotions import EMOTIONS, NEUTRAL
from facediff.motion.eye_contact import STYLE, measure_aside, read_lower_lid
from facediff.motion.rig import FaceRig, fit_neutral
from facediff.motion.template import MotionTemplate, extract
from facediff.options import Condition, Performance
from facediff.rendering.staging.matting import estimate_foreground, find_matte
from facediff.types import FaceTrack, RigidPose

CONDITIONS = {"head_from": "head", "gaze_from": "gaze", "lids_from": "lids", "brows_from": "brows"}
CONTROL = "control"  # a head that is moved with its picture
ROW = " {:>10.3f} {:>6.3f} {:>6.3f} {:>6.3f} {:>6.3f}"
SECONDS = 4.0
# What a driver is taken to move by at least: eye distances, degrees, eye widths, closure, eye distances.
LEAST = {"lips": 0.03, "head": 2.0, "gaze": 0.02, "lids": 0.15, "brows": 0.01}
LOOKED_AT = 5  # frames of a talk that a judge sees
MATTE_PX = 640  # longer side of portraits whose mattes are drawn
KEYS = np.array([[0, 177, 64], [255, 0, 255], [0, 0, 0]])


def measure(motion: np.ndarray) -> dict[str, np.ndarray]:
    """What each part does, (T, k): lips' opening, head angles, gaze, lids' closure, brows' height over the eyes."""
    lifts = coefficients.basis().brows[:, [*RIGHT_BROW, *LEFT_BROW], 1].mean(axis=1)
    return {
        "lips": motion[:, coefficients.OPENING],
        "head": motion[:, coefficients.ANGLES],
        "gaze": motion[:, coefficients.GAZE],
        "lids": motion[:, coefficients.LIDS].mean(axis=1, keepdims=True),
        "brows": motion[:, coefficients.BROWS] @ lifts[:, None],
    }


def read(rig: FaceRig, points: np.ndarray) -> np.ndarray:
    """The motion (T, 31) of landmarks (T, 478, 3), read as that of a driver is."""
    motion = rig.encode(points)
    motion[:, coefficients.BROWS] = rig.read_brows(points)
    return motion


def find(clip: Clip) -> FaceTrack:
    """The face of a clip as it is found anew, without jitter, as that of a driver is."""
    return smooth_track(track_face(iter(clip), float(clip.fps)))[0]


def correlate(got: np.ndarray, wanted: np.ndarray) -> float:
    """Mean correlation of columns (T, k), each weighing as it varies."""
    found = [np.corrcoef(got[:, k], wanted[:, k])[0, 1] for k in range(wanted.shape[1])]
    return float(np.average(found, weights=wanted.var(axis=0)))


def open_eyes(motion: np.ndarray) -> np.ndarray:
    """(T,) frames whose gaze can be read, a frame from a blink at least."""
    shut = motion[:, coefficients.LIDS].max(axis=1) > STYLE.blink
    return ~(shut | np.roll(shut, 1) | np.roll(shut, -1))


def find_change(
    before: np.ndarray, after: np.ndarray, usual: dict[str, float], is_open: np.ndarray
) -> dict[str, float]:
    """By how much each part differs between motions (T, 31), in deviations of the driver; gaze where eyes are open."""
    one, other = measure(before), measure(after)
    return {
        part: float(np.sqrt(((other[part] - one[part])[is_open if part == "gaze" else ...] ** 2).mean())) / scale
        for part, scale in usual.items()
    }


def find_leak(change: dict[str, float], part: str) -> float:
    """The most that another part changes, over what its own does."""
    return max(value for one, value in change.items() if one != part) / max(change[part], 1e-6)


def find_moved(clip: Clip, motion: np.ndarray) -> FaceTrack:
    """The face of a clip whose frames are turned in their plane, moved and enlarged as a head is, found anew."""
    start = track_still(next(clip.frames(0, 1)), "largest")
    centre, unit = start.points[0, :468, :2].mean(axis=0), np.linalg.norm(start.points[0, 33] - start.points[0, 263])

    def move() -> Iterator[np.ndarray]:
        for frame, row in zip(clip, motion, strict=False):
            turn, (right, down, size) = row[coefficients.ANGLES][2], row[coefficients.SHIFT]
            matrix = cv2.getRotationMatrix2D(centre.tolist(), -float(turn), float(np.exp(size)))
            matrix[:, 2] += unit * np.array([right, down])
            yield cv2.warpAffine(
                frame, matrix, frame.shape[1::-1], flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT
            )

    return smooth_track(track_face(move(), float(clip.fps)))[0]


def avatar_pose(avatar: Avatar) -> RigidPose:
    return canonicalise(avatar.track.points)[1]


def compose(portraits: list[Path], drivers: list[Path]) -> None:
    """What each condition moves."""
    table: dict[str, list[tuple[float, ...]]] = {name: [] for name in (*CONDITIONS, CONTROL)}
    print(f"{'portrait':20} {'condition':12} {'correlation':>11} {'asked':>6} {'drawn':>6} {'read':>6} {'lips':>6}")
    for portrait, driver in zip(portraits, itertools.cycle(drivers), strict=False):
        avatar, wave = Avatar.from_image(portrait, face="largest"), sample.speech(SECONDS)
        plain = find(avatar.talk(wave, still=True))
        rig = FaceRig.fit(plain.points)
        before = read(rig, plain.points)
        moved = read_driver(driver).template.at(Fraction(25)).motion
        last = len(moved) - 1
        played = moved[last - np.abs(np.arange(len(before)) % (2 * last) - last)]
        wanted = measure(played)
        usual = {part: max(float(rows.std(axis=0).mean()), LEAST[part]) for part, rows in measure(moved).items()}
        still = FaceRig.from_shape(fit_neutral(canonicalise(avatar.track.points)[0]), avatar_pose(avatar))
        moved_head = 1.0
        for name, part in (*CONDITIONS.items(), (CONTROL, "head")):
            if name == CONTROL:
                asked, after = before, read(rig, find_moved(avatar.talk(wave, still=True), played).points)
            else:
                performance = Performance(**{part: Condition(str(driver))})
                asked = direct(performance, len(before), Fraction(25))(before)
                clip = avatar.talk(wave, still=name != "head_from", **{name: driver})
                after = read(rig, find(clip).points)
            drawn = [read(still, still.points(rows)) for rows in (before, asked)]
            is_open = open_eyes(after) & open_eyes(played) & open_eyes(before)
            changes = [find_change(*pair, usual, is_open) for pair in ((before, asked), drawn, (before, after))]
            leaks = [find_leak(change, part) for change in changes]
            if name == CONTROL:  # over what the whole of the head's motion changes, of which this is a part
                leaks = [0.0, 0.0, find_leak({**changes[-1], part: moved_head}, part)]
            moved_head = changes[-1][part] if name == "head_from" else moved_head
            got = measure(after)
            lips = np.corrcoef(got["lips"][:, 0], measure(before)["lips"][:, 0])[0, 1]
            seen = is_open if part == "gaze" else slice(None)
            table[name].append((correlate(got[part][seen], wanted[part][seen]), *leaks, lips))
            told = ", ".join(f"{one} {value:.2f}" for one, value in changes[-1].items())
            print(f"{portrait.stem[:20]:20} {name:12} {ROW.format(*table[name][-1])}  changed: {told}", flush=True)
    for name, rows in table.items():
        median = np.median(rows, axis=0)
        print(f"{'median':20} {name:12} {ROW.format(*median)}")


def emote(portraits: list[Path], judge: FaceApi, strength: float) -> None:
    """What a judge says of emotions in speech."""
    print(f"\nemotions at {strength:g}: named right, and how sure the judge is of each")
    wave = sample.speech(1.2)
    for emotion in (NEUTRAL, *EMOTIONS):
        said = []
        for portrait in portraits:
            clip = Avatar.from_image(portrait, face="largest").talk(wave, emotion=f"{emotion}={strength:g}")
            frames = [next(clip.frames(k, k + 1)) for k in np.linspace(0, len(clip) - 1, LOOKED_AT).astype(int)]
            told = [judge.judge(frame, track_still(frame, "largest").points[0]).expressions for frame in frames]
            said.append(np.mean(told, axis=0))
        right = sum(EXPRESSIONS[int(one.argmax())] == emotion for one in said)
        mean = ", ".join(f"{name} {share:.2f}" for name, share in zip(EXPRESSIONS, np.mean(said, axis=0), strict=True))
        print(f"{emotion:10} {right} of {len(said)}   {mean}", flush=True)


def look(portraits: list[Path]) -> None:
    """How far eyes look past the lens, before and after."""
    print("\neye contact: degrees past the lens, before and after")
    after = []
    for portrait in portraits:
        avatar = Avatar.from_image(portrait, face="largest")
        clip = avatar.edit(eye_contact=1.0)
        still = track_still(next(clip.frames(len(clip) - 1)), "largest")
        degrees = [float(np.linalg.norm(aside(track))) for track in (avatar.track, still)]
        after.append(degrees[1])
        print(f"{portrait.stem[:24]:24} {degrees[0]:5.1f} {degrees[1]:5.1f}", flush=True)
    print(f"{'within 3 degrees':24} {sum(one <= 3 for one in after)} of {len(after)}")


def aside(track: FaceTrack) -> np.ndarray:
    canonical, pose = canonicalise(track.points)
    return measure_aside(read_gaze(canonical), pose.rotation, read_lower_lid(canonical))[0]


def cut(portraits: list[Path]) -> None:
    """How far mattes are from those that were drawn."""
    print("\nmattes: mean absolute error, the same in the band of hair and edges; levels there before three colours")
    table: dict[str, list[list[float]]] = {}
    for portrait in portraits:
        picture = read_image(portrait)
        shrink = min(1.0, MATTE_PX / max(picture.shape[:2]))
        picture = cv2.resize(picture, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
        colours, truth = draw_person(picture, track_still(picture, "largest").points[0])
        band = cv2.dilate(((truth > 0.02) & (truth < 0.98)).astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
        for name, behind in make_backgrounds(truth.shape).items():
            shown = np.rint(mix(colours, truth, behind)).astype(np.uint8)
            found = find_matte(shown)
            front, off = estimate_foreground(shown, found), np.abs(found - truth)
            fringe = [np.abs(mix(front, found, key) - mix(colours, truth, key))[band].mean() for key in KEYS]
            table.setdefault(name, []).append([off.mean(), off[band].mean(), *fringe])
    for name, rows in table.items():
        print(f"{name:20} " + "{:.4f} {:.3f}  {:5.1f} {:5.1f} {:5.1f}".format(*np.mean(rows, axis=0)), flush=True)
    within = [row[0] <= 0.03 for rows in table.values() for row in rows]
    print(f"{'within 0.03':20} {sum(within)} of {len(within)}")


def mix(front: np.ndarray, share: np.ndarray, behind: np.ndarray) -> np.ndarray:
    """A layer (H, W, 3) with its share (H, W) over another."""
    return front * share[..., None] + behind * (1 - share[..., None])


def render_driver(folder: Path) -> Path:
    """A clip of the mirrored sample portrait that nods, blinks, looks about and raises its brows."""
    at = np.arange(100) / 25
    motion = extract(track_still(read_image(sample.portrait(folder)))).motion * 0
    motion = np.repeat(motion, len(at), axis=0)
    motion[:, coefficients.ANGLES] = np.stack([9 * np.sin(2.1 * at), 7 * np.sin(3.0 * at + 1), 4 * np.sin(1.3 * at)], 1)
    motion[:, coefficients.GAZE] = np.stack([0.06 * np.sin(4.1 * at), 0.03 * np.sin(2.7 * at)], 1)
    motion[:, coefficients.LIDS] = (np.exp(-((((at % 1.3) - 0.6) / 0.09) ** 2)))[:, None]
    motion[:, coefficients.BROWS.start] = 1.6 * np.sin(2.4 * at + 0.5)
    template = MotionTemplate(motion, np.ones(len(at), bool), np.eye(3, dtype=np.float32), Fraction(25))
    gaze = template.save(folder / "gaze.safetensors")
    clip = Avatar.from_image(sample.portrait(folder, mirrored=True)).animate(template, gaze_from=gaze, paint=False)
    out = folder / "driver.mp4"
    with VideoWriter(out, clip.size, clip.fps, crf=12) as writer:
        for frame in clip:
            writer.write(frame)
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--portraits", type=Path, nargs="*", default=[])
    parser.add_argument("--drivers", type=Path, nargs="*", default=[], help="taken in turn")
    parser.add_argument("--aside", type=Path, nargs="*", default=[], help="portraits that look past the lens")
    parser.add_argument("--face-api", type=Path, help="the folder model of @vladmandic/face-api 1.7.15")
    parser.add_argument("--strength", type=float, default=1.0)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        if not args.portraits and not args.aside:
            print(sample.NOTE)
            args.portraits, args.aside = [sample.portrait(folder)], [sample.portrait(folder)]
        if args.portraits:
            compose(args.portraits, args.drivers or [render_driver(folder)])
        if args.portraits and args.face_api:
            emote(args.portraits, FaceApi(str(args.face_api)), args.strength)
        if args.portraits:
            cut(args.portraits)
        if args.aside:
            look(args.aside)


if __name__ == "__main__":
    main()
