"""What speaking and being driven cost: frames a second of the whole command, GFLOP a frame, peak memory by length.

    python benchmarks/speed.py [--task talk|animate] [--seconds 10] [--long 300] [--size 512]

Renders the sample portrait saying the sample sentence over and over, or driven by the motion of somebody who does. Each
run is a process of its own; memory is the largest resident set that the system saw.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from fractions import Fraction
from importlib.resources import files
from pathlib import Path

import numpy as np


def made(task: str, seconds: float, size: int, steps: int):
    """The clip, not yet rendered."""
    import cv2
    from skimage.data import astronaut

    from facediff.audio.wave import SAMPLE_RATE, load_wave
    from facediff.avatar import Avatar
    from facediff.motion.template import MotionTemplate
    from facediff.pipelines.loading import load_talk

    picture = astronaut() if size == 512 else cv2.resize(astronaut(), (size, size), interpolation=cv2.INTER_CUBIC)
    sentence = load_wave(str(files("facediff") / "samples" / "hello.flac"))
    wave = np.resize(sentence, int(seconds * SAMPLE_RATE))
    avatar = Avatar.from_image(picture, device="cpu")
    if task == "talk":
        return avatar.talk(wave, steps=steps)
    motion = load_talk(device="cpu")[0](wave)
    template = MotionTemplate(motion, np.ones(len(motion), bool), np.eye(3, dtype=np.float32), Fraction(25))
    return avatar.animate(template, steps=steps)


def render(task: str, seconds: float, size: int, steps: int, out: Path) -> None:
    """One run in this process; prints a line of JSON."""
    started = time.monotonic()
    clip = made(task, seconds, size, steps)
    ready = time.monotonic()
    clip.save(out)
    done = time.monotonic()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"frames": len(clip), "start": ready - started, "render": done - ready, "memory": memory}))


def gflop(task: str, steps: int) -> float:
    """Multiplications and additions a frame of a portrait, by the networks that paint; motion is made before."""
    from torch.utils.flop_counter import FlopCounterMode

    clip = made(task, 0.32, 512, steps)
    with FlopCounterMode(display=False) as counter:
        for _ in clip:
            pass
    return counter.get_total_flops() / 1e9 / len(clip)


def measured(task: str, seconds: float, size: int, steps: int) -> dict:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, __file__, "--run", str(Path(folder) / "out.mp4"), "--task", task]
        more = ["--seconds", str(seconds), "--size", str(size), "--steps", str(steps)]
        done = subprocess.run([*command, *more], capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", choices=["talk", "animate"], default="talk")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--long", type=float, default=0.0, help="seconds of a long clip, to compare memory with")
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--steps", type=int, help="2 for talk, 1 for animate by default")
    parser.add_argument("--run", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    args.steps = args.steps or {"talk": 2, "animate": 1}[args.task]
    if args.run is not None:
        render(args.task, args.seconds, args.size, args.steps, args.run)
        return
    print(f"GFLOP a frame: {gflop(args.task, args.steps):.1f}")
    for seconds in [args.seconds, *([args.long] if args.long else [])]:
        got = measured(args.task, seconds, args.size, args.steps)
        whole = got["frames"] / (got["start"] + got["render"])
        print(
            f"{seconds:g} s at {args.size}x{args.size}: {got['frames'] / got['render']:.2f} frames a second rendering, "
            f"{whole:.2f} with start-up, peak memory {got['memory']:.0f} MB"
        )


if __name__ == "__main__":
    main()
