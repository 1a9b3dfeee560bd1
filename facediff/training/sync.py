"""Trains the network that tells whether lips and speech belong together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from facediff.models.motion import MotionDenoiser
from facediff.models.sync import SyncNet
from facediff.motion.coefficients import lip_channels
from facediff.training.loop import Batch, LoopConfig, fit, unwrap
from facediff.training.motion import cumulate_weights, hear, mirror_motion
from facediff.training.motion_recording import MotionRecording

NEIGHBOURS = 1  # frames this near are neither right nor wrong


@dataclass(frozen=True, kw_only=True)
class SyncRecipe:
    """What a step looks like: ``batch_size`` stretches of ``frames``.

    Attributes:
        temperature: Divides cosines before the softmax over moments.
        noise: Added to the lips, in their deviations.
    """

    batch_size: int = 24
    frames: int = 56
    identity_power: float = 0.6
    temperature: float = 0.1
    noise: float = 0.1


class SyncDraw:
    """Draws stretches of lips with the speech features that belong to them, mirrored."""

    def __init__(self, clips: Sequence[MotionRecording], sounds: Sequence[Tensor | None], recipe: SyncRecipe) -> None:
        self._recipe, flip = recipe, mirror_motion()
        known = [(c, s) for c, s in zip(clips, sounds, strict=True) if s is not None and len(c.motion) >= recipe.frames]
        self._lips = [(lip_channels(c.motion), lip_channels(c.motion @ flip)) for c, _ in known]
        self._sounds = [s for _, s in known]
        self._cumulative = cumulate_weights([clip for clip, _ in known], recipe.identity_power)

    def __call__(self, rng: np.random.Generator) -> Batch:
        recipe = self._recipe
        picked = np.searchsorted(self._cumulative, rng.random(recipe.batch_size)).clip(max=len(self._lips) - 1)
        lips, speech = [], []
        for i in picked:
            own = self._lips[i][int(rng.random() < 0.5)]
            start = int(rng.integers(0, own.shape[1] - recipe.frames + 1))
            part = slice(start, start + recipe.frames)
            lips.append(own[:, part] + rng.normal(0, recipe.noise, (len(own), recipe.frames)))
            speech.append(self._sounds[i][:, part].float().numpy())
        return {
            "lips": torch.from_numpy(np.stack(lips).astype(np.float32)),
            "speech": torch.from_numpy(np.stack(speech)),
        }


def sync_loss(recipe: SyncRecipe):
    """Every moment of the lips must find its own moment of speech among those of the same stretch, and back.

    Source: van den Oord et al., "Representation Learning with Contrastive Predictive Coding" (2018), equation 4.
    """

    def loss(model: nn.Module, batch: Batch, generator: torch.Generator) -> tuple[Tensor, dict[str, float]]:
        net: SyncNet = unwrap(model)
        lips, speech = net.embed_lips(batch["lips"]), net.embed_speech(batch["speech"])
        likeness = torch.einsum("bdt,bds->bts", lips, speech) / recipe.temperature
        frames = likeness.shape[1]
        apart = (torch.arange(frames)[:, None] - torch.arange(frames)).abs().to(likeness.device)
        likeness = likeness.masked_fill((apart > 0) & (apart <= NEIGHBOURS), -1e4)
        right = torch.arange(frames, device=likeness.device).repeat(len(likeness))
        rows, columns = likeness.flatten(0, 1), likeness.mT.flatten(0, 1)
        found = (rows.argmax(1) == right).float().mean()
        return (F.cross_entropy(rows, right) + F.cross_entropy(columns, right)) / 2, {"found": float(found)}

    return loss


def train_sync(
    clips: Sequence[MotionRecording],
    config: LoopConfig,
    motion: MotionDenoiser,
    recipe: SyncRecipe = SyncRecipe(),
    sizes: dict | None = None,
) -> SyncNet:
    """Trains the sync network on the speech features of a motion model, which stays as it is; see ``train_motion``."""
    sounds = hear(motion, clips)
    net = SyncNet(**({"speech_dim": motion.config["features"]} | (sizes or {})))
    fit(net, SyncDraw(clips, sounds, recipe), sync_loss(recipe), config)
    return net
