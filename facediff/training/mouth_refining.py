"""Trains the network that makes rendered mouths look filmed: on what a model renders of the moments of a face."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from facediff.datasets.recordings import Source, read_recordings
from facediff.errors import InputError
from facediff.models.checkpoints import own_or_base
from facediff.models.mouth_refiner import MouthRefiner
from facediff.pipelines.difftalk import DiffTalkPipeline
from facediff.pipelines.loading import TALK, open_pipeline
from facediff.rendering.inpainting.appearance_prior import load_appearance_prior
from facediff.rendering.inpainting.drawn import DrawnInpainter
from facediff.rendering.painting.mouth import MouthPainter, PaintSettings
from facediff.training.coarse_pairs import random_tones
from facediff.training.faces import build_face_cache
from facediff.training.feature_critic import FeatureCritic
from facediff.training.latents import to_pictures
from facediff.training.loop import Batch, LoopConfig, fit
from facediff.training.perceptual import PerceptualDistance, load_perceptual_distance
from facediff.training.rendered_mouths import build_rendered_mouths
from facediff.training.stages import save_network


@dataclass(frozen=True, kw_only=True)
class RefineRecipe:
    """What a step looks like.

    Attributes:
        batch_size: Mouths to a step.
        lacking: How much more often than others those are drawn of which much was not shown.
        around: Weight of a pixel around the lips over one between them.
        pixels: Of the mean absolute error, 0 to 2 from black to white.
        distance: Of ``PerceptualDistance``.
        realism: Of what the critic says: its gradient at a pixel over that of the two before (Esser et al., VQGAN,
            CVPR 2021, who balance at the last layer).
        loudest: The most that its gradient is made louder for that: a critic that knows nothing has next to none, and
            without a bound the pictures burst.
        warmup: Lessons of the critic before it is listened to, and over as many again more and more.
        balanced_every: Steps after which gradients are compared anew.
    """

    batch_size: int = 12
    lacking: float = 3.0
    around: float = 0.35
    pixels: float = 2.0
    distance: float = 0.5
    realism: float = 1.5
    loudest: float = 3.0
    warmup: int = 100
    balanced_every: int = 10


class RenderedDraw:
    """Draws batches of pairs, with tones and sides that vary.

    Args:
        pairs: What ``build_rendered_mouths`` made.
        recipe: What a step looks like.

    Raises:
        InputError: There are fewer pairs than a step takes.
    """

    def __init__(self, pairs: Mapping[str, NDArray], recipe: RefineRecipe) -> None:
        if len(pairs["lack"]) < recipe.batch_size:
            raise InputError(f"there are {len(pairs['lack'])} mouths to learn from; a step takes {recipe.batch_size}")
        self._pairs, self._size = pairs, recipe.batch_size
        weight = np.where(pairs["lack"][:, 0] > 0.3, recipe.lacking, 1.0)
        self._weight = weight / weight.sum()

    def __call__(self, rng: np.random.Generator) -> Batch:
        chosen = np.sort(rng.choice(len(self._weight), self._size, replace=False, p=self._weight))
        kept: dict[str, list[NDArray]] = {name: [] for name in ("made", "target", "lips", "mask")}
        for row in chosen:
            tones, is_mirrored = random_tones(rng), rng.random() < 0.5
            for name, some in kept.items():
                one = self._pairs[name][row]
                one = tones[one, [0, 1, 2]] if name in ("made", "target") else one
                mirrored = one[:, ::-1] if name != "lips" else one[:, :, ::-1]
                some.append(mirrored if is_mirrored else one)
        batch = {name: to_pictures(np.stack(kept[name])) for name in ("made", "target")}
        batch |= {name: torch.from_numpy(np.stack(kept[name])).float() / 255 for name in ("lips", "mask")}
        return {**batch, "mask": batch["mask"][:, None], "lack": torch.from_numpy(self._pairs["lack"][chosen])}


class RefiningLoss:
    """Fidelity, looks, and what a critic says that is told where lips are.

    Args:
        distance: Between pictures.
        recipe: What counts how much.
        seed: Of the critic.
    """

    def __init__(self, distance: PerceptualDistance, recipe: RefineRecipe, seed: int = 0) -> None:
        self._distance, self._recipe = distance, recipe
        channels = [each.shape[1] for each in distance.features(torch.zeros(1, 3, 32, 32))]
        self._critic = FeatureCritic(channels, conditions=2, warmup=recipe.warmup, seed=seed)
        self._balance: float | None = None
        self._steps = 0

    @property
    def companions(self) -> list[FeatureCritic]:
        """What the training loop is to keep the state of."""
        return [self._critic]

    def __call__(self, model: nn.Module, batch: Batch, generator: torch.Generator) -> tuple[Tensor, dict[str, float]]:
        """The loss of a step, and figures for the log."""
        recipe, real, mask, lips = self._recipe, batch["target"], batch["mask"], batch["lips"]
        self._distance.to(real.device)
        pictures = batch["made"].contiguous(memory_format=torch.channels_last)
        made = (batch["made"] + mask * model(pictures, lips, batch["lack"])).float()
        between = F.interpolate(lips[:, 1:], scale_factor=2, mode="bilinear")
        weight = mask * (recipe.around + (1 - recipe.around) * between)
        error = (weight * (made - real).abs()).sum() / (made.shape[1] * weight.sum()).clamp(min=1e-6)
        with torch.no_grad():
            wanted = self._distance.features(real)
        got = self._distance.features(made)
        apart = self._distance.compare(got, wanted, mask)
        value = recipe.pixels * error + recipe.distance * apart
        figures = {"error": float(error.detach()), "distance": float(apart.detach())}
        if torch.is_grad_enabled():
            figures["critic"] = self._critic.teach(wanted, got, lips, mask)
            if say := self._critic.say:
                fooled = self._critic.judge(got, lips, mask)
                balance = self._compare(value, fooled, made)
                value = value + say * recipe.realism * balance * fooled
                figures |= {"fooled": float(fooled.detach()), "balance": balance}
        return value, figures

    def _compare(self, value: Tensor, fooled: Tensor, made: Tensor) -> float:
        """How much harder fidelity pulls at the picture than the critic does, smoothed over time."""
        if self._balance is None or self._steps % self._recipe.balanced_every == 0:
            ours, theirs = (torch.autograd.grad(one, made, retain_graph=True)[0].norm() for one in (value, fooled))
            now = min(float(ours / (theirs + 1e-8)), self._recipe.loudest)
            self._balance = now if self._balance is None else 0.7 * self._balance + 0.3 * now
        self._steps += 1
        return self._balance


def run_mouth(
    catalog: Path | Source,
    cache: Path,
    model: Path,
    config: LoopConfig,
    *,
    licence: str = "permissive",
    pairs: int = 8000,
) -> None:
    """Trains what refines the mouths that a model paints and draws, and writes it to ``model/mouth``.

    They are those of ``model/difftalk`` where there is one, else of the embedded model, which can then use the refiner.

    Args:
        catalog: CSV as ``read_recordings`` wants it.
        cache: Folder for crops, and for what is rendered of them.
        model: Model folder to write to.
        config: How long, how fast.
        licence: As in ``read_recordings``.
        pairs: How many to render.

    Raises:
        MissingExtra: What judges pictures is not installed.
    """
    distance = load_perceptual_distance()  # refused before anything is rendered
    source = own_or_base(model)
    crops = build_face_cache(read_recordings(catalog, licence=licence), cache)
    painter = MouthPainter(open_pipeline(DiffTalkPipeline, TALK, "difftalk", source), PaintSettings())
    rules = DrawnInpainter(load_appearance_prior(source))
    made = build_rendered_mouths(crops, painter, rules, cache / "rendered-mouths", count=pairs, seed=config.seed)
    save_network(train_mouth_refiner(MouthRefiner(), made, distance, config), model / "mouth")


def train_mouth_refiner(
    network: MouthRefiner,
    pairs: Mapping[str, NDArray],
    distance: PerceptualDistance,
    config: LoopConfig,
    recipe: RefineRecipe = RefineRecipe(),
) -> MouthRefiner:
    """Trains a refiner; resumes a run found in ``config.output``.

    Args:
        network: To train.
        pairs: What ``build_rendered_mouths`` made.
        distance: Between pictures.
        config: How long, how fast.
        recipe: What a step looks like.

    Raises:
        InputError: There are fewer pairs than a step takes.
    """
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    loss = RefiningLoss(distance, recipe, config.seed)
    fit(network, RenderedDraw(pairs, recipe), loss, config, companions=loss.companions)
    return network
