"""READ FIRST: a face that can be made to speak and to move; a ``Clip`` comes of it.

avatar = Avatar.from_image("portrait.jpg")          # or Avatar.from_video("me.mp4")
avatar.talk("speech.wav", seed=7).save("hello.mp4")
avatar.animate("driving.mp4").save("moved.mp4")
avatar.edit(smile=0.6).save("smile.mp4")
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from fractions import Fraction
from inspect import signature
from itertools import chain, islice, repeat
from pathlib import Path

import numpy as np

from facediff import saved_avatar, shared_models
from facediff.audio.wave import SAMPLE_RATE, load_wave
from facediff.audio.windows import exact_rate, frame_count
from facediff.clip import SOUND_RATE, Clip
from facediff.edits import IdentityEdit, Source, attribute_names, express, regions_of, split_wishes
from facediff.errors import ConfigError, InputError
from facediff.landmarks import motion as layout
from facediff.landmarks.expressions import expression
from facediff.landmarks.templates import MotionTemplate
from facediff.landmarks.tracker import track_face, track_still
from facediff.media import VideoReader, read_image
from facediff.pipelines.adapted_talk import AdaptedTalkPipeline
from facediff.pipelines.difftalk import DiffTalkPipeline
from facediff.pipelines.domains import domain_hash
from facediff.pipelines.editors import Editor, LinearEditor
from facediff.pipelines.motion import MotionPipeline
from facediff.pipelines.video_adapter import Mix
from facediff.provenance import Ingredient, Record, check_consent, model_name, weights_hash
from facediff.rendering.codings import check_method, coding
from facediff.rendering.compare import panel_width, side_by_side
from facediff.rendering.driving import Driver, appearing, channels, read_driver, scaled, shown, within_reach
from facediff.rendering.edit import WHOLE
from facediff.rendering.playback import there_and_back
from facediff.rendering.reference import Reference
from facediff.rendering.refine import FaceRefiner, RefineSettings
from facediff.rendering.shot import Shot
from facediff.rendering.shots import DrivenVideoShots, GuidedStillShots, StillShots, VideoShots
from facediff.rendering.talk import MouthPainter, PaintSettings
from facediff.types import FaceTrack, Frame, Wave
from facediff.wishes import read_wishes, write_wishes

STILL_FPS = Fraction(25)
CLIP_MODEL = "openai/clip-vit-base-patch16"
EDIT_METHOD = "delta"


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
        self._source, self.track, self._origin = source, track, origin
        self._model, self._device, self._on_missing_face = model, device, on_missing_face
        self.consent, self._face = consent, face

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
        VideoShots(track, on_missing_face=on_missing_face)  # refuse now what would fail later
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
        kept = saved_avatar.SavedAvatar(
            self._source, self.track, self._origin.name, self._origin.sha256, self._model, self._face,
            self._on_missing_face, self.consent,
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
            fps: Frames per second of a portrait's clip, 25 by default; a video keeps its own.
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
            seed=seed,
            steps=steps,
            guidance_scale=guidance_scale,
            lips=lips,
            head=head,
            fps=fps,
            prior_strength=prior_strength,
        )
        hearing = None if audio_encoder is None else model_name(audio_encoder)
        record = self._record(
            "talk", _ingredient("speech", speech), seed, steps=steps, guidance_scale=guidance_scale, lips=lips,
            head=head, still=still, scheduler=scheduler, audio_encoder=hearing, fps=fps, progressive=progressive,
            paint=paint, prior_strength=prior_strength, text=text, domain=domain, prior=prior,
        )  # fmt: skip
        wave, sound = _heard(speech)
        is_still = isinstance(self._source, np.ndarray)
        rate = exact_rate(STILL_FPS if fps is None else fps) if is_still else self._video_rate(fps)
        count = frame_count(len(wave), rate)
        motion_model, painting = self._talking(scheduler, domain, prior, prior_strength, text)
        motion = motion_model(wave, seed=seed, lips=lips, head=head, still=still)
        rows = layout.resample(motion, layout.MOTION_FPS, rate, count)
        encoder = shared_models.hearing(painting, audio_encoder, self._device)
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
        best = int(np.argmax(opening))
        return Clip(
            rate, self.track.size, count, sound, render, preview_index=best, is_tagged=self._is_tagged(), record=record
        )

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
        chosen = channels(region)
        is_still = isinstance(self._source, np.ndarray)
        if not is_still and (region == "pose" or absolute):
            raise ConfigError("a video keeps its own head motion; give a portrait, or the region 'expression'")
        driver = read_driver(driving)
        strengths = {"lips": lips, "eyes": eyes, "brows": brows, "head": head}
        template = replace(driver.template, motion=scaled(driver.template.motion, **strengths))
        strong = replace(driver, template=template)
        if is_still:
            template = shown(strong, driver.template.fps if not driver.is_still else STILL_FPS)
        else:
            template = shown(strong, self._video_rate(None))
        rows, rate = np.where(chosen, template.motion, np.float32(0)), template.fps
        refining = shared_models.refiner(self._model, self._device, scheduler) if paint else None
        settings = RefineSettings(num_inference_steps=steps, seed=seed)
        painting = None
        if domain is not None or prior is not None or prior_strength is not None:
            _, painting = self._talking(scheduler, domain, prior, prior_strength, None)
        moves_lips = bool(chosen[layout.LIPS].any())
        own = driver.motion_of(self.track) if is_still and not absolute else None
        since = None if own is None else np.where(chosen, scaled(own, **strengths), np.float32(0))
        if is_still and since is None:
            rows = within_reach(rows)
        guided = None
        if since is not None and chosen.all() and set(strengths.values()) == {1.0}:
            guided = driver.landmarks_for(self.track)

        def render(part: slice) -> Iterator[Frame]:
            if guided is not None:
                shots = GuidedStillShots(self._source, self.track, guided)(part)
            elif is_still:
                rotation = template.rotation if absolute else None
                still = StillShots(self._source, self.track, rotation=rotation, closes_lips=moves_lips, since=since)  # type: ignore[arg-type]
                shots = still(rows[part])
            else:
                shots = self._video_shots(rows, part, chosen)
            if refining is not None:
                refined = FaceRefiner(refining, settings)
                if painting is None:
                    return refined(shots)
                return MouthPainter(painting, PaintSettings(seed=seed))(refined.shots(shots))
            return (shot.coarse if isinstance(shot, Shot) else shot for shot in shots)

        wave = load_wave(_sound_of(driver), sample_rate=SOUND_RATE) if sound else None
        clip = Clip(
            rate,
            self.track.size,
            len(rows),
            wave,
            render,
            preview_index=_liveliest(rows),
            is_tagged=self._is_tagged(),
            record=record,
        )
        return self._beside(clip, driver) if compare else clip

    def edit(
        self,
        *,
        attributes: str | None = None,
        text: str | None = None,
        text_strength: float = 1.0,
        clip_model: str = CLIP_MODEL,
        seed: int = 0,
        method: str = EDIT_METHOD,
        steps: int | None = None,
        cached: bool = True,
        **strengths: float,
    ) -> Clip:
        """A clip in which the avatar is another in some ways, all through: ``avatar.edit(smile=0.6, beard=0.3)``.

        Expressions (``smile``, ``mouth_open``, ``brows_up``, ``eyes_closed``, ``gaze_right``, ``gaze_down``,
        ``head_left``, ``head_down``, ``head_tilt``) move the face. Attributes
        (``facediff edit --list-attributes``) change the one identity vector that the whole video has, and
        so does a text. A video keeps its frame rate and its sound; on a portrait expressions appear, and are
        held for two seconds.

        Args:
            attributes: Strengths as text, "smile=0.6, beard=0.3", beside those given by name.
            text: What is wanted, "face with eyeglasses"; takes a CLIP model.
            text_strength: How far to go the way that the text says.
            clip_model: A CLIP model of a hub, or its folder.
            seed: Equal seeds give equal frames on one machine.
            method: How frames are coded: ``delta`` adds to each what changes of it, in few network calls;
                ``inversion`` is the paper's, which decodes the frame's own noise under another identity.
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
        check_method(method)
        record = self._record(
            "edit", None, seed, attributes=write_wishes(wishes) or None, text=text, text_strength=text_strength,
            clip_model=model_name(clip_model) if text else CLIP_MODEL, method=method, steps=steps,
        )  # fmt: skip
        is_still = isinstance(self._source, np.ndarray)
        moving, changing = split_wishes(wishes, attribute_names(self._model))
        source = Source(self.track, self._frames_from, self._origin.sha256, self._on_missing_face)
        editors: list[Editor] = []
        identity_edit: IdentityEdit | None = None
        if changing or text:
            autoencoder, classifier = shared_models.editing(self._model, self._device)
            identity_edit = IdentityEdit(
                source, autoencoder, weights_hash(self._model), coding(method, autoencoder, steps, seed),
                is_kept=cached and not is_still,
            )  # fmt: skip
            editors = [LinearEditor(classifier, changing)] if changing else []
            if text:
                editors.append(
                    identity_edit.towards(text, shared_models.clip_editor(clip_model, self._device), text_strength)
                )
        regions = (*regions_of(changing), *(WHOLE if text else ()))
        refining = shared_models.refiner(self._model, self._device, None) if moving else None
        added = expression(moving)
        rate = STILL_FPS if is_still else self._video_rate(None)
        motion = appearing(added, rate) if is_still else np.broadcast_to(added, (len(self.track), len(added)))

        def render(part: slice) -> Iterator[Frame]:
            shown: Iterable[Frame] = source.frames(part.start)
            if is_still:
                shown = [self._source]  # type: ignore[list-item]
            numbers: Iterable[int] = range(1) if is_still else range(part.start, part.stop)
            if identity_edit is not None:
                shown = identity_edit(zip(numbers, shown, strict=False), editors, regions)
            if is_still:
                shown, numbers = repeat(next(iter(shown)), part.stop - part.start), repeat(0)
            if refining is None:
                return islice(shown, part.stop - part.start)
            return express(source, zip(numbers, shown, strict=False), motion[part], refining, seed=seed)

        usable = np.flatnonzero(self.track.usable)
        best = len(motion) - 1 if is_still else int(usable[len(usable) // 2])
        return Clip(
            rate, self.track.size, len(motion), self._own_sound(), render, preview_index=best,
            is_tagged=self._is_tagged(), record=record,
        )  # fmt: skip

    def _frames_from(self, start: int) -> Iterator[Frame]:
        """The source's own frames from an index on."""
        if isinstance(self._source, np.ndarray):
            return iter([self._source][start:])
        return islice(iter(VideoReader(self._source)), start, len(self.track))

    def _own_sound(self) -> Wave | None:
        if isinstance(self._source, np.ndarray) or not VideoReader(self._source).info.has_audio:
            return None
        return load_wave(self._source, sample_rate=SOUND_RATE)

    def _talking(
        self,
        scheduler: str | None,
        domain: str | Path | None,
        prior: str | Path | None,
        prior_strength: float | None,
        text: str | None,
    ) -> tuple[MotionPipeline, DiffTalkPipeline]:
        """What makes motion and what paints, of a domain where one is given."""
        if domain is None:
            if prior is not None or prior_strength is not None or text is not None:
                raise ConfigError("a prior, its strength and a text are for a domain model: give a domain too")
            return shared_models.talking(self._model, self._device, scheduler)
        motion, painting = shared_models.adapted(
            self._model,
            str(domain),
            domain_hash(domain),
            None if prior is None else str(prior),
            self._device,
            scheduler,
        )
        if not isinstance(painting, AdaptedTalkPipeline):
            if prior is not None or prior_strength is not None or text is not None:
                raise ConfigError("a domain model of low rank is one with its base: it takes no prior and no text")
            return motion, painting
        strength = painting.mix.strength if prior_strength is None else prior_strength
        return motion, painting.mixed(Mix(strength=strength), text or "")

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
        options |= {"face": self._face, "on_missing_face": self._on_missing_face}
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

    def _beside(self, clip: Clip, driver: Driver) -> Clip:
        """A clip with what drives it and what it was made of on its left."""
        height = self.track.size[1]
        panels = [self.track.size, self.track.size]
        first = next(driver.frames(clip.fps, 1), None)
        if first is not None:
            panels.insert(0, (first.shape[1], first.shape[0]))

        def render(part: slice) -> Iterator[Frame]:
            streams: list[Iterator[Frame]] = [self._own_frames(part), clip.render(part)]
            if first is not None:
                streams.insert(0, islice(driver.frames(clip.fps, part.stop), part.start, None))
            return side_by_side(*streams)

        width = sum(panel_width(size, height) for size in panels)
        return replace(clip, size=(width, height), render=render, is_tagged=True)

    def _own_frames(self, part: slice) -> Iterator[Frame]:
        if isinstance(self._source, np.ndarray):
            return repeat(self._source)
        frames = there_and_back(VideoReader(self._source), len(self.track))
        return (frame for _, frame in islice(frames, part.start, part.stop))

    def _is_tagged(self) -> bool:
        return isinstance(self._source, np.ndarray) or VideoReader(self._source).info.is_tagged

    def _video_rate(self, fps: float | None) -> Fraction:
        own = VideoReader(self._source).info.fps  # type: ignore[arg-type]
        if fps is not None and abs(fps - float(own)) > 0.01:
            raise ConfigError(f"a video keeps its own rate of {float(own):g} frames a second; fps is for portraits")
        return own

    def _still_shots(self, rows: np.ndarray):
        return StillShots(self._source, self.track)(rows)  # type: ignore[arg-type]

    def _video_shots(self, rows: np.ndarray, part: slice, chosen: np.ndarray | None = None):
        if chosen is None:
            shots = VideoShots(self.track, on_missing_face=self._on_missing_face)
        else:
            shots = DrivenVideoShots(self.track, chosen, on_missing_face=self._on_missing_face)
        best = shots.best_reference()
        reader = VideoReader(self._source)  # type: ignore[arg-type]
        picture = next(islice(iter(reader), best, None))
        frames = islice(there_and_back(reader, len(self.track)), part.start, part.stop)
        return shots(frames, rows[part], Reference(picture, shots.track.points[best]))


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


def _sound_of(driver: Driver) -> Path:
    if driver.path is None or not driver.path.is_file():
        raise ConfigError("only a driving video has a sound to carry over")
    return driver.path


def _liveliest(rows: np.ndarray) -> int:
    """The frame that shows most of a motion (T, 31)."""
    deviation = rows.std(axis=0) + 1e-6
    return int(np.abs(rows / deviation).sum(axis=1).argmax())


def _heard(speech: str | Path | Wave) -> tuple[Wave, Wave]:
    """The speech at the models' rate and at the clip's."""
    if isinstance(speech, np.ndarray):
        if speech.ndim != 1 or not speech.size:
            raise InputError(f"a wave is mono and not empty, (N,) at 16 kHz, not of shape {speech.shape}")
        wave = np.asarray(speech, np.float32)
        steps = np.arange(len(wave) * SOUND_RATE // SAMPLE_RATE) * (SAMPLE_RATE / SOUND_RATE)
        return wave, np.interp(steps, np.arange(len(wave)), wave).astype(np.float32)
    return load_wave(speech), load_wave(speech, sample_rate=SOUND_RATE)
