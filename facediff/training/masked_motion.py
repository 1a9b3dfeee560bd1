"""Trains the masked motion denoiser on clips with and without their sound."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from diffusers import DDIMScheduler
from numpy.typing import NDArray
from torch import Tensor, nn

from facediff.models.masked_motion import MaskedMotionDenoiser, MotionContext
from facediff.models.motion import MotionDenoiser
from facediff.motion import coefficients
from facediff.motion.manner import measure_manner, steady
from facediff.pipelines.speech_motion import MotionPipeline
from facediff.training.loop import Batch, LoopConfig, fit, unwrap
from facediff.training.motion import (
    cumulate_weights,
    hear,
    measure_statistics,
    mirror_motion,
    motion_schedule,
    resample_rows,
)
from facediff.training.motion_masks import MOUTH, draw_mask
from facediff.training.motion_recording import MotionRecording

Mouths = NDArray[np.float16]  # (N, T, 31): N motions of a clip's sound, of which the mouth counts
STRIDES = (1, 2, 3, 5)  # frames of 25 a second to one of what is learnt, which is told its rate


@dataclass(frozen=True, kw_only=True)
class MaskedMotionRecipe:
    """What a step looks like.

    Attributes:
        windows: (rows, frames) that steps are made of by turns.
        made_share: Of windows whose mouth is given throughout and is heard, those whose mouth is what a motion model
            makes of the sound. Heads are made beside such mouths, which move otherwise than filmed ones do.
        alone_share: Of steps whose frames are clips of their own (VDM's joint training).
        stride_shares: How often each of ``STRIDES`` is drawn.
        sound_dropout: Share of windows whose sound is hidden.
        manner_dropout: Share whose manner is not told.
        noise_share: Share of windows whose given frames are noised, by a variance up to ``most_noise``.
        most_noise: See ``noise_share``.
        identity_power: People weigh as their footage to this power.
    """

    windows: tuple[tuple[int, int], ...] = ((14, 64), (5, 192))
    made_share: float = 0.7
    alone_share: float = 0.08
    stride_shares: tuple[float, ...] = (0.7, 0.1, 0.1, 0.1)
    sound_dropout: float = 0.2
    manner_dropout: float = 0.15
    noise_share: float = 0.5
    most_noise: float = 0.25
    identity_power: float = 0.5


class MaskedMotionDraw:
    """Draws stretches of clips with what is given of them, mirrored and at several rates.

    Args:
        clips: What to draw from, steady.
        sounds: Of each clip, the speech features (F, T), or None.
        features: How many these are.
        model: The one that learns, for its statistics.
        recipe: How.
        mouths: Of each clip, what ``sample_mouths`` gives, or None.
    """

    def __init__(
        self,
        clips: Sequence[MotionRecording],
        sounds: Sequence[Tensor | None],
        features: int,
        model: MaskedMotionDenoiser,
        recipe: MaskedMotionRecipe,
        mouths: Sequence[Mouths | None] | None = None,
    ) -> None:
        self._clips, self._sounds, self._recipe, self._features = clips, sounds, recipe, features
        self._mouths = mouths or [None] * len(clips)
        self._manners = np.stack([normalise_manner(model, measure_manner(c.motion)) for c in clips])
        self._cumulative = cumulate_weights(clips, recipe.identity_power)
        self._flip = mirror_motion()

    def __call__(self, rng: np.random.Generator) -> Batch:
        recipe = self._recipe
        rows, frames = recipe.windows[int(rng.integers(len(recipe.windows)))]
        picked = np.searchsorted(self._cumulative, rng.random(rows)).clip(max=len(self._clips) - 1)
        stride = int(rng.choice(STRIDES, p=recipe.stride_shares))
        alone = rng.random() < recipe.alone_share
        nothing = np.zeros((coefficients.DIMENSIONS, frames), np.float32)
        masks = [nothing if alone else draw_mask(rng, frames) for _ in picked]
        motions = [self._motion(int(i), mask, rng) for i, mask in zip(picked, masks, strict=True)]
        parts = [
            self._window(motion, self._sounds[i], frames, stride, rng)
            for i, motion in zip(picked, motions, strict=True)
        ]
        motion, speech, valid = (torch.from_numpy(np.stack(column)) for column in zip(*parts, strict=True))
        spoken = np.array([self._sounds[i] is not None for i in picked])
        noised = (rng.random(rows) < recipe.noise_share) * rng.uniform(0, recipe.most_noise, rows)
        return {
            "motion": motion,
            "speech": speech,
            "valid": valid,
            "mask": torch.from_numpy(np.stack(masks)),
            "heard": torch.from_numpy(spoken & (rng.random(rows) >= recipe.sound_dropout)),
            "rate": torch.full((rows,), coefficients.MOTION_FPS / stride),
            "noise_level": torch.from_numpy(noised.astype(np.float32)),
            "manner": torch.from_numpy(self._manners[picked]),
            "known_manner": torch.from_numpy(rng.random(rows) >= recipe.manner_dropout),
            "alone": torch.tensor(alone),
        }

    def _motion(self, number: int, mask: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
        """The motion (T, 31) of a clip, by a share with a made mouth, where the mouth is given and not to be learnt."""
        motion, mouths = self._clips[number].motion, self._mouths[number]
        if mouths is None or not all(mask[part].all() for part in MOUTH) or rng.random() >= self._recipe.made_share:
            return motion
        motion, made = motion.copy(), mouths[int(rng.integers(len(mouths)))]
        for part in MOUTH:
            motion[:, part] = made[:, part]
        return motion

    def _window(
        self,
        motion: NDArray[np.float32],
        sound: Tensor | None,
        size: int,
        stride: int,
        rng: np.random.Generator,
    ) -> tuple[NDArray, ...]:
        """Motion (31, size), speech (F, size) and (size,) what of it is of the clip."""
        pace = rng.uniform(0.9, 1.11) if rng.random() < 0.3 else 1.0
        need = int(np.ceil((size - 1) * stride * pace)) + 1
        start = int(rng.integers(0, max(1, len(motion) - need + 1)))
        piece = motion[start : start + need]
        speech = np.zeros((len(piece), self._features), np.float32)
        if sound is not None:
            speech[: sound.shape[1] - start] = sound[:, start : start + len(piece)].float().numpy().T
        count = min(size, 1 + int((len(piece) - 1) / (stride * pace)))
        at = np.linspace(0, min(len(piece) - 1, (count - 1) * stride * pace), count)
        piece, speech = resample_rows(piece, at), resample_rows(speech, at)
        if rng.random() < 0.5:
            piece = piece @ self._flip
        pad = ((0, size - count), (0, 0))
        valid = (np.arange(size) < count).astype(np.float32)
        piece, speech = np.pad(piece, pad, mode="edge"), np.pad(speech, pad)
        return np.ascontiguousarray(piece.T, np.float32), np.ascontiguousarray(speech.T, np.float32), valid


CHANNEL_WEIGHT = np.full(coefficients.DIMENSIONS, 0.3, np.float32)
CHANNEL_WEIGHT[coefficients.ANGLES] = CHANNEL_WEIGHT[coefficients.SHIFT] = 1.0
CHANNEL_WEIGHT[coefficients.GAZE] = CHANNEL_WEIGHT[coefficients.BROWS] = 0.6


def masked_motion_schedule() -> DDIMScheduler:
    """Cosine noise levels; the network predicts velocities."""
    return motion_schedule("v_prediction")


def masked_motion_loss(scheduler: DDIMScheduler):
    """Squared error of the velocity where motion is not given."""
    weight = torch.from_numpy(CHANNEL_WEIGHT)[:, None]

    def loss(model: nn.Module, batch: Batch, generator: torch.Generator) -> tuple[Tensor, dict[str, float]]:
        net: MaskedMotionDenoiser = unwrap(model)
        clean = (batch["motion"] - net.mean) / net.std
        noise = torch.randn(clean.shape, generator=generator, device=clean.device)
        timesteps = torch.randint(
            scheduler.config.num_train_timesteps, (len(clean),), generator=generator, device=clean.device
        )
        noisy = scheduler.add_noise(clean, noise, timesteps)
        wanted = scheduler.get_velocity(clean, noise, timesteps)
        level = batch["noise_level"][:, None, None]
        fresh = torch.randn(clean.shape, generator=generator, device=clean.device)
        mask = batch["mask"]
        context = MotionContext(
            given=((1 - level).sqrt() * clean + level.sqrt() * fresh) * mask,
            mask=mask,
            **{k: batch[k] for k in ("speech", "heard", "rate", "noise_level", "manner", "known_manner")},
        )
        got = model(noisy, timesteps, context, alone=bool(batch["alone"]))
        counts = weight.to(clean.device) * batch["valid"][:, None] * (1 - mask)
        error = (counts * (got - wanted).pow(2)).sum() / counts.sum().clamp(min=1.0)
        return error, {}

    return loss


def normalise_manner(model: MaskedMotionDenoiser, manner: NDArray[np.floating]) -> NDArray[np.float32]:
    """A manner as the network is told it."""
    mean, std = (np.asarray(model.config[name], np.float32) for name in ("manner_mean", "manner_std"))
    return ((manner - mean) / std).astype(np.float32)


def measure_manners(clips: Sequence[MotionRecording]) -> tuple[list[float], list[float]]:
    """Mean and deviation of each number of a manner, people weighing alike."""
    people: dict[str, list[NDArray[np.float32]]] = defaultdict(list)
    for clip in clips:
        people[clip.identity].append(measure_manner(clip.motion))
    own = np.stack([np.mean(rows, axis=0) for rows in people.values()])
    return own.mean(axis=0).tolist(), (own.std(axis=0) + 1e-3).tolist()


def sample_mouths(talking: MotionPipeline, clips: Sequence[MotionRecording], *, count: int = 3) -> list[Mouths | None]:
    """Of each clip, motions that a motion model makes of its sound, by seeds from 0; None where it has no sound."""
    return [
        None
        if clip.heard is None
        else np.stack([talking.sample_heard(clip.heard.astype(np.float32), seed=k) for k in range(count)]).astype(
            np.float16
        )
        for clip in clips
    ]


def train_masked_motion(
    clips: Sequence[MotionRecording],
    hearing: MotionDenoiser,
    config: LoopConfig,
    recipe: MaskedMotionRecipe = MaskedMotionRecipe(),
    sizes: dict | None = None,
    mouths: Sequence[Mouths | None] | None = None,
) -> MaskedMotionDenoiser:
    """Trains the masked denoiser; resumes a run found in ``config.output``.

    Args:
        clips: What to learn from.
        hearing: The motion model by whose principal components it hears.
        config: How long and how fast.
        recipe: What a step looks like.
        sizes: Arguments of ``MaskedMotionDenoiser``.
        mouths: Of each clip, what ``sample_mouths`` gives; None to learn from filmed mouths alone.
    """
    calm = [replace(c, motion=steady(c.motion)) for c in clips]
    mean, std = measure_statistics(calm)
    manner_mean, manner_std = measure_manners(calm)
    model = MaskedMotionDenoiser(
        **{name: hearing.config[name] for name in ("speech_dim", "audio_tokens", "audio_encoder", "features")},
        motion_mean=mean,
        motion_std=std,
        manner_mean=manner_mean,
        manner_std=manner_std,
        **(sizes or {}),
    )
    model.principal.load_state_dict(hearing.principal.state_dict())
    draw = MaskedMotionDraw(calm, hear(hearing, clips), hearing.config["features"], model, recipe, mouths)
    fit(model, draw, masked_motion_loss(masked_motion_schedule()), config)
    return model
