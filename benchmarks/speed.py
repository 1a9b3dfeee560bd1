"""What speaking and being driven cost: frames a second of the whole command, GFLOP a frame, peak memory by length.

    python benchmarks/speed.py [--task talk|animate] [--seconds 10] [--long 300] [--size 512]
    python benchmarks/speed.py --beside CHECKOUT [--runs 5] [--task talk|animate] [--seconds 10]

Renders the sample portrait saying the sample sentence over and over, or driven by the motion of somebody who does. Each
run is a process of its own; memory is the largest resident set that the system saw.

With ``--beside`` the build in another checkout runs too, in turn with this one, alone and with each back end that is
installed. Other programs disturb every run: of each the best one counts, and beside it stands the time of the
processor, user's and system's, that a frame took, which they disturb less; and how far the runs are apart.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from concurrent.futures import Executor, Future
from fractions import Fraction
from importlib import import_module
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

import numpy as np


def made(task: str, seconds: float, size: int, steps: int | None):
    """The clip, not yet rendered."""
    import cv2
    from skimage.data import astronaut

    import facediff
    from facediff.audio.wave import SAMPLE_RATE, load_wave
    from facediff.avatar import Avatar

    is_today = (Path(facediff.__file__).parent / "motion").is_dir()  # a build beside this one may be older
    templates = import_module("facediff.motion.template" if is_today else "facediff.landmarks.templates")
    chosen = {} if steps is None else {"steps": steps}
    picture = astronaut() if size == 512 else cv2.resize(astronaut(), (size, size), interpolation=cv2.INTER_CUBIC)
    sentence = load_wave(str(files("facediff") / "samples" / "hello.flac"))
    wave = np.resize(sentence, int(seconds * SAMPLE_RATE))
    avatar = Avatar.from_image(picture, device="cpu")
    if task == "talk":
        return avatar.talk(wave, **chosen)
    motion = import_module("facediff.pipelines.loading").load_talk(device="cpu")[0](wave)
    template = templates.MotionTemplate(motion, np.ones(len(motion), bool), np.eye(3, dtype=np.float32), Fraction(25))
    return avatar.animate(template, **chosen)


def render(task: str, seconds: float, size: int, steps: int | None, out: Path) -> None:
    """One run in this process; prints a line of JSON."""
    started, born = time.monotonic(), time.process_time()
    clip = made(task, seconds, size, steps)
    ready, loaded = time.monotonic(), time.process_time()
    clip.save(out)
    done, spent = time.monotonic(), time.process_time()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    told = {"frames": len(clip), "start": ready - started, "render": done - ready, "memory": memory}
    print(json.dumps({**told, "start_cpu": loaded - born, "render_cpu": spent - loaded}))


def gflop(task: str, steps: int | None) -> float:
    """Multiplications and additions a frame of a portrait, by the networks that paint; motion is made before."""
    from flop import count_flop

    from facediff.backends.choice import TORCH, VARIABLE
    from facediff.rendering import ahead

    class Here(Executor):
        """Does all at once, in the thread that is counted."""

        def __init__(self, *_: object) -> None:
            pass

        def submit(self, work, /, *given, **settings):
            done: Future = Future()
            done.set_result(work(*given, **settings))
            return done

    os.environ[VARIABLE] = TORCH
    ahead._Threads, ahead.hire_crew = Here, Here
    clip = made(task, 0.32, 512, steps)
    with count_flop() as counter:
        for _ in clip:
            pass
    return counter.get_total_flops() / 1e9 / len(clip)


def measured(
    task: str, seconds: float, size: int, steps: int | None, checkout: Path | None = None, backend: str | None = None
) -> dict:
    """One run in a process of its own, of this build or of that in a checkout, with a back end or the usual one."""
    variables = dict(os.environ)
    if checkout is not None:
        variables["PYTHONPATH"] = str(checkout)
    if backend is not None:
        variables["FACEDIFF_BACKEND"] = backend
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, __file__, "--run", str(Path(folder) / "out.mp4"), "--task", task]
        more = ["--seconds", str(seconds), "--size", str(size)]
        more += [] if steps is None else ["--steps", str(steps)]
        done = subprocess.run([*command, *more], capture_output=True, text=True, check=True, env=variables)
    return json.loads(done.stdout.splitlines()[-1])


def compare(other: Path, task: str, seconds: float, size: int, steps: int | None, runs: int) -> None:
    """Runs two builds in turn, and prints the best of each."""
    here = Path(__file__).parents[1]
    builds: dict[str, tuple[Path, str]] = {"other": (other, "none"), "this, torch": (here, "none")}
    if find_spec("openvino"):
        builds |= {f"this, {name}": (here, name) for name in ("openvino", "openvino-int8")}
    seen: dict[str, list[dict]] = {name: [] for name in builds}
    for number in range(runs + 1):
        for name, (checkout, backend) in builds.items():
            got = measured(task, seconds, size, steps, checkout, backend)
            if number:  # the first fills caches
                seen[name].append(got)
    base = best(seen["other"])
    print(
        f"{task}, {seconds:g} s at {size}x{size}, best of {runs}; load {', '.join(f'{x:.1f}' for x in os.getloadavg())}"
    )
    for name, got in seen.items():
        one = best(got)
        spread = max(g["render"] for g in got) / min(g["render"] for g in got)
        print(
            f"{name:22s} {one['fps']:6.2f} frames a second ({one['fps'] / base['fps']:.2f}), "
            f"{one['cpu']:6.1f} ms of processor a frame ({base['cpu'] / one['cpu']:.2f}), start {one['start']:.1f} s "
            f"({one['start_cpu']:.1f} of processor), {one['memory']:.0f} MB, runs apart by {spread:.1f}"
        )


def best(runs: list[dict]) -> dict[str, float]:
    """Of some runs the least of each figure."""
    least = {name: min(run[name] for run in runs) for name in runs[0]}
    return {**least, "fps": least["frames"] / least["render"], "cpu": 1000 * least["render_cpu"] / least["frames"]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", choices=["talk", "animate"], default="talk")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--long", type=float, default=0.0, help="seconds of a long clip, to compare memory with")
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--steps", type=int, help="a frame; by default each build's own")
    parser.add_argument("--beside", type=Path, help="a checkout of another build")
    parser.add_argument("--runs", type=int, default=5, help="of each build, where there are two")
    parser.add_argument("--run", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.run is not None:
        render(args.task, args.seconds, args.size, args.steps, args.run)
        return
    if args.beside is not None:
        compare(args.beside.resolve(), args.task, args.seconds, args.size, args.steps, args.runs)
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
