"""What a live avatar reaches on this machine: rate, lateness, delay, interruptions, sync, memory, drift.

    python benchmarks/live.py [--minutes 0.5] [--size 512] [--steps 1] [--no-paint] [PORTRAIT SPEECH]

The sample portrait says the sample sentence over and over, pushed in packets of 20 ms at real time by a thread of its
own; every third time it is interrupted in the middle. Sound and picture are compared afterwards in what came out, by a
network that knows lips and speech and nothing of how the stream was made, and by loudness.
"""

from __future__ import annotations

import argparse
import threading
import time
from pathlib import Path

import numpy as np
from sample import SPEECH, portrait

from facediff.audio.wave import SAMPLE_RATE, load_wave
from facediff.avatar import Avatar
from facediff.evaluation.fidelity import likeness
from facediff.evaluation.lips import loudness_sync
from facediff.evaluation.sync import SyncScorer
from facediff.landmarks.tracker import track_face

PACKET = SAMPLE_RATE // 50
KEPT_S, PAUSE_S, CUT_AT_S = 10.0, 1.5, 2.5


class Talker(threading.Thread):
    """Pushes a speech again and again, at real time; notes when each began and when it was interrupted."""

    def __init__(self, session, wave) -> None:
        super().__init__(daemon=True)
        self.session, self.wave, self.stop = session, wave, threading.Event()
        self.begun: list[float] = []
        self.cuts: list[tuple[float, int]] = []  # when, and from which frame on the mouth closes

    def run(self) -> None:
        number = 0
        while not self.stop.is_set():
            self.stop.wait(PAUSE_S)
            number += 1
            start = time.monotonic()
            self.begun.append(start)
            for k in range(0, len(self.wave), PACKET):
                if self.stop.wait(max(0.0, start + (k + PACKET) / SAMPLE_RATE - time.monotonic())):
                    return
                if number % 3 == 0 and k >= CUT_AT_S * SAMPLE_RATE:
                    asked = time.monotonic()
                    self.cuts.append((asked, self.session.interrupt()))
                    break
                self.session.push_audio(self.wave[k : k + PACKET], SAMPLE_RATE, k + PACKET >= len(self.wave))


def watch(session, talker, seconds: float) -> dict:
    """Reads frames for so long; what was seen."""
    frames, first, last, memory, rates = [], [], [], [], []
    heard_at, new_at, shown = [], [], []
    spoke = False
    count = late = 0
    for frame in session:
        now = time.monotonic()
        if count == 0:
            begin = now
            talker.start()
        count, late = count + 1, session.stats.late
        if not frame.is_repeated:
            new_at.append(now)
            shown.append(frame.index)
        if frame.sound is not None and not spoke:
            heard_at.append(now)
        spoke = frame.sound is not None
        if now - begin < KEPT_S + PAUSE_S:
            frames.append(frame)
        if frame.sound is None and count % 25 == 0:
            (first if now - begin < seconds / 2 else last).append(frame.picture)
        if count % 50 == 0:
            memory.append(session.stats.memory / 2**20)
            rates.append((session.stats.fps, session.stats.level))
        if now - begin >= seconds:
            break
    talker.stop.set()
    return {
        "count": count, "late": late, "seconds": now - begin, "frames": frames, "new": new_at, "shown": shown,
        "heard": heard_at, "first": first, "last": last, "memory": memory, "levels": rates,
    }  # fmt: skip


def delays(begun: list[float], seen: list[float]) -> np.ndarray:
    """Seconds from each beginning to what was seen next, before the following beginning."""
    found = []
    for k, start in enumerate(begun):
        stop = begun[k + 1] if k + 1 < len(begun) else np.inf
        found += [at - start for at in seen if start <= at < stop][:1]
    return np.array(found)


def closings(cuts: list[tuple[float, int]], seen: list[float], shown: list[int]) -> np.ndarray:
    """Seconds from each interruption to the first new picture of a mouth that closes."""
    found = []
    for asked, index in cuts:
        found += [at - asked for at, number in zip(seen, shown, strict=True) if number >= index][:1]
    return np.array(found)


def sync(frames) -> tuple[float | None, str]:
    """Milliseconds by which lips come after the sound, by the network and by loudness."""
    rate = next((frame.sample_rate for frame in frames if frame.sample_rate), SAMPLE_RATE)
    silence = np.zeros(rate // 25, np.int16)
    sound = np.concatenate([silence if frame.sound is None else frame.sound for frame in frames])
    track = track_face([frame.picture for frame in frames], 25.0)
    wave = (sound / np.float32(32768)).astype(np.float32)
    score = SyncScorer().track(track, wave)
    coarse = loudness_sync(track, wave)
    said = "none" if coarse is None else f"{coarse.lag_ms:+.0f} ms at {coarse.correlation or 0:.2f}"
    return 40.0 * score.offset, f"confidence {score.confidence:.2f}; loudness {said}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path, help="a portrait and a speech; the samples by default")
    parser.add_argument("--minutes", type=float, default=0.5)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--steps", type=int, default=1)
    parser.add_argument("--no-paint", action="store_true")
    args = parser.parse_args()
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        picture, speech = args.files or (portrait(Path(folder)), SPEECH)
        avatar = Avatar.from_image(picture, device="cpu")
    wave = load_wave(speech)
    with avatar.live(size=args.size, steps=args.steps, paint=not args.no_paint) as session:
        started = time.monotonic()
        rest = session.first_frame()
        print(f"ready after {time.monotonic() - started:.1f} s, {session.settings.size}, {session.settings.fps:g} fps")
        talker = Talker(session, wave)
        got = watch(session, talker, 60 * args.minutes)
        print(f"stats at the end: {session.stats}")
    new = len(got["new"]) / got["seconds"]
    print(f"pictures a second: {new:.2f} new of {got['count'] / got['seconds']:.2f}")
    print(f"late: {100 * got['late'] / got['count']:.1f} % of {got['count']} frames")
    told = [level for _, level in got["levels"]]
    print(f"level: {', '.join(f'{name} {told.count(name) / len(told):.0%}' for name in dict.fromkeys(told))}")
    first = 1000 * delays(talker.begun, got["heard"])
    if len(first):
        print(
            f"first voiced frame after its sound: median {np.median(first):.0f} ms, "
            f"95 % {np.percentile(first, 95):.0f} ms, of {len(first)} speeches"
        )
    cuts = 1000 * closings(talker.cuts, got["new"], got["shown"])
    if len(cuts):
        print(
            f"interruption to a closing mouth: median {np.median(cuts):.0f} ms, most {cuts.max():.0f}, of {len(cuts)}"
        )
    offset, more = sync(got["frames"])
    print(f"lips after sound: {offset:+.0f} ms ({more})")
    memory = got["memory"]
    print(f"memory of the process: {memory[0]:.0f} MB at first, {memory[-1]:.0f} at the end, {max(memory):.0f} at most")
    if got["first"] and got["last"]:
        ends = []
        for pictures in (got["first"], got["last"]):
            track = track_face([rest, *pictures], 25.0)
            like = likeness([rest, *pictures], track, rest, track.points[0])
            ends.append(like.upper_face if like else float("nan"))
        print(
            f"likeness to the first frame (SSIM, upper face): {ends[0]:.3f} in the first half, {ends[1]:.3f} after it"
        )


if __name__ == "__main__":
    main()
