"""Trains the motion model on clips whose sound matches the lips."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from diffusers import DDIMScheduler
from numpy.typing import NDArray
from torch import Tensor, nn

from facediff.models.motion import MotionDenoiser
from facediff.motion import coefficients
from facediff.training.loop import Batch, LoopConfig, fit, unwrap
from facediff.training.motion_recording import MotionRecording, weigh_people
from facediff.training.reliability import weigh_recordings


@dataclass(frozen=True, kw_only=True)
class MotionRecipe:
    """What a step looks like.

    Attributes:
        batch_size: Windows to a step, of ``frames`` motion frames each.
        audio_dropout: Share of windows whose sound is hidden.
        identity_power: People weigh as their footage to this power.
        penalty: Of the ridge regression from sound to the mean motion.
    """

    batch_size: int = 24
    frames: int = 64
    audio_dropout: float = 0.1
    identity_power: float = 0.5
    penalty: float = 1.0

    @property
    def least(self) -> int:
        """Frames of the shortest clip that is drawn from."""
        return self.frames // 2


def cumulate_weights(clips: Sequence[MotionRecording], power: float) -> NDArray[np.float64]:
    """(N,) rising to 1: clips weigh as their lengths and weights, and people as their footage to that power."""
    lengths = np.array([len(clip.motion) for clip in clips])
    weight = lengths * weigh_people(clips, power) * [clip.weight for clip in clips]
    return np.cumsum(weight / weight.sum())


class MotionDraw:
    """Draws stretches of clips, mirrored and stretched in time.

    Args:
        clips: What to draw from.
        recipe: How.
        sounds: Of each clip, the speech features (F, T), or None.
    """

    def __init__(self, clips: Sequence[MotionRecording], recipe: MotionRecipe, sounds: Sequence[Tensor | None]) -> None:
        long = [i for i, c in enumerate(clips) if len(c.motion) >= recipe.least]
        self._clips = [clips[i] for i in long]
        self._sounds = [sounds[i] for i in long]
        self._features = max(len(s) for s in sounds if s is not None)
        self._recipe = recipe
        self._cumulative = cumulate_weights(self._clips, recipe.identity_power)
        self._flip = mirror_motion()

    def __call__(self, rng: np.random.Generator) -> Batch:
        at = np.searchsorted(self._cumulative, rng.random(self._recipe.batch_size))
        picked = at.clip(max=len(self._clips) - 1)
        rows = [self._window(self._clips[i], self._sounds[i], rng) for i in picked]
        motion, speech, heard, valid = (torch.from_numpy(np.stack(column)) for column in zip(*rows, strict=True))
        spoken = torch.tensor([self._sounds[i] is not None for i in picked])
        return {"motion": motion, "speech": speech, "heard": heard, "valid": valid, "spoken": spoken}

    def _window(self, clip: MotionRecording, sound: Tensor | None, rng: np.random.Generator) -> tuple[NDArray, ...]:
        size = self._recipe.frames
        speed = rng.uniform(0.85, 1.18) if rng.random() < 0.5 else 1.0
        need = int(np.ceil(size * speed))
        start = int(rng.integers(0, max(1, len(clip.motion) - need + 1)))
        piece = clip.motion[start : start + need]
        speech = np.zeros((self._features, need), np.float32)
        if sound is not None:
            speech[:, : len(piece)] = sound[:, start : start + need].float().numpy()
        valid = np.ones(len(piece), np.float32)
        if len(piece) < need:
            pad = need - len(piece)
            piece = np.pad(piece, ((0, pad), (0, 0)), mode="edge")
            valid = np.pad(valid, (0, pad))
        if need != size:
            at = np.linspace(0, need - 1, size)
            piece = resample_rows(piece, at)
            speech = resample_rows(speech.T, at).T
            valid = (resample_rows(valid[:, None], at)[:, 0] > 0.99).astype(np.float32)
        if rng.random() < 0.5:
            piece = piece @ self._flip
        heard = sound is not None and rng.random() >= self._recipe.audio_dropout
        return piece.T.astype(np.float32), np.ascontiguousarray(speech, np.float32), np.array(heard), valid


def resample_rows(rows: NDArray[np.floating], at: NDArray[np.floating]) -> NDArray[np.floating]:
    """Rows (T, D) at moments (n,), counted in rows, by linear interpolation."""
    low = np.floor(at).astype(int)
    high = np.minimum(low + 1, len(rows) - 1)
    share = (at - low)[:, None]
    return rows[low] * (1 - share) + rows[high] * share


@torch.no_grad()
def hear(model: MotionDenoiser, clips: Sequence[MotionRecording]) -> list[Tensor | None]:
    """The model's speech features (F, T), float16, of each clip; None where it has no sound."""
    return [
        None if clip.heard is None else model.encode_speech(torch.from_numpy(clip.heard).float()[None])[0].half()
        for clip in clips
    ]


@torch.no_grad()
def solve_principal_components(model: MotionDenoiser, clips: Sequence[MotionRecording], recipe: MotionRecipe) -> None:
    """Solves what the model hears: principal components of the encoder's features, people weighing by their footage.

    Each feature counts in its own deviation, and components come out with unit deviation over the clips.
    """
    spoken = [(clip.identity, torch.from_numpy(clip.heard).double()) for clip in clips if clip.heard is not None]
    footage: dict[str, int] = defaultdict(int)
    for identity, rows in spoken:
        footage[identity] += len(rows)
    everything = torch.cat([rows for _, rows in spoken])
    centre, spread = everything.mean(dim=0), everything.std(dim=0) + 1e-3
    weight = torch.cat([torch.full((len(r),), footage[i] ** (recipe.identity_power - 1)) for i, r in spoken])
    scaled = (everything - centre) / spread
    _, directions = torch.linalg.eigh(scaled.T @ (scaled * weight[:, None].double()))
    chosen = directions.flip(1)[:, : model.config["features"]]
    deviation = (scaled @ chosen).std(dim=0)
    chosen = chosen / deviation.clamp(min=1e-3 * float(deviation.max()))  # little footage says less than is asked for
    matrix = chosen.T / spread
    model.principal.weight.copy_(matrix)
    model.principal.bias.copy_(-matrix @ centre)


@torch.no_grad()
def solve_mean_motion(
    model: MotionDenoiser, clips: Sequence[MotionRecording], sounds: Sequence[Tensor | None], recipe: MotionRecipe
) -> None:
    """Solves the model's mean motion given sound: ridge regression, over the clips' motion about its own mean."""
    spoken = [(clip, sound) for clip, sound in zip(clips, sounds, strict=True) if sound is not None]
    people = weigh_people([clip for clip, _ in spoken], recipe.identity_power)
    inputs, taps = model.config["features"], model.usual.kernel_size[0]
    square = torch.zeros(inputs * taps, inputs * taps, dtype=torch.float64)
    cross = torch.zeros(inputs * taps, coefficients.DIMENSIONS, dtype=torch.float64)
    total = 0.0
    for (clip, sound), of_person in zip(spoken, people, strict=True):
        rows = nn.functional.pad(sound.float(), (taps // 2, taps // 2)).unfold(1, taps, 1)
        rows = rows.permute(1, 0, 2).flatten(1).double()
        moved = torch.from_numpy(clip.motion - clip.motion.mean(axis=0)).double() / model.std[:, 0].double()
        weight = of_person * clip.weight
        square += weight * rows.T @ rows
        cross += weight * rows.T @ moved
        total += weight * len(rows)
    solved = torch.linalg.solve(square + recipe.penalty * total * torch.eye(len(square)), cross)
    model.usual.weight.copy_(solved.T.reshape(coefficients.DIMENSIONS, inputs, taps))


def mirror_motion() -> NDArray[np.float32]:
    """(31, 31) matrix M such that ``motion @ M`` is the motion seen in a mirror."""
    from facediff.training.motion_basis import mirror_order

    order, basis = mirror_order(), coefficients.basis()
    matrix = np.zeros((coefficients.DIMENSIONS, coefficients.DIMENSIONS), np.float32)
    for part, directions in ((coefficients.LIPS, basis.lips), (coefficients.BROWS, basis.brows)):
        mirrored = directions[:, order] * np.array([-1, 1, 1], np.float32)
        flat = directions.reshape(len(directions), -1)
        matrix[part, part] = mirrored.reshape(len(directions), -1) @ np.linalg.pinv(flat)
    matrix[20, 21] = matrix[21, 20] = 1
    for index, sign in zip(range(22, 31), (-1, 1, -1, 1, -1, -1, 1, 1, 1), strict=True):
        matrix[index, index] = sign
    return matrix


CHANNEL_WEIGHT = np.ones(coefficients.DIMENSIONS, np.float32)
CHANNEL_WEIGHT[coefficients.LIPS] = np.linspace(1.5, 0.4, 16)
CHANNEL_WEIGHT[coefficients.OPENING] = 4.0
CHANNEL_WEIGHT[coefficients.ANGLES] = CHANNEL_WEIGHT[coefficients.SHIFT] = 0.5


def motion_loss(scheduler: DDIMScheduler):
    """Squared error of the clean motion and of its velocity; lips count only where the sound is theirs."""
    weight = torch.from_numpy(CHANNEL_WEIGHT)[:, None]

    def loss(model: nn.Module, batch: Batch, generator: torch.Generator) -> tuple[Tensor, dict[str, float]]:
        net: MotionDenoiser = unwrap(model)
        clean = (batch["motion"] - net.mean) / net.std
        noise = torch.randn(clean.shape, generator=generator, device=clean.device)
        u = torch.rand(len(clean), generator=generator, device=clean.device).sqrt()  # more of the noisy end
        timesteps = (
            (u * scheduler.config.num_train_timesteps).long().clamp(max=scheduler.config.num_train_timesteps - 1)
        )
        noisy = scheduler.add_noise(clean, noise, timesteps)
        speech = net.drop_condition(batch["speech"], batch["heard"])
        got = net(noisy, timesteps, speech)
        rows = weight.to(clean.device).expand(len(clean), -1, -1).clone()
        rows[~batch["spoken"], coefficients.LIPS] = 0.0
        rows[~batch["spoken"], coefficients.OPENING] = 0.0
        valid = batch["valid"][:, None]
        error = rows * valid * (got - clean).pow(2)
        pace = rows * valid[..., 1:] * (got.diff(dim=-1) - clean.diff(dim=-1)).pow(2)
        opening = error[batch["heard"]][:, coefficients.OPENING].mean() / CHANNEL_WEIGHT[30]
        return error.mean() + pace.mean(), {"opening": float(opening.detach())}

    return loss


def motion_schedule(prediction_type: str = "sample") -> DDIMScheduler:
    """Cosine noise levels; by default the network predicts the clean motion."""
    return DDIMScheduler(
        num_train_timesteps=1000,
        beta_schedule="squaredcos_cap_v2",
        prediction_type=prediction_type,
        timestep_spacing="trailing",
        clip_sample=False,
    )


def equalise_articulation(clips: Sequence[MotionRecording]) -> list[MotionRecording]:
    """The clips with lips scaled so that everybody opens the mouth alike: who articulates more is not in the sound."""
    spread = [float(c.motion[:, coefficients.OPENING].std()) for c in clips]
    usual = float(np.median(spread))
    scaled = []
    for clip, own in zip(clips, spread, strict=True):
        motion = clip.motion.copy()
        for part in (coefficients.LIPS, coefficients.OPENING):
            motion[:, part] *= np.clip(usual / max(own, 1e-3), 0.5, 2.5)
        scaled.append(replace(clip, motion=motion))
    return scaled


def measure_statistics(clips: Sequence[MotionRecording]) -> tuple[list[float], list[float]]:
    """Mean and deviation of each motion channel, people weighing alike."""
    people: dict[str, list[NDArray[np.float32]]] = defaultdict(list)
    for clip in clips:
        people[clip.identity].append(clip.motion)
    stacks = [np.concatenate(parts) for parts in people.values()]
    mean = np.mean([s.mean(0) for s in stacks], axis=0)
    std = np.sqrt(np.mean([((s - mean) ** 2).mean(0) for s in stacks], axis=0)) + 1e-6
    return mean.tolist(), std.tolist()


def train_motion(
    clips: Sequence[MotionRecording],
    config: LoopConfig,
    recipe: MotionRecipe = MotionRecipe(),
    sizes: dict | None = None,
) -> MotionDenoiser:
    """Trains the motion model; resumes a run found in ``config.output``.

    Args:
        clips: What to learn from.
        config: How long and how fast.
        recipe: What a step looks like.
        sizes: Arguments of ``MotionDenoiser``, those of the audio encoder among them.
    """
    mean, std = measure_statistics([c for c in clips if c.heard is not None])
    model = MotionDenoiser(motion_mean=mean, motion_std=std, **(sizes or {}))
    solve_principal_components(model, clips, recipe)
    sounds = hear(model, clips)
    clips = weigh_recordings(clips, sounds, recipe.identity_power)
    solve_mean_motion(model, clips, sounds, recipe)
    fit(model, MotionDraw(clips, recipe, sounds), motion_loss(motion_schedule()), config)
    return model
