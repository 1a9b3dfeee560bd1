"""The motion of a long speech in windows: networks see no more than one, and work can be taken up again.

lips       stretch after stretch, each heard and sampled with what is around it, by the noise of the whole
merge      heads in overlapping windows that are denoised together                           Gen-L-Video
hierarchy  heads at five frames a second, window after window, then what lies between        FDM, CogVideo
extend     heads window after window, each going on from the end of the one before           VDM, FDM

Both networks are convolutional, so a stretch that sees enough around it is what it is in the whole. With
``facediff.system.kept_arrays.keep_in`` each stretch, each window and, where windows are merged, each step is kept, and
taken up again to the bit.
"""

from __future__ import annotations

import itertools
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from facediff.audio.encoder import EncodedSpeech
from facediff.audio.windows import frame_count
from facediff.diffusion.windows import Plan, Window, merge, plan_extension, plan_overlaps, plan_rates
from facediff.errors import ConfigError
from facediff.models.placement import move_to
from facediff.motion import coefficients
from facediff.motion.joining import REACH_FRAMES, join_known
from facediff.motion.keyframes import KeyedMotion
from facediff.pipelines.motion_filling import SPOKEN, Denoiser, FillStyle, MotionFiller, Predict, hold_mouth
from facediff.pipelines.speech_motion import LipStyle, MotionSampler, draw_noise, head_seed
from facediff.system.kept_arrays import Arrays, Kept
from facediff.types import Wave

if TYPE_CHECKING:
    from diffusers.guiders import BaseGuidance

WAYS = ("merge", "hierarchy", "extend")
FPS = coefficients.MOTION_FPS
_STRETCH, _AROUND = 500, 100  # frames of lips made at once, and seen on either side: 20 s and 4 s
# How lively a head is at five frames a second, in which the network makes it go further than at 25. Fit by: spread and
# pace of angles and places over those of ``SPOKEN`` in one go. Seen on: four speeches of six people, two seeds.
# Range tried: -0.4 to 0.8, -0.4 to 0.7, 0 to 0.6, 0 to 0.6.
_SPARSE = (0.4, 0.3, 0.6, 0.6)
# What is given of frames that are done. Eyes jump: where they look at a seam is told by noise, which is a frame's own.
_GIVEN = (coefficients.BROWS, coefficients.ANGLES, coefficients.SHIFT)


@dataclass(frozen=True, kw_only=True)
class HeadWindows:
    """How the head of a long speech is made. All but ``way`` count frames.

    Attributes:
        way: ``merge``, ``hierarchy`` or ``extend``.
        size: Of a window; a shorter speech is made in one go.
        fresh: Of a window, where each goes on from the one before, those that are new.
        beyond: Seen behind a window that is gone on with, so that it does not end at its edge.
        gap: From one of the first level of ``hierarchy`` to the next: at the least rate that the network knows.
        context: Seen on either side of a window of the second; a whole number of gaps.
        manner: (4,) how lively the head is in the first level; see ``FillStyle``.
    """

    way: str
    size: int = 256
    fresh: int = 192
    beyond: int = 32
    gap: int = 5
    context: int = 40
    manner: tuple[float, ...] = _SPARSE

    def __post_init__(self) -> None:
        if self.way not in WAYS:
            raise ConfigError(f"the head of a long speech is made by one of {', '.join(WAYS)}, not {self.way!r}")

    def plan(self, frames: int) -> Plan:
        """Which of so many frames are made when.

        Raises:
            ConfigError: A window is longer than all of them, or a number is out of range.
        """
        if self.way == "merge":
            return plan_overlaps(frames, self.size, self.size // 2)
        if self.way == "extend":
            return plan_extension(frames, self.size, self.fresh)
        return plan_rates(frames, self.size, self.gap, fresh=self.fresh, context=self.context)


class LongMotionSampler(MotionSampler):
    """A ``MotionSampler`` whose motion is made in windows.

    Args:
        sampler: What makes it in one go.
        windows: How its head is made.
    """

    def __init__(self, sampler: MotionSampler, windows: HeadWindows) -> None:
        super().__init__(sampler.denoiser, sampler.scheduler, sampler.encoder, sampler.filler)
        self.windows = windows

    def _move(
        self,
        wave: Wave,
        seed: int,
        steps: int,
        guider: BaseGuidance | None,
        style: LipStyle,
        keyed: KeyedMotion | None,
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """See ``MotionSampler``."""
        count = frame_count(len(wave), FPS)
        if count <= self.windows.size:
            return super()._move(wave, seed, steps, guider, style, keyed)
        kept = Kept(wave, repr((seed, steps, asdict(style), guider)))
        noise, heard = draw_noise(count, seed), self.encoder.prepare(wave)
        make = partial(self._make_stretch, heard, noise, steps, guider, style)
        parts = [kept.recall(f"lips-{start:07d}", partial(make, start)) for start in range(0, count, _STRETCH)]
        motion, closing = (np.concatenate([part[name] for part in parts]) for name in ("motion", "closing"))
        if self._filler is not None:
            speech = torch.from_numpy(np.concatenate([part["speech"] for part in parts], axis=1))[None]
            motion = fill_windows(
                self._filler, motion, move_to(self._filler.denoiser, speech), self.windows, keyed=keyed,
                seed=head_seed(seed, count),
            )  # fmt: skip
        return motion, closing

    def _make_stretch(
        self,
        heard: EncodedSpeech,
        noise: Tensor,
        steps: int,
        guider: BaseGuidance | None,
        style: LipStyle,
        start: int,
    ) -> Arrays:
        """Of a stretch of the speech the motion, what the filler hears of it, and how likely lips must meet."""
        stop = min(start + _STRETCH, len(noise))
        first, last = max(0, start - _AROUND), min(stop + _AROUND, len(noise))
        features = np.concatenate(list(heard.stream(FPS, last, first=first))).reshape(last - first, -1)
        inner = slice(start - first, stop - first)
        motion = self.sample_heard(
            features, num_inference_steps=steps, guider=guider, lip_style=style, noise=noise[first:last]
        )
        net, made = self.denoiser, {"motion": motion[inner]}
        speech = net.encode_speech(move_to(net, torch.from_numpy(features)[None]))
        made["closing"] = net.predict_lip_closure(speech)[0, inner].float().cpu().numpy()
        if self._filler is not None:
            other = self._filler.denoiser
            encoded = other.encode_speech(move_to(other, torch.from_numpy(features[inner])[None]))
            made["speech"] = encoded[0].float().cpu().numpy()
        return made


@torch.inference_mode()
def fill_windows(
    filler: MotionFiller,
    motion: NDArray[np.floating],
    speech: Tensor,
    windows: HeadWindows,
    *,
    seed: int = 0,
    keyed: KeyedMotion | None = None,
    style: FillStyle | None = None,
) -> NDArray[np.float32]:
    """The motion (T, 31) with brows, gaze and head beside its mouth and its sound: ``MotionFiller.fill_beside``.

    Args:
        filler: The masked motion model.
        motion: (T, 31), of which the mouth counts; at least a window long.
        speech: (1, F, T) what the filler's ``encode_speech`` gives.
        windows: How.
        seed: Of the noise, which is a frame's own.
        keyed: What is asked for at some moments.
        style: How; by default ``SPOKEN``.

    Raises:
        ConfigError: A window is longer than the motion.
    """
    style = SPOKEN if style is None else style
    known, mask = hold_mouth(motion, keyed)
    kept = Kept(known, mask, speech.float().cpu().numpy(), repr((seed, windows, style)))
    plan = windows.plan(len(known))
    if windows.way == "merge":
        made = filler.sample(
            known, mask, speech=speech, seed=seed, style=style, merged=lambda predict: _merge(predict, plan, kept)
        )
    else:
        made = _Filling(filler, known, mask, speech, windows, seed, style).run(plan, kept)
    return filler.finish(made, known, mask, style=style)


def _merge(predict: Predict, plan: Plan, kept: Kept) -> Denoiser:
    """A denoiser of the whole out of one of windows, which keeps what it says at each step."""
    whole = merge(lambda x, t, window: predict(x, t, slice(window.made[0], window.made[-1] + 1)), plan, axis=2)
    number = itertools.count()

    def step(x: Tensor, t: Tensor) -> Tensor:
        said = kept.recall(f"step-{next(number):04d}", lambda: {"said": whole(x, t).float().cpu().numpy()})
        return torch.from_numpy(said["said"]).to(x)

    return step


@dataclass(frozen=True)
class _Filling:
    """Windows that wait for each other: each is sampled with what is known, and what those before it have made."""

    filler: MotionFiller
    known: NDArray[np.float32]
    mask: NDArray[np.float32]
    speech: Tensor
    windows: HeadWindows
    seed: int
    style: FillStyle

    def run(self, plan: Plan, kept: Kept) -> NDArray[np.float32]:
        """The motion (T, 31) as it is sampled."""
        made = self.known.copy()
        for window in itertools.chain.from_iterable(plan.rounds):
            step = min(later - sooner for sooner, later in pairwise(window.frames))
            found = kept.recall(f"window-{step}-{window.made[0]:07d}", partial(self._sample, made, window, step))
            made[list(window.made)] = found["motion"]
        return made

    def _sample(self, made: NDArray[np.float32], window: Window, step: int) -> Arrays:
        """What a window makes (n, 31), of which each frame is so many of the speech after the one before."""
        beyond = min(window.frames[-1] + step * self.windows.beyond, len(made) - 1)
        rows = np.arange(window.frames[0], beyond + 1, step)
        known, mask, given = self.known[rows], self.mask[rows], np.isin(rows, window.given)
        is_between = step < min((b - a for a, b in pairwise(window.given)), default=step)
        for part in (*_GIVEN, coefficients.GAZE) if is_between else _GIVEN:
            known[given, part], mask[given, part] = made[rows[given], part], 1.0
        if step > 1:
            self._round_keyframes(known, mask, rows, step)
        style = self.style if step == 1 else replace(self.style, manner=self.windows.manner)
        sampled = self.filler.sample(
            known, mask, speech=self.speech[:, :, rows], seed=self.seed + step - 1, first=int(rows[0]) // step,
            rate=FPS / step, style=style,
        )  # fmt: skip
        joined = join_known(sampled, known, mask > 0.5, REACH_FRAMES / step)
        return {"motion": joined[np.isin(rows, window.made)]}

    def _round_keyframes(
        self, known: NDArray[np.float32], mask: NDArray[np.float32], rows: NDArray[np.int64], step: int
    ) -> None:
        """Has the nearest of the frames that are sampled know of keyframes that fall between two of them."""
        for part in (coefficients.ANGLES, coefficients.GAZE):
            asked = np.flatnonzero(self.mask[rows[0] : rows[-1] + 1, part].any(axis=1)) + rows[0]
            nearest = np.rint((asked - rows[0]) / step).astype(int)
            is_free = mask[nearest, part].max(axis=1) == 0
            known[nearest[is_free], part] = self.known[asked[is_free], part]
            mask[nearest[is_free], part] = 1.0
