"""From speech to the motion of a face: the motion model as a diffusers pipeline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from torch import Tensor

from facediff.audio.encoder import AudioEncoder
from facediff.audio.features import COLUMN_RATE, log_mel
from facediff.audio.voice_activity import voice_activity
from facediff.audio.wave import LevelledWave
from facediff.audio.windows import frame_count
from facediff.diffusion.ddim import DDIM
from facediff.diffusion.sampler import denoise
from facediff.errors import ConfigError
from facediff.models.masked_motion import MaskedMotionDenoiserNetwork
from facediff.models.motion import MotionDenoiserNetwork
from facediff.models.placement import move_to
from facediff.motion import coefficients
from facediff.motion.keyframes import KeyedMotion, Keyframe, key_motion
from facediff.pipelines.motion_filling import SPOKEN, MotionFiller
from facediff.pipelines.motion_finishing import BlinkStyle, WholeClipFinisher, finish_motion
from facediff.pipelines.shared import Sampling, make_denoiser
from facediff.system.on_demand import find_on_demand
from facediff.system.threads import one_thread
from facediff.types import Wave

if TYPE_CHECKING:
    from diffusers.guiders import BaseGuidance
    from diffusers.schedulers.scheduling_utils import SchedulerMixin

    from facediff.pipelines.published import MotionPipeline as MotionPipeline

__getattr__ = find_on_demand(__name__, {"MotionPipeline": "facediff.pipelines.published"})

COLUMNS = COLUMN_RATE // coefficients.MOTION_FPS  # of the log-mel to a motion frame
_APART = 100_003  # of the seeds of heads of speeches that are a frame longer


@dataclass(frozen=True, kw_only=True)
class LipStyle:
    """How closely lips follow the sound.

    Attributes:
        variety: Noise of the lips; the rest has 1. Lips follow the sound, heads do as they like. Fit by, seen on, range
            tried: unknown; 0.3 since the first version.
        certainty: How much of the lips is the mean of what goes with the sound; the rest is a sample. Fit by, seen on,
            range tried: unknown; a half since the mean has been regressed.
        closing_from: Probability of m, b or p from which lips go from as they are to closed. Fit by: sentences all of
            whose bilabials close, and vowels that stay open. Seen on: 34 sentences of an engine that the closing was
            not taught with: 31, and vowels open by 0.96 of what they did. Range tried: 0.03 to 0.6.
        closed_at: That at which they are closed; as ``closing_from``.
        lead_s: Deviation, in seconds, of the Gaussian over voice activity: lips open a little before the sound and
            close a little after. Fit by, seen on, range tried: unknown; one frame since the first version.
        pause_s: From how long a pause on lips rest; in shorter ones they do what is expected. Fit by: how little lips
            move in quiet frames. Seen on: 31 training clips with pauses. Range tried: 0.04 to 0.24; the shorter, the
            less, down to what stops a word in its middle.
        faint_db: How far under the loudest speech lips rest, in decibels; as ``pause_s``. Range tried: 26 to 38; from
            30 on no clip is left whose lips move in quiet frames by more than 0.15 of what they do in loud ones.
    """

    variety: float = 0.3
    certainty: float = 0.5
    closing_from: float = 0.05
    closed_at: float = 0.3
    lead_s: float = 0.04
    pause_s: float = 0.16
    faint_db: float = 30.0

    def __post_init__(self) -> None:
        """Refuses lips that are closed before they close.

        Raises:
            ConfigError: So it is.
        """
        if self.closed_at <= self.closing_from:
            raise ConfigError(
                f"lips close from {self.closing_from:g} on and are closed at {self.closed_at:g}; raise it"
            )


# People who are filmed do not shut their mouths whenever they say nothing: in pauses lips move as what goes before and
# after lets expect, by 0.72 of what they do in speech. Fit by: correlation of the opening with the truth's. Seen on:
# folds of training people, who go from 0.55 to 0.61 in the mean. Range tried: pauses of 0.04 to 2 s, closing from 0.05
# to 0.6: sure closings alone cost nothing of it, and 89% of bilabials close.
FILMED = LipStyle(pause_s=2.0, faint_db=38.0, closing_from=0.5, closed_at=0.9)


class MotionSampler:
    """Lips, brows, gaze and head from sound; blinks from a clock of their own.

    ``MotionPipeline``, in this module too, is the same as a pipeline of diffusers.

    Args:
        denoiser: The motion model.
        scheduler: Any diffusers scheduler made from the training schedule's config.
        encoder: What the denoiser was trained to hear with.
        filler: Makes brows, gaze and head beside the lips; without it they are the denoiser's own.
    """

    def __init__(
        self,
        denoiser: MotionDenoiserNetwork,
        scheduler: SchedulerMixin | DDIM,
        encoder: AudioEncoder,
        filler: MotionFiller | None = None,
    ) -> None:
        self.denoiser, self.scheduler = denoiser, scheduler
        self._encoder, self._filler = encoder, filler

    @property
    def encoder(self) -> AudioEncoder:
        """What it hears with."""
        return self._encoder

    @property
    def filler(self) -> MotionFiller | None:
        """What makes brows, gaze and head beside the lips."""
        return self._filler

    @torch.inference_mode()
    def __call__(
        self,
        wave: Wave,
        *,
        seed: int = 0,
        lips: float = 1.0,
        head: float = 1.0,
        still: bool = False,
        num_inference_steps: int = 8,
        guider: BaseGuidance | None = None,
        speaking_style: NDArray[np.floating] | None = None,
        lip_style: LipStyle | None = None,
        blink_style: BlinkStyle | None = None,
        keyframes: Sequence[Keyframe] = (),
    ) -> NDArray[np.float32]:
        """The motion (T, 31) at 25 frames a second of somebody who says this, T = ceil(25 × seconds).

        Args:
            wave: Mono, 16 kHz.
            seed: Of heads, blinks and the variety of lips; equal seeds give equal motion.
            lips: Strength of what the lower face does.
            head: Strength of what the head does.
            still: Keep the head as it is; blinks stay.
            num_inference_steps: See ``sample``, as for ``guider``, ``speaking_style`` and ``lip_style``.
            guider: See ``num_inference_steps``.
            speaking_style: See ``num_inference_steps``.
            lip_style: See ``num_inference_steps``.
            blink_style: See ``facediff.pipelines.motion_finishing``.
            keyframes: What the face is to do when; see ``facediff.motion.keyframes``.

        Raises:
            ConfigError: A keyframe lies beyond the end, or turns a head that is kept as it is.
        """
        strength = 0.0 if still else head
        count = frame_count(len(wave), coefficients.MOTION_FPS)
        keyed = key_motion(keyframes, count, head=strength) if keyframes else None
        motion, speaking = self.sample(
            wave, seed=seed, num_inference_steps=num_inference_steps, guider=guider, speaking_style=speaking_style,
            lip_style=lip_style, keyed=keyed,
        )  # fmt: skip
        finisher = WholeClipFinisher(seed=seed, lips=lips, head=strength, blink_style=blink_style)
        finished = finish_motion(finisher, motion, speaking)
        return finished if keyed is None else finished + keyed.added

    @torch.inference_mode()
    def sample(
        self,
        wave: Wave,
        *,
        seed: int = 0,
        num_inference_steps: int = 8,
        guider: BaseGuidance | None = None,
        speaking_style: NDArray[np.floating] | None = None,
        lip_style: LipStyle | None = None,
        keyed: KeyedMotion | None = None,
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Motion (T, 31) as sampled, and (T,) how much lips may open, from 0 to 1: what a ``MotionFinisher`` wants.

        Args:
            wave: Mono, 16 kHz.
            seed: Of the noise.
            num_inference_steps: Network calls, over the whole speech at once.
            guider: Any guider of diffusers, whose negative condition is no sound; see
                ``facediff.diffusion.score_guider`` for one that composes the denoiser with a prior.
            speaking_style: (31,) how this person holds their lips beside what is usual; see
                ``facediff.motion.speaking_style``.
            lip_style: How closely lips follow the sound.
            keyed: What head and gaze are to do when.
        """
        style = lip_style or LipStyle()
        motion, closing = self._move(wave, seed, num_inference_steps, guider, style, keyed)
        if speaking_style is not None:
            motion = motion + speaking_style
        return motion, open_lips(wave, closing, style)

    def _move(
        self,
        wave: Wave,
        seed: int,
        steps: int,
        guider: BaseGuidance | None,
        style: LipStyle,
        keyed: KeyedMotion | None,
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Motion (T, 31) in no particular manner, and (T,) how likely lips must meet; see ``sample``."""
        net, count = self.denoiser, frame_count(len(wave), coefficients.MOTION_FPS)
        speech, beside = self._hear(wave, count)
        motion = self._sample_beside(speech, draw_noise(count, seed), steps, guider, style)
        if self._filler is not None:
            motion = self._filler.fill_beside(motion, beside, seed=head_seed(seed, count), keyed=keyed, style=SPOKEN)
        return motion, net.predict_lip_closure(speech)[0].float().cpu().numpy()

    def _hear(self, wave: Wave, count: int) -> tuple[Tensor, Tensor | None]:
        """What the motion model hears of a speech, and what the filler does if it has ears, (1, F, T) each.

        Of what the encoder gives only their components are kept: of an hour it is a gigabyte.
        """
        nets: list[MotionDenoiserNetwork | MaskedMotionDenoiserNetwork] = [self.denoiser]
        if self._filler is not None and self._filler.encoder is not None:
            nets.append(self._filler.denoiser)
        # Room for all of it beforehand: pieces that are kept between ones that are not leave memory full of holes.
        heard = [move_to(net, torch.empty(1, count, net.config["features"])) for net in nets]
        done = 0
        for features in self._encoder.stream(wave, coefficients.MOTION_FPS, count):
            given = torch.from_numpy(features.reshape(len(features), -1))[None]
            for net, out in zip(nets, heard, strict=True):
                out[:, done : done + len(features)] = net.encode_speech(move_to(net, given)).mT
            done += len(features)
        speech, *beside = (out.mT for out in heard)
        return speech, beside[0] if beside else None

    @one_thread()
    @torch.inference_mode()
    def sample_heard(
        self,
        features: NDArray[np.floating],
        *,
        seed: int = 0,
        num_inference_steps: int = 8,
        guider: BaseGuidance | None = None,
        lip_style: LipStyle | None = None,
        noise: Tensor | None = None,
    ) -> NDArray[np.float32]:
        """The motion (T, 31) that goes with what is heard, head and all of it the motion model's own.

        Args:
            features: (T, speech_dim) what the audio encoder gives of the sound.
            seed: See ``sample``, as for ``num_inference_steps``, ``guider`` and ``lip_style``.
            num_inference_steps: See ``seed``.
            guider: See ``seed``.
            lip_style: See ``seed``.
            noise: (T, 31) of unit variance, in the place of that of the seed.
        """
        net = self.denoiser
        speech = net.encode_speech(move_to(net, torch.from_numpy(features)[None]))
        noise = draw_noise(len(features), seed) if noise is None else noise
        return self._sample_beside(speech, noise, num_inference_steps, guider, lip_style or LipStyle())

    @one_thread()
    def _sample_beside(
        self, speech: Tensor, noise: Tensor, steps: int, guider: BaseGuidance | None, style: LipStyle
    ) -> NDArray[np.float32]:
        """The motion (T, 31) that goes with speech features (1, F, T), of noise (T, 31); see ``sample_heard``."""
        net, noise = self.denoiser, noise.clone()[None].transpose(1, 2)
        for part in (coefficients.LIPS, coefficients.OPENING):
            noise[:, part] *= style.variety

        def predict(x: Tensor, t: Tensor, heard: Tensor) -> Tensor:
            return net(x, t[None], heard)

        unheard = net.drop_condition(speech, torch.zeros(1, dtype=torch.bool, device=speech.device))
        sampling = Sampling(num_inference_steps=steps, guider=guider)
        denoiser = make_denoiser(predict, net, (speech, unheard), self.scheduler, sampling)
        clean = denoise(denoiser, move_to(net, noise), self.scheduler, steps)
        expected = net.regress_mean(speech)
        for part in (coefficients.LIPS, coefficients.OPENING):
            clean[:, part] = style.certainty * expected[:, part] + (1 - style.certainty) * clean[:, part]
        return (clean * net.std + net.mean)[0].T.float().cpu().numpy()


def draw_noise(frames: int, seed: int) -> Tensor:
    """The noise (frames, 31) of a speech."""
    return torch.randn(1, frames, coefficients.DIMENSIONS, generator=torch.Generator("cpu").manual_seed(seed))[0]


def head_seed(seed: int, frames: int) -> int:
    """The seed of a head beside a speech of so many frames.

    By the noise of a seed alone, one head would nod to whatever is said: speeches differ in length, at least, which all
    machines that share a clip read alike.
    """
    return (seed + _APART * frames) % 2**63


def open_lips(wave: Wave, closing: NDArray[np.floating], style: LipStyle) -> NDArray[np.float32]:
    """How much lips may open (T,), from 0 to 1.

    Args:
        wave: Mono, 16 kHz.
        closing: (T,) how likely lips must meet.
        style: How closely lips follow the sound.
    """
    apart = 1 - np.clip((closing - style.closing_from) / (style.closed_at - style.closing_from), 0, 1)
    mel = log_mel(LevelledWave(wave))
    activity = voice_activity(mel, hold_s=style.pause_s / 2, faint_db=style.faint_db)
    return _per_frame(activity, len(closing), style.lead_s) * apart


def _per_frame(activity: NDArray[np.float32], count: int, lead_s: float) -> NDArray[np.float32]:
    """Voice activity (T,) of motion frames: lips open a little before the sound and close a little after."""
    padded = np.pad(activity, (0, max(0, count * COLUMNS - len(activity))))[: count * COLUMNS]
    frames = padded.reshape(count, COLUMNS).max(axis=1)
    return gaussian_filter1d(frames, lead_s * coefficients.MOTION_FPS, mode="nearest") if lead_s > 0 else frames
