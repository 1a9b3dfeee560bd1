"""READ FIRST: a face that can be made to speak, and the clip that comes of it.

avatar = Avatar.from_image("portrait.jpg")          # or Avatar.from_video("me.mp4")
avatar.talk("speech.wav", seed=7).save("hello.mp4")
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from facediff.audio.encoder import AudioEncoder, load_encoder
from facediff.audio.wave import SAMPLE_RATE, load_wave
from facediff.audio.windows import exact_rate, frame_count
from facediff.errors import ConfigError, InputError
from facediff.landmarks.tracker import track_face, track_still
from facediff.media import VideoReader, VideoWriter, read_image
from facediff.rendering.reference import Reference
from facediff.rendering.shots import StillShots, VideoShots, motion_at
from facediff.rendering.talk import MouthPainter, PaintSettings, Shot
from facediff.types import FaceTrack, Frame, Wave

if TYPE_CHECKING:
    from facediff.pipelines.difftalk import DiffTalkPipeline

SOUND_RATE = 48000  # of the sound track of a clip; models listen at 16 kHz
STILL_FPS = Fraction(25)
_CHUNK = 120  # frames of a video that are held at once where it is played backwards


@dataclass(frozen=True)
class Clip:
    """A video that is rendered as it is read.

    Attributes:
        fps: Frames per second.
        size: Width and height in pixels.
        frame_total: How many frames there will be.
        audio: Sound, mono, 48 kHz, float32 in [-1, 1]; None for a silent clip.
        preview_index: The frame that shows best what the clip will look like.
        is_tagged: Whether its file says how colours are coded; the dub of a file that does not does not either, so
            that players guess the same for both.
    """

    fps: Fraction
    size: tuple[int, int]
    frame_total: int
    audio: Wave | None
    render: Callable[[slice], Iterator[Frame]]
    preview_index: int = 0
    is_tagged: bool = True

    def __iter__(self) -> Iterator[Frame]:
        """RGB frames (H, W, 3) uint8, rendered one chunk after the other."""
        return self.render(slice(0, self.frame_total))

    def __len__(self) -> int:
        return self.frame_total

    def preview(self) -> Frame:
        """One frame, without rendering the others."""
        return next(self.render(slice(self.preview_index, self.preview_index + 1)))

    def save(self, path: str | Path, *, progress: Callable[[int, int], None] | None = None) -> Path:
        """Renders into a file; it appears when it is whole, and never in part.

        Args:
            path: mp4, mov, m4v or mkv.
            progress: Called after each frame with the number done and the total.

        Raises:
            InputError, OutputError: The path is of another kind, or cannot be written.
        """
        with VideoWriter(
            path, self.size, self.fps, audio=self.audio, audio_rate=SOUND_RATE, is_tagged=self.is_tagged
        ) as writer:
            for done, frame in enumerate(self, 1):
                writer.write(frame)
                if progress is not None:
                    progress(done, self.frame_total)
        return Path(path)


class Avatar:
    """A face with a voice to come: from a portrait or from a video.

    Models are loaded at the first rendering and kept; avatars share them. Rendering one avatar from several threads
    at once is safe, since nothing is written to it, but no faster.
    """

    def __init__(self, source: Frame | Path, track: FaceTrack, *, model: str, device: str | None) -> None:
        """Use ``from_image`` or ``from_video``."""
        self._source, self.track, self._model, self._device = source, track, model, device
        self._on_missing_face = "keep"

    @classmethod
    def from_image(
        cls, image: str | Path | Frame, *, face: int | str | None = None, model: str = "base", device: str | None = None
    ) -> Avatar:
        """An avatar of a portrait.

        Args:
            image: A picture file, or RGB (H, W, 3) uint8.
            face: Which face, where there are several: ``largest``, or an index from the left.
            model: ``base``, the embedded model, or a folder laid out like it.
            device: ``cpu``, ``cuda``, ...; the best there is by default.

        Raises:
            MediaError, NoFaceFound, SeveralFaces: What the picture lacks.
        """
        where = "the picture" if isinstance(image, np.ndarray) else str(image)
        picture = image if isinstance(image, np.ndarray) else read_image(image)
        return cls(picture, track_still(picture, face, where=where), model=model, device=device)

    @classmethod
    def from_video(
        cls,
        video: str | Path,
        *,
        face: int | str | None = "largest",
        model: str = "base",
        device: str | None = None,
        on_missing_face: str = "keep",
    ) -> Avatar:
        """An avatar of a video, to be dubbed: only the lower face will change.

        Args:
            video: A video file.
            face: As in ``from_image``.
            model: As in ``from_image``.
            device: As in ``from_image``.
            on_missing_face: What frames without a face become: ``keep`` them, ``hold`` the last one with a face, or
                ``error``.
        """
        reader = VideoReader(video)
        avatar = cls(Path(video), track_face(reader, float(reader.info.fps), face=face), model=model, device=device)
        avatar._on_missing_face = on_missing_face
        VideoShots(avatar.track, on_missing_face=on_missing_face)  # refuse now what would fail later
        return avatar

    def talk(
        self,
        speech: str | Path | Wave,
        *,
        seed: int = 0,
        steps: int = 4,
        guidance_scale: float = 1.0,
        lips: float = 1.0,
        head: float = 1.0,
        still: bool = False,
        scheduler: str | None = None,
        audio_encoder: str | None = None,
        fps: float | None = None,
        progressive: bool = False,
        paint: bool = True,
    ) -> Clip:
        """A clip in which the avatar says what is heard.

        Args:
            speech: A file with sound, or a mono wave at 16 kHz, float32.
            seed: Equal seeds give equal frames on one machine.
            steps: Denoising steps of each mouth.
            guidance_scale: How much more the sound counts than without it; 1 is no guidance.
            lips: Strength of lips and jaw.
            head: Strength of the head's motion; of a portrait only, a video keeps its own.
            still: Hold a portrait's head still; it blinks nevertheless.
            scheduler: A diffusers scheduler by name; the one of training by default.
            audio_encoder: What the denoiser hears with, by name or folder (see ``facediff.audio.load_encoder``); must
                be the one that the model was trained with, which is the default.
            fps: Frames per second of a portrait's clip, 25 by default; a video keeps its own.
            progressive: Let each frame show the next one how the mouth looks (DiffTalk, section 3.3), with a return to
                the source every second; slower, since frames wait for one another.
            paint: False leaves out the diffusion model: the coarse stage alone, which warps and makes nothing new.

        Raises:
            AudioError: The sound cannot be used.
            ConfigError: A number is out of range.
        """
        _check_numbers(seed=seed, steps=steps, guidance_scale=guidance_scale, lips=lips, head=head, fps=fps)
        wave, sound = _heard(speech)
        is_still = isinstance(self._source, np.ndarray)
        rate = exact_rate(STILL_FPS if fps is None else fps) if is_still else self._video_rate(fps)
        count = frame_count(len(wave), rate)
        motion_model, painting = _models(self._model, self._device, scheduler)
        motion = motion_model(wave, seed=seed, lips=lips, head=head, still=still)
        rows = motion_at(motion, rate, count)
        encoder = _encoder(painting, audio_encoder, self._device)
        settings = PaintSettings(
            num_inference_steps=steps, guidance_scale=guidance_scale, seed=seed,
            reanchor_every=max(1, round(rate)) if progressive else None,
        )  # fmt: skip

        def render(part: slice) -> Iterator[Frame]:
            shots = self._still_shots(rows[part]) if is_still else self._video_shots(rows, part)
            if not paint:
                return (shot.coarse if isinstance(shot, Shot) else shot for shot in shots)
            heard = chain.from_iterable(encoder.stream(wave, rate, part.stop, first=part.start))
            return MouthPainter(painting, settings)(shots, heard)

        opening = rows[:, -1]
        is_tagged = is_still or VideoReader(self._source).info.is_tagged  # type: ignore[arg-type]
        best = int(np.argmax(opening))
        return Clip(rate, self.track.size, count, sound, render, preview_index=best, is_tagged=is_tagged)

    def _video_rate(self, fps: float | None) -> Fraction:
        own = VideoReader(self._source).info.fps  # type: ignore[arg-type]
        if fps is not None and abs(fps - float(own)) > 0.01:
            raise ConfigError(f"a video keeps its own rate of {float(own):g} frames a second; fps is for portraits")
        return own

    def _still_shots(self, rows: np.ndarray):
        return StillShots(self._source, self.track)(rows)  # type: ignore[arg-type]

    def _video_shots(self, rows: np.ndarray, part: slice):
        shots = VideoShots(self.track, on_missing_face=self._on_missing_face)
        best = shots.best_reference()
        reader = VideoReader(self._source)  # type: ignore[arg-type]
        picture = next(islice(iter(reader), best, None))
        frames = islice(_there_and_back(reader, len(self.track)), part.start, part.stop)
        return shots(frames, rows[part], Reference(picture, shots.track.points[best]))


def _check_numbers(
    *, seed: int, steps: int, guidance_scale: float, lips: float, head: float, fps: float | None
) -> None:
    """Refuses what cannot mean anything; NaN is in no range."""
    if not 0 <= seed < 2**63:
        raise ConfigError(f"a seed is a whole number from 0 to 2**63 - 1, not {seed}")
    if not 1 <= steps <= 1000:
        raise ConfigError(f"steps must be from 1 to 1000, not {steps}")
    if not 0 <= guidance_scale <= 30:
        raise ConfigError(f"guidance_scale must be from 0 to 30, not {guidance_scale}")
    if not (0 <= lips <= 3 and 0 <= head <= 3):
        raise ConfigError(f"lips and head are strengths from 0 to 3, not {lips} and {head}")
    if fps is not None and not 1 <= fps <= 120:
        raise ConfigError(f"fps must be from 1 to 120, not {fps:g}")


def _there_and_back(reader: VideoReader, count: int) -> Iterator[tuple[int, Frame]]:
    """A video forwards, then backwards, and so on, with the index of each frame; memory stays flat."""
    while True:
        yield from zip(range(count), reader, strict=False)
        for stop in range(count - 1, 1, -_CHUNK):
            start = max(1, stop - _CHUNK)
            held = list(islice(iter(reader), start, stop))
            yield from zip(range(stop - 1, start - 1, -1), reversed(held), strict=False)


def _heard(speech: str | Path | Wave) -> tuple[Wave, Wave]:
    """The speech at the models' rate and at the clip's."""
    if isinstance(speech, np.ndarray):
        if speech.ndim != 1 or not speech.size:
            raise InputError(f"a wave is mono and not empty, (N,) at 16 kHz, not of shape {speech.shape}")
        wave = np.asarray(speech, np.float32)
        steps = np.arange(len(wave) * SOUND_RATE // SAMPLE_RATE) * (SAMPLE_RATE / SOUND_RATE)
        return wave, np.interp(steps, np.arange(len(wave)), wave).astype(np.float32)
    return load_wave(speech), load_wave(speech, sample_rate=SOUND_RATE)


def _encoder(painting: DiffTalkPipeline, name: str | None, device: str | None) -> AudioEncoder:
    """The audio encoder that a denoiser was trained with, or another one that fits it."""
    config = painting.conditioner.config
    own = config["audio_encoder"]
    encoder = load_encoder(name or own, tokens=config["audio_columns"], device=device)
    if encoder.dim != config["feature_dim"]:
        raise ConfigError(
            f"the denoiser hears {config['feature_dim']} features of {own}, but {encoder.name} gives {encoder.dim}; "
            f"leave --audio-encoder out, or train a denoiser with it ('facediff train difftalk --audio-encoder ...')"
        )
    return encoder


@lru_cache(maxsize=4)
def _models(model: str, device: str | None, scheduler: str | None):
    """The motion and the painting pipeline of a model, loaded once."""
    from facediff.pipelines.loading import load_talk

    return load_talk(model, device, scheduler)
