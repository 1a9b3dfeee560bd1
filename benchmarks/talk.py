"""Dubs clips with their own speech, lets portraits speak, and prints the scores.

    python benchmarks/talk.py [--clips CLIP.mp4 ...] [--portraits P.jpg ... --speech S.flac ...]

Without files it runs on the sample portrait and speech, and on a clip rendered from them.

Dubs stand beside three baselines in one table: the first frame, frozen; the first frame, warped to the landmarks of the
dub; and the dub without the diffusion model, a warp of the true frames, which show the very mouth that is to be found.
Portraits speak with head motion, with ``--still``, and with two seconds of silence put into the middle of the speech.

Figures are those of ``facediff evaluate``. Besides, ``outside_db`` is the PSNR against the source of what lies half an
eye distance and more outside the face, after video coding. A clip that has a .flac of its name beside it is dubbed with
that.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
import time
from math import ceil
from pathlib import Path

import numpy as np
import sample
from table import heading, medians, row

from facediff.audio.wave import SAMPLE_RATE, load_wave
from facediff.audio.windows import exact_rate
from facediff.avatar import Avatar
from facediff.evaluation.cases import Kit
from facediff.evaluation.report import evaluate
from facediff.landmarks import masks
from facediff.landmarks.canonical import canonicalise
from facediff.media import VideoReader, VideoWriter
from facediff.motion import coefficients
from facediff.pipelines.loading import load_talk
from facediff.rendering.inpainting.appearance_prior import load_appearance_prior
from facediff.rendering.inpainting.drawn import DrawnInpainter
from facediff.rendering.source import Source
from facediff.rendering.warping.portrait import PortraitWarper
from facediff.rendering.warping.video import VideoWarper
from facediff.types import FaceTrack

DUBS = ("aperture_corr", "lmd_mouth", "psnr_mouth", "sharp_ratio", "flicker", "face_rate", "outside_db", "sync_offset")
STILLS = ("identity_ssim", "blink_per_min", "flicker", "silence_ratio", "sharp_ratio", "face_rate", "av_gap_ms")
BASELINES = ("frozen", "first warped", "true warped")
KINDS = (*BASELINES, "facediff", "truth")
FIGURES = ("faces", "lips", "fidelity", "flicker", "sync_offset", "av_gap_ms")


def freeze(clip: Path, out: Path) -> None:
    reader = VideoReader(clip)
    frames = list(reader)
    with VideoWriter(out, (reader.info.width, reader.info.height), reader.info.fps) as writer:
        for _ in frames:
            writer.write(frames[0])


def warp_first(clip: Path, avatar: Avatar, wave: np.ndarray, out: Path) -> None:
    """The first frame, its face taken to where the dub has it."""
    track = avatar.track
    film = Source(clip, track, "", on_missing_face="hold")
    info, rules = VideoReader(clip).info, DrawnInpainter(load_appearance_prior())
    motion_model, _ = load_talk(device="cpu")
    rows = coefficients.resample(motion_model(wave), coefficients.MOTION_FPS, exact_rate(track.fps), len(track))
    dubbed = VideoWarper(film, rules).speak(rows)(slice(0, len(track)))
    asked = np.stack([frame.face.points for frame in dubbed if frame.face is not None])
    picture = Source(film.frame(0), track.take(slice(0, 1)), "")
    with VideoWriter(out, (info.width, info.height), info.fps) as writer:
        for frame in PortraitWarper(picture, rules).reach(asked)(slice(0, len(asked))):
            writer.write(frame.picture)


def outside_db(out: Path, clip: Path, track: FaceTrack) -> float:
    """PSNR against the source outside the face and what moves with the jaw, half an eye distance around it."""
    unit = canonicalise(track.points)[1].scale
    total, count = 0.0, 0
    for k, (made, true) in enumerate(zip(VideoReader(out), VideoReader(clip), strict=False)):
        if k % 10 or not track.usable[k]:
            continue
        face = masks.face_hull(track.points[k], track.size, float(unit[k]), reach=0.5)
        away = face[: made.shape[0], : made.shape[1]] == 0
        total += float(((made.astype(float) - true[: made.shape[0], : made.shape[1]]) ** 2)[away].sum())
        count += 3 * int(away.sum())
    return 10 * np.log10(255**2 * count / max(total, 1e-9))


def dub(clip: Path, folder: Path, kit: Kit, steps: int) -> dict[str, dict]:
    """Scores of a clip dubbed with its own speech, of the baselines and of the clip itself."""
    sound = clip.with_suffix(".flac") if clip.with_suffix(".flac").is_file() else clip
    avatar, rows, own = Avatar.from_video(clip), {}, {}
    for kind in (*BASELINES, "facediff"):
        out, started = folder / f"{clip.stem}-{kind.replace(' ', '-')}.mp4", time.monotonic()
        if kind == "frozen":
            freeze(clip, out)
        elif kind == "first warped":
            warp_first(clip, avatar, load_wave(sound), out)
        else:
            avatar.talk(sound, steps=steps, paint=kind == "facediff").save(out)
        seconds = time.monotonic() - started
        report = evaluate(out, truth=clip, speech=sound, names=FIGURES, kit=kit)
        rows[kind], own = report.to_dict(), report.truth.to_dict()
        rows[kind]["fps_render"] = rows[kind]["frames"] / seconds
        rows[kind]["outside_db"] = outside_db(out, clip, avatar.track)
    return {**rows, "truth": own}


def dubs(clips: list[Path], folder: Path, steps: int) -> None:
    print(heading("dubbed with own speech", DUBS))
    kit, table = Kit(), []
    for clip in clips:
        table.append(dub(clip, folder, kit, steps))
        for kind in KINDS:
            print(row(f"{clip.stem[:16]} {kind}", table[-1][kind], DUBS), flush=True)
    print()
    for kind in KINDS:
        print(row(f"median {kind}", medians([rows[kind] for rows in table], DUBS), DUBS))
    for (key, sign), kind in itertools.product((("lmd_mouth", -1), ("psnr_mouth", 1)), BASELINES):
        share = np.mean([sign * rows["facediff"][key] > sign * rows[kind][key] for rows in table])
        print(f"{key} better than {kind}: {share:.0%} of clips")
    judged = [rows for rows in table if abs(rows["truth"].get("sync_offset", 99)) < 1.5]
    right = sum(abs(rows["facediff"].get("sync_offset", 99)) < 1.5 for rows in judged)
    print(f"offset within a frame: {right} of the {len(judged)} clips whose own lips are")
    ratio = [rows["facediff"]["flicker"] / rows["truth"]["flicker"] for rows in table]
    print(f"flicker over the truth's: median {np.median(ratio):.3f}, from {min(ratio):.3f} to {max(ratio):.3f}")
    print(f"frames a second, tracking aside: median {np.median([r['facediff']['fps_render'] for r in table]):.1f}\n")


def with_silence(wave: np.ndarray, seconds: float = 2.0) -> np.ndarray:
    middle = len(wave) // 2
    return np.concatenate([wave[:middle], np.zeros(int(seconds * SAMPLE_RATE), np.float32), wave[middle:]])


def stills(portraits: list[Path], speeches: list[Path], folder: Path, steps: int) -> None:
    print(heading("portraits speak", STILLS) + "  pose_std_deg  frames")
    table: dict[str, list[dict]] = {"moving": [], "still": [], "pause": []}
    for portrait, speech in zip(portraits, itertools.cycle(speeches), strict=False):
        wave = load_wave(speech)
        for kind, rows in table.items():
            spoken = with_silence(wave) if kind == "pause" else wave
            out = folder / f"{portrait.stem}-{kind}.mp4"
            Avatar.from_image(portrait, face="largest").talk(spoken, steps=steps, still=kind == "still").save(out)
            figures = evaluate(out, portrait=portrait, names=FIGURES).to_dict()
            rows.append(figures)
            exact = "exact" if figures["frames"] == ceil(len(spoken) / SAMPLE_RATE * 25) else "WRONG"
            pose = np.round(figures["pose_std_deg"], 2).tolist()
            print(row(f"{portrait.stem[:20]} {kind}", figures, STILLS), pose, exact, flush=True)
    print()
    for kind, rows in table.items():
        pose = np.median([r["pose_std_deg"] for r in rows], axis=0).round(2).tolist()
        print(row(f"median {kind}", medians(rows, STILLS), STILLS), pose)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=Path, nargs="*", default=[])
    parser.add_argument("--portraits", type=Path, nargs="*", default=[])
    parser.add_argument("--speech", type=Path, nargs="*", default=[], help="taken in turn")
    parser.add_argument("--steps", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="folder for the rendered clips")
    args = parser.parse_args()
    if args.portraits and not args.speech:
        parser.error("--portraits wants --speech")
    with tempfile.TemporaryDirectory() as scratch:
        folder = args.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        if not args.clips and not args.portraits:
            print(sample.NOTE)
            args.clips = sample.clips(folder, 1)
            args.portraits, args.speech = [sample.portrait(folder)], [sample.SPEECH]
        if args.clips:
            dubs(args.clips, folder, args.steps)
        if args.portraits:
            stills(args.portraits, args.speech, folder, args.steps)


if __name__ == "__main__":
    main()
