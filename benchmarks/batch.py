"""How much several workers gain: frames a second of a batch with one worker, with more, and on Ray.

    python benchmarks/batch.py [--jobs JOBS.jsonl] [--workers 2] [--clips 6] [--seconds 4]

Without a file of jobs the sample portrait says so many different stretches of the sample speech. Each run is the whole
command, in a folder of its own, with the models loaded anew.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import subprocess
import sys
import tempfile
import time
from importlib.resources import files
from pathlib import Path

import numpy as np


def sample_jobs(folder: Path, clips: int, seconds: float) -> Path:
    """Talking portraits, none like another."""
    import av
    from skimage.data import astronaut

    from facediff.audio.wave import SAMPLE_RATE, load_wave
    from facediff.media import write_image

    write_image(folder / "portrait.png", astronaut())
    sentence = load_wave(str(files("facediff") / "samples" / "hello.flac"))
    lines = []
    for number in range(clips):
        wave = np.resize(np.roll(sentence, 4000 * number), int(seconds * SAMPLE_RATE))
        with av.open(str(folder / f"{number}.wav"), "w") as container:
            stream = container.add_stream("pcm_s16le", rate=SAMPLE_RATE, layout="mono")
            samples = (wave[None] * 32767).astype(np.int16)
            frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
            frame.sample_rate = SAMPLE_RATE
            container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        lines.append(json.dumps({"task": "talk", "source": "portrait.png", "speech": f"{number}.wav", "seed": number}))
    (folder / "jobs.jsonl").write_text("\n".join(lines))
    return folder / "jobs.jsonl"


def run(jobs: Path, out: Path, *options: str) -> tuple[float, int]:
    """Seconds and frames of a run; ends the program where it failed."""
    started = time.monotonic()
    command = [sys.executable, "-m", "facediff", "batch", str(jobs), "-o", str(out), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    seconds = time.monotonic() - started
    lines = (out / "manifest.jsonl").read_text().splitlines()
    return seconds, sum(json.loads(line)["frames"] for line in lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=Path)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--clips", type=int, default=6)
    parser.add_argument("--seconds", type=float, default=4.0)
    args = parser.parse_args()
    many = ["--workers", str(args.workers)]
    ways = {"one worker": [], f"{args.workers} workers": many}
    if importlib.util.find_spec("ray") is not None:
        ways[f"Ray, {args.workers} workers"] = [*many, "--engine", "ray"]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        jobs = args.jobs or sample_jobs(folder, args.clips, args.seconds)
        print(f"{'':20}{'seconds':>10}{'frames':>10}{'frames/s':>10}{'gain':>8}")
        alone = 0.0
        for number, (name, options) in enumerate(ways.items()):
            seconds, frames = run(jobs, folder / f"out{number}", *options)
            alone = alone or frames / seconds
            gain = frames / seconds / alone
            print(f"{name:20}{seconds:10.1f}{frames:10d}{frames / seconds:10.2f}{gain:8.2f}", flush=True)


if __name__ == "__main__":
    main()
