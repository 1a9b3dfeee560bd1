"""Encodes clips, gives their people other identities, and prints how well that holds.

    python benchmarks/edit.py [--clips CLIP.mp4 ...] [--frames 16] [--judge FOLDER]

Without clips it runs on one rendered from the sample portrait, and leaves out what wants several people.

Tables of: reconstruction without an edit, by the paper's inversion, beside the codec's own round trip. Consistency of
edited frames: how alike neighbours (TL-ID) and all pairs (TG-ID) are by the identity encoder, over the source's own.
Attributes, by prototypes and by the identity vector: what a classifier says of edited frames that are encoded anew, in
deviations of what it says of the people as they are, as a mean of the others and one by one.
Swaps of identity and of noise. Cost. The identity encoder that judges is the model's own, so scores of different models
do not compare. The classifier is the model's as well, which knows three attributes; one that knows more is made by
``facediff train attributes CATALOG --model FOLDER`` in a copy of the model.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
import time
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import sample
import torch
from flop import count_flop
from skimage.metrics import structural_similarity

from facediff.evaluation.identity import coherence
from facediff.evaluation.motion import motion_correlation
from facediff.landmarks.tracker import track_face
from facediff.media import VideoReader
from facediff.pipelines.identity_editors import LinearEditor, TowardsEditor
from facediff.rendering.crops import as_levels, as_pictures
from facediff.rendering.editing.encoding import EncodedVideo, FaceViews, find_identity
from facediff.rendering.editing.face_view import FaceView, face_layout
from facediff.rendering.editing.glasses import NAME as GLASSES
from facediff.rendering.editing.glasses import GlassesEditor
from facediff.rendering.editing.identity import EditSettings, IdentityEditor, mask_region
from facediff.rendering.editing.methods import PROTOTYPE, make_method
from facediff.rendering.editing.prototypes import PrototypeEditor
from facediff.tasks import model_cache
from facediff.tasks.identity import by_prototype, regions_of
from facediff.types import Frame

STRENGTHS = (-1.0, -0.5, 0.0, 0.5, 1.0)
GLASSES_STRENGTHS = (0.0, 0.25, 0.5, 0.75, 1.0)
PAPER = {"seconds a frame (T=100, their GPU)": 5.8, "TFLOP a frame (T=1000)": 1540.0}


@dataclass
class Film:
    """Consecutive frames of a clip, and the faces in them."""

    name: str
    frames: list[Frame]
    views: FaceViews
    looks: list[FaceView]
    identity: np.ndarray


def read(path: Path, count: int, pipeline) -> Film | None:
    frames = list(islice(VideoReader(path), count))
    views = FaceViews(track_face(frames, float(VideoReader(path).info.fps)))
    looks = [view for index, frame in enumerate(frames) if (view := views(index, frame)) is not None]
    if len(looks) < len(frames):
        print(f"{path.stem}: no face in some frames, left out")
        return None
    return Film(path.stem, frames, views, looks, find_identity(pipeline, frames, views))


def heading(name: str, *columns: str) -> None:
    print(f"\n{name:30}" + "".join(f"{column:>12}" for column in columns))


def line(name: str, values) -> None:
    print(f"{name:30}" + "".join(f"{value:>12.4g}" if isinstance(value, float) else f"{value:>12}" for value in values))


def likeness(pictures: np.ndarray, truth: list[FaceView]) -> tuple[float, float]:
    """SSIM and mean squared error in [0, 1] of face crops."""
    pairs = [(made / 255.0, view.crop / 255.0) for made, view in zip(pictures.astype(np.float64), truth, strict=True)]
    ssim = np.mean([structural_similarity(a, b, channel_axis=2, data_range=1.0) for a, b in pairs])
    return float(ssim), float(np.mean([((a - b) ** 2).mean() for a, b in pairs]))


def reconstruction(pipeline, films: list[Film], steps: int) -> None:
    heading("reconstruction, no edit", "SSIM", "MSE", "codec SSIM", "codec MSE")
    rows = []
    for film in films:
        way, looks = make_method("inversion", pipeline, steps), film.looks[::4]
        latents, who = pipeline.latents(as_pictures([view.crop for view in looks])), torch.from_numpy(film.identity)
        with torch.inference_mode():
            _, remade = way.encode(latents, who, face_layout(looks))
            rows.append([
                value for each in (remade, latents) for value in likeness(as_levels(pipeline.decode(each)), looks)
            ])  # fmt: skip
        line(film.name[:28], rows[-1])
    line("mean", np.mean(rows, axis=0).tolist())


def edit(pipeline, film: Film, method: str, identity: torch.Tensor, regions: tuple[str, ...]) -> list[Frame]:
    video = EncodedVideo(make_method(method, pipeline), pipeline, film.identity, None)
    return list(
        IdentityEditor(pipeline, video, film.views, identity.numpy(), EditSettings(regions))(enumerate(film.frames))
    )


def identities(pipeline, film: Film, frames: list[Frame]) -> torch.Tensor:
    """(F, D) of frames, seen where the source's faces are."""
    looks = [film.views(index, frame) for index, frame in enumerate(frames)]
    return pipeline.identify(pipeline.latents(as_pictures([view.crop for view in looks])), face_layout(looks)).float()


def shaded(film: Film, name: str, strength: float) -> list[Frame]:
    """Frames edited by a prototype, or with glasses on."""
    if name == GLASSES:
        return list(GlassesEditor(film.views.track, strength)(enumerate(film.frames)))
    editor = PrototypeEditor(film.views.track, model_cache.load_prototypes("base"), {name: strength})
    return list(editor(enumerate(film.frames)))


def attributes(pipeline, classifier, judge, films: list[Film], method: str) -> None:
    names = judge.names
    with torch.inference_mode():
        told = torch.stack([judge(identities(pipeline, film, film.frames)).mean(0) for film in films])
    differ = told.std(0).numpy() if len(films) > 2 else np.ones(len(names))  # of few people, in the judge's own units
    heading(f"{method}: attribute", "never falls", "own", "others", "TL-ID", "TG-ID")
    each = {}
    for name in names if method == PROTOTYPE else classifier.names:
        regions, rows, changes = regions_of([name]), [], []
        strengths = GLASSES_STRENGTHS if name == GLASSES else STRENGTHS
        for film in films:
            who, own, scores = (
                torch.from_numpy(film.identity),
                coherence(identities(pipeline, film, film.frames).numpy()),
                [],
            )
            for strength in strengths:
                if method == PROTOTYPE:
                    frames = shaded(film, name, strength)
                else:
                    frames = edit(pipeline, film, method, LinearEditor(classifier, {name: strength})(who), regions)
                vectors = identities(pipeline, film, frames)
                with torch.inference_mode():
                    scores.append(judge(vectors).mean(0))
            held = [a / b for a, b in zip(coherence(vectors.numpy()), own, strict=True)]  # of the strongest
            moved = torch.stack(scores)
            place = names.index(name)
            rises = float((moved[1:, place] >= moved[:-1, place]).float().mean())  # who has no beard loses none
            change = (moved[-1] - moved[0]).numpy() / differ
            rows.append([rises, change[place], np.abs(np.delete(change, place)).mean(), *held])
            changes.append(change)
        line(name, [float(value) for value in np.mean(rows, axis=0)])
        each[name] = np.mean(changes, axis=0)
    heading(f"{method}: one by one", *names)
    for name, change in each.items():
        line(name, [float(value) for value in change])


def swaps(pipeline, films: list[Film], method: str) -> None:
    heading(f"{method}: identity swapped", "to other", "to own", "motion")
    rows = []
    for film, other in zip(films, [*films[1:], films[0]], strict=True):
        who = TowardsEditor(torch.from_numpy(other.identity))(torch.from_numpy(film.identity))
        frames = edit(pipeline, film, method, who, ("head",))
        gained = [
            (identities(pipeline, film, play_motion) @ torch.from_numpy(one.identity)).mean()
            for one, play_motion in itertools.product((other, film), (frames, film.frames))
        ]
        motion = motion_correlation(track_face(frames, 25.0), film.views.track)
        lips = np.nan if motion["lips"] is None else motion["lips"]  # they do not move in a few frames
        rows.append([float(gained[0] - gained[1]), float(gained[2] - gained[3]), lips])
    line("mean change of cosine", np.nanmean(rows, axis=0).tolist())


def noises(pipeline, films: list[Film]) -> None:
    """Another's noise under one's own identity and places: the background comes along, the person does not."""
    rows = []
    for film, other in zip(films, [*films[1:], films[0]], strict=True):
        way, looks, rest = make_method("inversion", pipeline), film.looks[:4], other.looks[:4]
        codes = [
            way.encode(
                pipeline.latents(as_pictures([v.crop for v in of])), torch.from_numpy(one.identity), face_layout(of)
            )
            for one, of in ((film, looks), (other, rest))
        ]
        made = way.edit(codes[1], torch.from_numpy(film.identity), face_layout(looks))
        faces = torch.from_numpy(np.stack([mask_region(view.points, ("face",)) for view in looks]))[:, None]
        small = torch.nn.functional.adaptive_avg_pool2d(faces, made.shape[-2:])
        for mask in (small, 1 - small):
            apart = [float(((made - code[1]) ** 2 * mask).sum() / mask.sum()) for code in codes]
            rows.append(apart[1] / (apart[0] + apart[1]))
    draw_mouth_interior, outside = np.array(rows).reshape(-1, 2).mean(0)
    heading("noise swapped", "face", "around")
    line("nearer to the noise's owner", [float(1 - draw_mouth_interior), float(1 - outside)])


def cost(pipeline, film: Film) -> None:
    looks, who = film.looks[:8], torch.from_numpy(film.identity)
    told, pictures = face_layout(looks), as_pictures([view.crop for view in looks])
    heading("cost of a frame", "ms encode", "ms edit", "calls", "TFLOP", "paper / us")
    calls: list[int] = []
    hook = pipeline.unet.register_forward_hook(lambda *_: calls.append(1))
    for method in ("delta", "inversion"):
        way = make_method(method, pipeline)
        calls.clear()
        with torch.inference_mode(), count_flop() as counter:
            pipeline.decode(way.edit(way.encode(pipeline.latents(pictures), who, told), who, told))
        count, flop = len(calls), counter.get_total_flops() / len(looks) / 1e12
        with torch.inference_mode():
            began = time.perf_counter()
            codes = way.encode(pipeline.latents(pictures), who, told)
            encoded = time.perf_counter()
            pipeline.decode(way.edit(codes, who, told))
            done = time.perf_counter()
        times = [1000 * seconds / len(looks) for seconds in (encoded - began, done - encoded)]
        line(method, [*times, count, flop, PAPER["TFLOP a frame (T=1000)"] / flop])
    hook.remove()
    print("the paper:", ", ".join(f"{value:g} {name}" for name, value in PAPER.items()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=Path, nargs="*", default=[])
    parser.add_argument("--frames", type=int, default=16, help="consecutive ones of each clip")
    parser.add_argument("--steps", type=int, default=20, help="of the inversion")
    parser.add_argument("--model", default="base")
    parser.add_argument("--judge", type=Path, help="a model folder whose attributes say what edited frames show")
    arguments = parser.parse_args()
    pipeline, classifier = model_cache.load_autoencoder(arguments.model, torch.device("cpu"))
    with tempfile.TemporaryDirectory() as scratch:
        if not arguments.clips:
            print(sample.NOTE)
            arguments.clips = sample.clips(Path(scratch), 1, seconds=2.0)
        films = [film for path in arguments.clips if (film := read(path, arguments.frames, pipeline)) is not None]
    reconstruction(pipeline, films, arguments.steps)
    judge = classifier
    if arguments.judge is not None:
        _, wise = model_cache.load_autoencoder(str(arguments.judge), torch.device("cpu"))
        judge = wise.select([name for name in by_prototype("base") if name in wise.names])
    for method in (PROTOTYPE, "delta"):
        attributes(pipeline, classifier, judge, films, method)
    if len(films) > 1:
        for method in ("delta", "inversion"):
            swaps(pipeline, films, method)
        noises(pipeline, films)
    cost(pipeline, films[0])


if __name__ == "__main__":
    main()
