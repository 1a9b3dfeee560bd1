"""From footage to a domain model: a small denoiser of its own, or changes of the large one, of low rank or in time."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from diffusers import UNet2DConditionModel

from facediff.audio.encoder import load_encoder
from facediff.conditioning.captions import CaptionEncoder, split_words
from facediff.datasets.footage import read_caption, read_footage
from facediff.errors import ConfigError, InputError, MissingExtra, OutputError
from facediff.models.checkpoints import open_network
from facediff.models.difftalk import base_schedule
from facediff.models.inflation import InflatedUNet, inflate
from facediff.models.space_time import small_space_time
from facediff.pipelines.adapted_talk import AdaptedTalkPipeline
from facediff.pipelines.difftalk import DiffTalkPipeline
from facediff.pipelines.domains import LORA_FILE, METHODS, ONE_SHOT, TEMPORAL, DomainCard, base_hash, write_domain
from facediff.pipelines.loading import load_prior, load_talk
from facediff.pipelines.video_adapter import Mix
from facediff.training.difftalk import Denoiser
from facediff.training.loop import LoopConfig, fit
from facediff.training.runs import FRAMES, build_runs
from facediff.training.sampling_error import sampling_error
from facediff.training.space_time import ClipModel, RunDraw, RunRecipe, RunSource, run_loss, train_clips
from facediff.training.stages import save_network

HELD_OUT = 0.1  # share of each video's runs, its last, that is measured on
LEAST_RUNS = {"small": 12, "lora": 12, ONE_SHOT: 3}  # about four seconds of a face; Tune-A-Video's 24 frames
STRENGTHS = (0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0)
FRAMES_A_SECOND = 25.0
USUAL_STRENGTH = 0.5  # where nothing could be held out
LEARNING_RATES = {"small": 2e-3, "lora": 1e-3, ONE_SHOT: 3e-4}
LORA_TARGETS = ["to_q", "to_k", "to_v", "to_out.0", "ff.net.0.proj", "ff.net.2", "conv1", "conv2"]


@dataclass(frozen=True, kw_only=True)
class AdaptRecipe:
    """How a domain model is made.

    Attributes:
        method: ``small``, a denoiser of its own to be composed with the prior; ``lora``, low-rank changes in the
            large one, which then is one model; or ``one-shot``, that with layers along time, tuned on one clip.
        steps: Optimiser steps.
        batch_size: Runs of eight frames to a step.
        learning_rate: Peak of the cosine schedule.
        rank: Of the changes, for ``lora``.
        mixed_precision: ``no``, ``bf16`` or ``fp16``.
        seed: Of everything.
    """

    method: str = "small"
    steps: int = 1500
    batch_size: int = 3
    learning_rate: float = 2e-3
    rank: int = 8
    mixed_precision: str = "no"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise ConfigError(f"a domain model is made by one of {', '.join(METHODS)}, not {self.method!r}")
        if self.rank < 1 or self.batch_size < 1:
            raise ConfigError("rank and batch size are at least 1")


def adapt(
    footage: Path,
    output: Path,
    recipe: AdaptRecipe,
    *,
    model: str = "base",
    name: str | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> DomainCard:
    """Trains a domain model on a folder of videos and writes it to ``output``.

    What is done lies in a folder ``output``.work beside it until all is: run again, it goes on from there and ends at
    the same weights.

    Args:
        footage: Folder of videos of one person or one style, or one video; a caption may lie beside each, as NAME.txt.
        output: Folder to be made.
        recipe: How.
        model: The base that it is to go with: ``base``, or a model folder.
        name: Of the domain; that of the output by default.
        progress: Called with what is being done, how far it is and how far it goes.

    Returns:
        The card that was written.

    Raises:
        InputError: There is no footage, or too little of a face in it.
        OutputError: The output is there already, cannot be written, or its work folder is of another adaptation.
        WeightsError: There is no such model.
    """
    if output.exists():
        raise OutputError(f"{output} is there already; choose another name for the domain model")
    clips = read_footage(footage)
    if recipe.method == ONE_SHOT and len(clips) > 1:
        raise InputError(f"one-shot is of one clip, and {footage} holds {len(clips)}; give one of them")
    base = base_hash(model, recipe.method)
    work = output.with_name(output.name + ".work")
    claim_work(work, {"recipe": asdict(recipe), "base": base, "files": {c.name: c.path.stat().st_size for c in clips}})
    _, painting = load_talk(model, "cpu")
    painting.to(torch.float32)  # to be trained, whatever precision this CPU renders in
    if recipe.method == ONE_SHOT:  # layers along time know their network by its very weights
        painting.register_modules(unet=open_network(UNet2DConditionModel, model, "difftalk/unet"))
    config = painting.conditioner.config
    encoder = load_encoder(config["audio_encoder"], tokens=config["audio_columns"])
    say = progress or (lambda what, done, total: None)
    runs = build_runs(
        clips, work, painting.codec, encoder, seed=recipe.seed, progress=lambda k, n: say("reading the footage", k, n)
    )
    sources = [
        RunSource(runs[c.name], len(runs[c.name]), c.sound is not None, read_caption(c))
        for c in clips
        if c.name in runs
    ]
    count = sum(len(source.runs) for source in sources)
    if count < (least := LEAST_RUNS[recipe.method]):
        raise InputError(
            f"{footage} shows a face in {count * FRAMES} frames only; {least * FRAMES} are needed at least, and "
            "minutes of it are better"
        )
    shown, kept = hold_out(sources)
    loop = LoopConfig(
        output=work / "run", steps=recipe.steps, learning_rate=recipe.learning_rate, seed=recipe.seed,
        mixed_precision=recipe.mixed_precision, save_every=100, log_every=20,
        progress=lambda k, n: say("training", k, n),
    )  # fmt: skip
    began = time.monotonic()
    torch.manual_seed(recipe.seed)
    trained = TRAIN[recipe.method](painting, shown, loop, recipe)
    minutes = round((time.monotonic() - began) / 60, 1)
    figures, strength = _judge(trained, painting, model, kept, lambda k, n: say("measuring", k, n))
    seconds = sum(len(source.runs) for source in shown) * FRAMES / FRAMES_A_SECOND
    card = DomainCard(
        name=name or output.name, method=recipe.method, base_sha256=base, prior_strength=strength, clips=len(sources),
        seconds=round(seconds, 1), steps=recipe.steps, minutes=minutes, figures=figures,
    )  # fmt: skip
    with write_domain(output, card) as folder:
        _save(trained, folder)
    shutil.rmtree(work, ignore_errors=True)
    return card


def _save(trained: ClipModel | Denoiser, folder: Path) -> None:
    """Writes what was learnt, laid out as ``facediff.pipelines.domains`` says."""
    if isinstance(trained, Denoiser):
        trained.unet.save_lora_adapter(folder / "lora", weight_name=LORA_FILE)
    elif isinstance(trained.unet, InflatedUNet):
        trained.unet.half().save_pretrained(folder / TEMPORAL)
    else:
        save_network(trained.unet, folder / "small")
        save_network(trained.captions, folder / "captions")


def hold_out(sources: Sequence[RunSource]) -> tuple[list[RunSource], list[RunSource]]:
    """Each clip's runs but the last tenth, and that tenth; of a single run all is in the first part."""
    shown, kept = [], []
    for source in sources:
        count = len(source.runs)
        held = max(1, round(HELD_OUT * count)) if count > 1 else 0
        shown.append(replace(source, runs=source.runs.rows(slice(0, count - held)), weight=float(count - held)))
        if held:
            kept.append(replace(source, runs=source.runs.rows(slice(count - held, count))))
    return shown, kept


def train_small(
    painting: DiffTalkPipeline, sources: Sequence[RunSource], loop: LoopConfig, recipe: AdaptRecipe
) -> ClipModel:
    """A small denoiser of clips that is given what DiffTalk's is given."""
    conditioner = painting.conditioner
    words = sorted({word for source in sources for word in split_words(source.caption)})
    extra = painting.unet.config["in_channels"] - painting.unet.config["out_channels"]
    small = small_space_time(painting.unet.config["out_channels"], extra)
    model = ClipModel(small, conditioner, CaptionEncoder(words))
    steps = RunRecipe(batch_size=recipe.batch_size)
    trained = train_clips(model, RunDraw(sources, model.captions, steps), base_schedule(), loop, steps)
    return trained.to(painting.codec.device)  # from wherever it was trained


def train_lora(
    painting: DiffTalkPipeline, sources: Sequence[RunSource], loop: LoopConfig, recipe: AdaptRecipe
) -> Denoiser:
    """DiffTalk's own denoiser with low-rank changes, in place.

    Raises:
        MissingExtra: peft is not installed.

    Source: Hu et al., "LoRA" (ICLR 2022), through peft.
    """
    try:
        from peft import LoraConfig
    except ImportError as error:
        raise MissingExtra("peft", "lora", "the method lora") from error
    unet, conditioner = painting.unet.requires_grad_(False), painting.conditioner.requires_grad_(False)
    unet.add_adapter(LoraConfig(r=recipe.rank, lora_alpha=recipe.rank, target_modules=LORA_TARGETS))
    steps = RunRecipe(batch_size=recipe.batch_size)
    draw = RunDraw(sources, CaptionEncoder(), steps)
    model = Denoiser(unet.train(), conditioner)
    fit(model, draw, run_loss(base_schedule(), steps, conditioner.config["residual_scale"]), loop)
    return model.to(painting.codec.device)


def train_one_shot(
    painting: DiffTalkPipeline, sources: Sequence[RunSource], loop: LoopConfig, recipe: AdaptRecipe
) -> ClipModel:
    """DiffTalk's denoiser with Tune-A-Video's attention: its queries and the layers along time are tuned on one clip.

    Source: Wu et al., "Tune-A-Video: One-Shot Tuning of Image Diffusion Models for Text-to-Video Generation"
    (ICCV 2023), section 4.2.
    """
    clips = inflate(painting.unet, "tune-a-video").freeze_pictures()
    words = CaptionEncoder(()).requires_grad_(False)
    steps = RunRecipe(batch_size=recipe.batch_size)
    model = ClipModel(clips.train(), painting.conditioner, words)
    trained = train_clips(model, RunDraw(sources, words, steps), base_schedule(), loop, steps)
    return trained.to(painting.codec.device)


TRAIN: Mapping[str, Callable[..., ClipModel | Denoiser]] = {
    "small": train_small,
    "lora": train_lora,
    ONE_SHOT: train_one_shot,
}


def _judge(
    trained: ClipModel | Denoiser,
    painting: DiffTalkPipeline,
    model: str,
    kept: Sequence[RunSource],
    progress: Callable[[int, int], None],
) -> tuple[dict[str, float], float]:
    """Errors of sampled latents on footage held out, by the prior's strength, and the best strength."""
    if not kept:
        return {}, USUAL_STRENGTH
    if isinstance(trained, ClipModel) and isinstance(trained.unet, InflatedUNet):
        progress(0, 2)
        figures = {"prior": sampling_error(painting, kept)}
        progress(1, 2)
        painting.register_modules(unet=trained.unet.eval())
        figures = {ONE_SHOT: sampling_error(painting, kept), **figures}
        progress(2, 2)
        return figures, 0.0
    if isinstance(trained, Denoiser):
        trained.unet.eval()
        progress(0, 2)
        figures = {"lora": sampling_error(painting, kept)}
        trained.unet.disable_adapters()
        progress(1, 2)
        figures["prior"] = sampling_error(painting, kept)
        trained.unet.enable_adapters()
        progress(2, 2)
        return figures, 0.0
    prior, words = load_prior(model, painting)
    mixed = AdaptedTalkPipeline(
        painting.codec, prior, painting.conditioner, painting.scheduler, trained.unet.eval(), trained.captions, words
    )
    errors = {}
    for done, strength in enumerate(STRENGTHS):
        progress(done, len(STRENGTHS))
        errors[strength] = sampling_error(mixed.with_mix(Mix(strength=strength)), kept)
    progress(len(STRENGTHS), len(STRENGTHS))
    return {f"strength {s:g}": error for s, error in errors.items()}, min(STRENGTHS, key=errors.__getitem__)


def claim_work(work: Path, about: dict[str, object]) -> None:
    """Makes the work folder, or refuses one that was begun otherwise.

    Args:
        work: Where what is done lies until all is.
        about: What is to be the same.

    Raises:
        OutputError: It is another's, or cannot be written.
    """
    path, told = work / "about.json", json.dumps(about, indent=1, sort_keys=True)
    if work.exists() and not (path.is_file() and path.read_text(encoding="utf-8") == told):
        raise OutputError(
            f"{work} was begun with other footage or settings; go on with those, delete it, or choose another name"
        )
    try:
        work.mkdir(parents=True, exist_ok=True)
        path.write_text(told, encoding="utf-8")
    except OSError as error:
        raise OutputError(f"{work} cannot be written: {error.strerror or error}") from error
