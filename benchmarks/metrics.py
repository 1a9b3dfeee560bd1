"""Says what each metric sees, and what it should not: copies of clips that are spoilt in known ways, scored.

    python benchmarks/metrics.py [--clips CLIP.mp4 ...] [--names METRIC-OR-GROUP ...]

Without files it runs on clips rendered from the sample portrait and speech.

Each clip is coded with H.264 at crf 18 and AAC; that copy is the truth. Three more differ only in how they are coded:
H.265, crf 28, MP3. The others are spoilt: lips late by one frame and by five, frames shuffled within a second, blurred,
and, of several clips, those of the next one in their place, which is another person if the clips are of several. Of
each figure the table has the median over the clips of the copy's less the truth's own, or of the figure itself where it
is one against a truth.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import sample

from facediff.audio.wave import SAMPLE_RATE, load_wave
from facediff.evaluation.cases import Item, Kit
from facediff.evaluation.feature_cache import FeatureCache
from facediff.evaluation.registry import select_metrics
from facediff.evaluation.scoring import score
from facediff.evaluation.sheets import format_figure
from facediff.media import VideoReader
from facediff.types import Frame

Spoil = Callable[[Iterable[Frame]], Iterator[Frame]]
CELL, NAME = 11, 22
CODED = ("H.265", "crf 28", "MP3")


def late(frames: int) -> Spoil:
    def spoil(shown: Iterable[Frame]) -> Iterator[Frame]:
        held: list[Frame] = []
        for frame in shown:
            held.append(frame)
            yield held[0] if len(held) <= frames else held.pop(0)

    return spoil


def shuffled(shown: Iterable[Frame]) -> Iterator[Frame]:
    """A second's frames at a time, which is how memory stays flat; the picture has them all."""
    order, held = np.random.default_rng(0), []
    for frame in shown:
        held.append(frame)
        if len(held) == 25:
            yield from (held[k] for k in order.permutation(25))
            held = []
    yield from held


def blurred(shown: Iterable[Frame]) -> Iterator[Frame]:
    for frame in shown:
        yield cv2.GaussianBlur(frame, (0, 0), max(frame.shape) / 150)


def code(
    clip: Path, out: Path, spoil: Spoil = iter, *, video: str = "libx264", crf: int = 18, audio: str = "aac",
    sound: Path | None = None,
) -> Path:  # fmt: skip
    """A copy of a clip, its pictures spoilt, with its own sound or another clip's."""
    reader, wave = VideoReader(clip), load_wave(sound or clip)
    with av.open(str(out), "w") as box:
        shown = box.add_stream(video, rate=reader.info.fps, options={"crf": str(crf), "x265-params": "log-level=none"})
        shown.width, shown.height = reader.info.width // 2 * 2, reader.info.height // 2 * 2
        shown.pix_fmt = "yuv420p"
        heard = box.add_stream(audio, rate=SAMPLE_RATE, layout="mono")
        packets = []
        for frame in spoil(reader):
            picture = av.VideoFrame.from_ndarray(frame[: shown.height, : shown.width].copy(), format="rgb24")
            packets += shown.encode(picture)
        packets += shown.encode(None)
        spoken = av.AudioFrame.from_ndarray(wave[None], format="fltp", layout="mono")
        spoken.sample_rate, spoken.pts, spoken.time_base = SAMPLE_RATE, 0, Fraction(1, SAMPLE_RATE)
        change = av.AudioResampler(heard.format, "mono", SAMPLE_RATE, frame_size=heard.frame_size or 1152)
        for piece in [*change.resample(spoken), *change.resample(None), None]:
            packets += heard.encode(piece)
        box.mux(sorted(packets, key=lambda packet: float(packet.dts * packet.time_base)))
    return out


def with_sound(clips: list[Path], folder: Path) -> list[Path]:
    """The clips that are heard, those with a .flac of their name beside them with that; and the truths of them all."""
    truths = []
    for number, clip in enumerate(clips):
        sound = clip.with_suffix(".flac")
        truths.append(code(clip, folder / f"{number:02}.mp4", sound=sound if sound.is_file() else None))
    return truths


def copies(truths: list[Path], folder: Path) -> dict[str, list[Item]]:
    ways: dict[str, dict] = {
        "H.265": {"video": "libx265", "crf": 20}, "crf 28": {"crf": 28}, "MP3": {"audio": "libmp3lame"},
        "1 late": {"spoil": late(1)}, "5 late": {"spoil": late(5)}, "shuffled": {"spoil": shuffled},
        "blurred": {"spoil": blurred},
    }  # fmt: skip
    found = {"same": [Item(made=truth, truth=truth) for truth in truths]}
    for name, way in ways.items():
        place = folder / name.replace(" ", "-")
        place.mkdir()
        found[name] = [Item(made=code(truth, place / truth.name, **way), truth=truth) for truth in truths]
    if len(truths) > 1:
        found["another"] = [
            Item(made=other, truth=truth, portrait=None)
            for truth, other in zip(truths, [*truths[1:], truths[0]], strict=True)
            if abs(VideoReader(truth).info.fps - VideoReader(other).info.fps) < 0.02
        ]
    return found


def movement(items: list[Item], names: list[str] | None, kit: Kit) -> dict[str, float]:
    """How far each figure is from the truth's own, or the figure itself where there is no such."""
    evaluation = score(items, select_metrics(names), kit)
    found: dict[str, list[float]] = {}
    for report in evaluation.reports:
        for name, value in report.figures.items():
            true = None if report.truth is None else report.truth.figures.get(name)
            if value is not None and not isinstance(value, tuple):
                found.setdefault(name, []).append(value - (true or 0.0))
    moved = {name: float(np.median(values)) for name, values in found.items()}
    return moved | {name: float(value) for name, value in evaluation.figures.items()}


def over_a_frame(made: dict[str, list[Item]], kit: Kit) -> str:
    """What coding moves our sync figures by, over what a frame of delay does: means over the clips of the amounts."""
    names = ("sync_offset", "sync_timing_facediff", "sync_facediff")
    amounts: dict[tuple[str, str], float] = {}
    for way in (*CODED, "1 late"):
        reports = score(made[way], select_metrics(names), kit).reports
        for name in names:
            pairs = [(r.figures.get(name), r.truth.figures.get(name)) for r in reports if r.truth is not None]
            amounts[name, way] = float(np.mean([abs(a - b) for a, b in pairs if a is not None and b is not None]))
    lines = []
    for name in names:
        shares = (f"{way} {amounts[name, way] / amounts[name, '1 late']:.3f}" for way in CODED)
        lines.append(f"{name} moved by coding, over a frame of delay: {', '.join(shares)}")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=Path, nargs="*", default=[])
    parser.add_argument("--names", nargs="*", help="of metrics or groups; all by default")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        clips, names = arguments.clips, arguments.names
        if not clips:
            print(sample.NOTE)
            clips, names = sample.clips(folder, 1, seconds=3.0), names or ["lips", "sync", "temporal"]
        coded = folder / "coded"
        coded.mkdir()
        kit = Kit(FeatureCache(folder / "cache"))
        made = copies(with_sound(clips, coded), coded)
        table = {name: movement(items, names, kit) for name, items in made.items()}
        figures = list(dict.fromkeys(name for moved in table.values() for name in moved))
        print(f"{'figure':{NAME}}" + "".join(f"{name:>{CELL}}" for name in table))
        for figure in figures:
            cells = (format_figure(moved.get(figure)) or "-" for moved in table.values())
            print(f"{figure:{NAME}}" + "".join(f"{cell:>{CELL}}" for cell in cells))
        print(over_a_frame(made, kit))


if __name__ == "__main__":
    main()
