"""READ FIRST: a face that can be made to speak and to move; a ``Clip`` comes of it.

avatar = Avatar.from_image("portrait.jpg")          # or Avatar.from_video("me.mp4")
avatar.talk("speech.wav", seed=7).save("hello.mp4")
avatar.animate("driving.mp4").save("moved.mp4")
avatar.edit(smile=0.6).save("smile.mp4")
"""

from __future__ import annotations

from dataclasses import replace
from inspect import signature
from pathlib import Path

import numpy as np

from facediff.clip import Clip
from facediff.errors import ConfigError
from facediff.landmarks.tracker import track_face, track_still
from facediff.media import VideoReader, read_image
from facediff.motion.template import MotionTemplate
from facediff.provenance import Ingredient, Record, check_consent, model_name, weights_hash
from facediff.rendering.editing.methods import check_method
from facediff.rendering.source import Source
from facediff.rendering.warping.video import VideoWarper
from facediff.tasks import animate as animating
from facediff.tasks import edit as editing
from facediff.tasks import saved_avatar
from facediff.tasks import talk as talking
from facediff.tasks.identity import usual_method
from facediff.tasks.model_choice import ModelChoice
from facediff.tasks.strengths import read_wishes, write_wishes
from facediff.types import FaceTrack, Frame, Wave

CLIP_MODEL = "openai/clip-vit-base-patch16"


class Avatar:
    """A face with a voice to come: from a portrait or from a video.

    Models are loaded at the first rendering and kept; avatars share them. Rendering one avatar from several threads
    at once is safe, since nothing is written to it, but no faster.
    """

    def __init__(
        self,
        source: Frame | Path,
        track: FaceTrack,
        origin: Ingredient,
        *,
        model: str,
        device: str | None,
        consent: str | None,
        face: int | str | None,
        on_missing_face: str = "keep",
    ) -> None:
        """Use ``from_image``, ``from_video`` or ``load``."""
        check_consent(consent)
        self._source, self._origin = Source(source, track, origin.sha256, on_missing_face), origin
        self._model, self._device, self._face = model, device, face
        self.track, self.consent = track, consent

    @classmethod
    def from_image(
        cls,
        image: str | Path | Frame,
        *,
        face: int | str | None = None,
        model: str = "base",
        device: str | None = None,
        consent: str | None = None,
    ) -> Avatar:
        """An avatar of a portrait.

        Args:
            image: A picture file, or RGB (H, W, 3) uint8.
            face: Which face, where there are several: ``largest``, or an index from the left.
            model: ``base``, the embedded model, or a folder laid out like it.
            device: ``cpu``, ``cuda``, ...; the best there is by default.
            consent: What the person shown agreed to, in words; every clip's record repeats it.

        Raises:
            MediaError, NoFaceFound, SeveralFaces: What the picture lacks.
        """
        where = "the picture" if isinstance(image, np.ndarray) else str(image)
        picture = image if isinstance(image, np.ndarray) else read_image(image)
        track = track_still(picture, face, where=where)
        origin = _ingredient("source", image)
        return cls(picture, track, origin, model=model, device=device, consent=consent, face=face)

    @classmethod
    def from_video(
        cls,
        video: str | Path,
        *,
        face: int | str | None = "largest",
        model: str = "base",
        device: str | None = None,
        on_missing_face: str = "keep",
        consent: str | None = None,
    ) -> Avatar:
        """An avatar of a video, to be dubbed: only the lower face will change.

        Args:
            video: A video file.
            face: As in ``from_image``.
            model: As in ``from_image``.
            device: As in ``from_image``.
            on_missing_face: What frames without a face become: ``keep`` them, ``hold`` the last one with a face, or
                ``error``.
            consent: As in ``from_image``.
        """
        reader = VideoReader(video)
        track = track_face(reader, float(reader.info.fps), face=face)
        VideoWarper(track, on_missing_face=on_missing_face)  # refuse now what would fail later
        return cls(
            Path(video), track, _ingredient("source", video), model=model, device=device, consent=consent,
            face=None if face == "largest" else face, on_missing_face=on_missing_face,
        )  # fmt: skip

    @classmethod
    def load(cls, folder: str | Path, *, device: str | None = None) -> Avatar:
        """The avatar that ``save`` wrote; its face is not looked for again.

        Raises:
            MediaError: There is none, or it is damaged.
        """
        kept = saved_avatar.load(Path(folder))
        return cls(
            kept.source, kept.track, Ingredient("source", kept.name, kept.sha256), model=kept.model, device=device,
            consent=kept.consent, face=kept.face, on_missing_face=kept.on_missing_face,
        )  # fmt: skip

    def save(self, folder: str | Path) -> Path:
        """Writes source, landmarks, settings and consent into a folder of its own, whole or not at all.

        Raises:
            OutputError: It is there already, or cannot be written.
        """
        source, origin = self._source, self._origin
        kept = saved_avatar.SavedAvatar(
            source.content, source.track, origin.name, origin.sha256, self._model, self._face,
            source.on_missing_face, self.consent,
        )  # fmt: skip
        saved_avatar.save(kept, Path(folder))
        return Path(folder)

    def talk(
        self,
        speech: str | Path | Wave,
        *,
        seed: int = 0,
        steps: int = 2,
        guidance_scale: float = 1.0,
        lips: float = 1.0,
        head: float = 1.0,
        still: bool = False,
        scheduler: str | None = None,
        audio_encoder: str | None = None,
        fps: float | None = None,
        progressive: bool = False,
        paint: bool = True,
        domain: str | Path | None = None,
        prior: str | Path | None = None,
        prior_strength: float | None = None,
        text: str | None = None,
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
            fps: Frames per second: of a portrait 25 by default, of a video its own; frames of a video are repeated
                or left out for another.
            progressive: Let each frame show the next one how the mouth looks (DiffTalk, section 3.3), with a return to
                the source every second; slower, since frames wait for one another.
            paint: False leaves out the diffusion model: the coarse stage alone, which warps and makes nothing new.
            domain: A domain model that ``facediff adapt`` made, by its folder, or one in the package by name: mouths
                are painted as in its footage.
            prior: The model whose denoiser is composed with it; the avatar's own by default.
            prior_strength: The prior's share, from 0, the domain model alone, to 1; what was best on footage held
                out by default.
            text: What is said about the clip, in words that domain or prior were trained with.

        Raises:
            AudioError: The sound cannot be used.
            ConfigError: A number is out of range, or something is said about a domain and there is none.
            WeightsError: There is no such domain model, or it was trained for another model.
        """
        _check_numbers(
            seed=seed, steps=steps, guidance_scale=guidance_scale, lips=lips, head=head, fps=fps,
            prior_strength=prior_strength,
        )  # fmt: skip
        hearing = None if audio_encoder is None else model_name(audio_encoder)
        record = self._record(
            "talk", _ingredient("speech", speech), seed, steps=steps, guidance_scale=guidance_scale, lips=lips,
            head=head, still=still, scheduler=scheduler, audio_encoder=hearing, fps=fps, progressive=progressive,
            paint=paint, prior_strength=prior_strength, text=text, domain=domain, prior=prior,
        )  # fmt: skip
        models = ModelChoice(self._model, self._device, scheduler, domain, prior, prior_strength, text)
        clip = talking.talk(
            self._source, speech, models, seed=seed, steps=steps, guidance_scale=guidance_scale, lips=lips, head=head,
            still=still, audio_encoder=audio_encoder, fps=fps, progressive=progressive, paint=paint,
        )  # fmt: skip
        return replace(clip, record=record)

    def animate(
        self,
        driving: str | Path | MotionTemplate,
        *,
        region: str = "all",
        absolute: bool = False,
        lips: float = 1.0,
        eyes: float = 1.0,
        brows: float = 1.0,
        head: float = 1.0,
        seed: int = 0,
        steps: int = 1,
        scheduler: str | None = None,
        sound: bool = False,
        compare: bool = False,
        paint: bool = True,
        domain: str | Path | None = None,
        prior: str | Path | None = None,
        prior_strength: float | None = None,
    ) -> Clip:
        """A clip in which the avatar moves as a driver does.

        The driver's motion is added to the avatar's own face at rest, so the shape of the face stays the avatar's. A
        video keeps its own head motion and its own rate, and takes over expressions; it is played back and forth
        where the driver is longer.

        Args:
            driving: A video, a folder of frames, a motion saved by ``facediff motion extract``, or a picture of an
                expression.
            region: What is taken over: ``lips``, ``eyes``, ``brows``, ``pose``, ``expression`` or ``all``.
            absolute: Take the driver's own head rotation; by default the head moves from where it is.
            lips: Strength of lips and jaw; ``eyes`` of lids and gaze, ``brows`` and ``head`` likewise.
            eyes: See ``lips``.
            brows: See ``lips``.
            head: See ``lips``.
            seed: Equal seeds give equal frames on one machine.
            steps: Denoising steps of each face.
            scheduler: A diffusers scheduler by name; the one of training by default.
            sound: Carry the driver's sound over.
            compare: Show driver and source beside the result.
            paint: False leaves out the diffusion model: the coarse stage alone, which warps and makes nothing new.
            domain: A domain model, which paints the mouth anew; see ``talk``, as for the two after it.
            prior: See ``domain``.
            prior_strength: See ``domain``.

        Raises:
            MediaError, NoFaceFound, AudioError: What the driver lacks.
            ConfigError: A setting is out of range, or asks a video to turn its head.
        """
        _check_numbers(
            seed=seed, steps=steps, lips=lips, eyes=eyes, brows=brows, head=head, prior_strength=prior_strength
        )
        record = self._record(
            "animate", _ingredient("driving", driving), seed, region=region, absolute=absolute, lips=lips, eyes=eyes,
            brows=brows, head=head, steps=steps, scheduler=scheduler, sound=sound, compare=compare, paint=paint,
            prior_strength=prior_strength, domain=domain, prior=prior,
        )  # fmt: skip
        models = ModelChoice(self._model, self._device, scheduler, domain, prior, prior_strength)
        strengths = {"lips": lips, "eyes": eyes, "brows": brows, "head": head}
        clip = animating.animate(
            self._source, driving, models, strengths, region=region, absolute=absolute, seed=seed, steps=steps,
            sound=sound, compare=compare, paint=paint,
        )  # fmt: skip
        return replace(clip, record=record)

    def edit(
        self,
        *,
        attributes: str | None = None,
        text: str | None = None,
        text_strength: float = 1.0,
        clip_model: str = CLIP_MODEL,
        seed: int = 0,
        method: str | None = None,
        steps: int | None = None,
        cached: bool = True,
        **strengths: float,
    ) -> Clip:
        """A clip in which the avatar is another in some ways, all through: ``avatar.edit(smile=0.6, beard=0.3)``.

        Expressions (``smile``, ``mouth_open``, ``brows_up``, ``eyes_closed``, ``gaze_right``, ``gaze_down``,
        ``head_left``, ``head_down``, ``head_tilt``) move the face. Attributes
        (``facediff edit --list-attributes``) change what it looks like, alike in all frames, and so does a text,
        by the one identity vector that the whole video has. A video keeps its frame rate and its sound; on a
        portrait expressions appear, and are held for two seconds.

        Args:
            attributes: Strengths as text, "smile=0.6, beard=0.3", beside those given by name.
            text: What is wanted, "face with eyeglasses"; takes a CLIP model.
            text_strength: How far to go the way that the text says.
            clip_model: A CLIP model of a hub, or its folder.
            seed: Equal seeds give equal frames on one machine.
            method: ``prototype`` lays the light and shade of an attribute on each face; ``delta`` and ``inversion``
                change the identity vector. ``delta`` adds to each frame what changes of it, in few network calls;
                ``inversion`` is the paper's, which decodes the frame's own noise under another identity. None takes
                ``prototype`` where the model has them, else ``delta``, as texts do.
            steps: Steps of an inversion, or noise levels of a delta; None for as many as suit it.
            cached: Keep the encoding in the user's cache folder, so that another edit of the video only decodes.
            strengths: By name, from -2 to 2; at 1 an attribute changes by as much as people differ in it.

        Raises:
            ConfigError: A wish is unknown or out of range, or there is none.
            WeightsError: There is no CLIP model where a text wants one.
        """
        wishes = read_wishes(attributes, strengths)
        if not wishes and not text:
            raise ConfigError("nothing is wished for: give attributes, as in smile=0.6, or a text")
        _check_numbers(seed=seed, steps=1 if steps is None else steps, text_strength=abs(text_strength))
        method = usual_method(wishes, self._model) if method is None else method
        check_method(method)
        record = self._record(
            "edit", None, seed, attributes=write_wishes(wishes) or None, text=text, text_strength=text_strength,
            clip_model=model_name(clip_model) if text else CLIP_MODEL, method=method, steps=steps,
        )  # fmt: skip
        clip = editing.edit(
            self._source, wishes, ModelChoice(self._model, self._device), text=text, text_strength=text_strength,
            clip_model=clip_model, seed=seed, method=method, steps=steps, cached=cached,
        )  # fmt: skip
        return replace(clip, record=record)

    def _record(
        self,
        task: str,
        second: Ingredient | None,
        seed: int,
        *,
        domain: str | Path | None = None,
        prior: str | Path | None = None,
        **options: str | float | bool | None,
    ) -> Record:
        """How a clip is made; only what differs from the defaults is an option."""
        defaults = {name: one.default for name, one in signature(getattr(Avatar, task)).parameters.items()}
        defaults |= {"face": None, "on_missing_face": "keep"}
        options |= {"face": self._face, "on_missing_face": self._source.on_missing_face}
        options |= {role: model_name(m) for role, m in (("domain", domain), ("prior", prior)) if m is not None}
        return Record(
            task=task,
            inputs=(self._origin,) if second is None else (self._origin, second),
            options={name: value for name, value in options.items() if value != defaults[name]},
            seed=seed,
            model=model_name(self._model),
            weights_sha256=weights_hash(self._model, domain=domain, prior=prior),
            consent=self.consent,
        )


def _check_numbers(
    *,
    seed: int,
    steps: int,
    guidance_scale: float = 1.0,
    fps: float | None = None,
    prior_strength: float | None = None,
    **strengths: float,
) -> None:
    """Refuses what cannot mean anything; NaN is in no range."""
    if not 0 <= seed < 2**63:
        raise ConfigError(f"a seed is a whole number from 0 to 2**63 - 1, not {seed}")
    if not 1 <= steps <= 1000:
        raise ConfigError(f"steps must be from 1 to 1000, not {steps}")
    if not 0 <= guidance_scale <= 30:
        raise ConfigError(f"guidance_scale must be from 0 to 30, not {guidance_scale}")
    for name, strength in strengths.items():
        if not 0 <= strength <= 3:
            raise ConfigError(f"{name} is a strength from 0 to 3, not {strength}")
    if prior_strength is not None and not 0 <= prior_strength <= 1:
        raise ConfigError(f"prior_strength is a share from 0 to 1, not {prior_strength}")
    if fps is not None and not 1 <= fps <= 120:
        raise ConfigError(f"fps must be from 1 to 120, not {fps:g}")


def _ingredient(role: str, thing: str | Path | np.ndarray | MotionTemplate) -> Ingredient:
    if isinstance(thing, MotionTemplate):
        return Ingredient.of_array(role, thing.motion)
    return Ingredient.of_array(role, thing) if isinstance(thing, np.ndarray) else Ingredient.of_file(role, thing)
