"""READ FIRST: a face that can be made to speak and to move; a ``Clip`` comes of it.

avatar = Avatar.from_image("portrait.jpg")          # or Avatar.from_video("me.mp4")
avatar.talk("speech.wav", seed=7).save("hello.mp4")
avatar.animate("driving.mp4").save("moved.mp4")
avatar.edit(smile=0.6).save("smile.mp4")
avatar.live()                                       # speaks while the sound still comes in

Importing it loads no network library; what makes a clip is imported when one is made.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from facediff.errors import ConfigError, InputError
from facediff.landmarks.tracker import track_face, track_still
from facediff.media import VideoReader, is_video
from facediff.media.images import take_picture
from facediff.media.notices import warn_of_rivals
from facediff.motion.template import SUFFIXES, MotionTemplate
from facediff.options import (
    CLIP_MODEL,
    AnimateOptions,
    Checked,
    DragOptions,
    EditOptions,
    ExtendOptions,
    PortraitOptions,
    SourceOptions,
    TalkOptions,
    VideoOptions,
    options_of,
)
from facediff.options.keywords import takes, takes_more
from facediff.options.live import IdleOptions, LiveOptions
from facediff.options.performance import read_performance, split_timed
from facediff.options.staging import StagingOptions, is_staged
from facediff.provenance import Ingredient, Record, check_consent
from facediff.system.files import is_saved_avatar, shown_file
from facediff.tasks import saved_avatar
from facediff.tasks.record import describe_input, make_record
from facediff.tasks.strengths import read_strengths, write_strengths
from facediff.types import FaceTrack, Frame, Wave

if TYPE_CHECKING:
    from PIL.Image import Image

    from facediff.clip import Clip
    from facediff.live.session import LiveSession
    from facediff.rendering.warping import Warper
    from facediff.tasks.model_choice import ModelChoice
    from facediff.tasks.stage import Staging

_USUAL = TalkOptions()


class Avatar:
    """A face with a voice to come: from a portrait or from a video.

    Models are loaded at the first rendering and kept; avatars share them. Rendering one avatar from several threads
    at once is safe, since nothing is written to it, but no faster.
    """

    def __init__(
        self, source: Frame | Path, track: FaceTrack, origin: Ingredient, options: SourceOptions,
        opacity: NDArray[np.uint8] | None = None,
    ) -> None:  # fmt: skip
        """Use ``from_image``, ``from_video``, ``from_file`` or ``load``."""
        from facediff.rendering.source import Source

        check_consent(options.consent)
        # Refuses what would fail later.
        self._source = Source(source, track, origin.sha256, options.on_missing_face, opacity=opacity)
        self._origin, self._options = origin, options
        self.track, self.consent = track, options.consent

    @classmethod
    @takes(PortraitOptions)
    def from_image(cls, image: str | Path | Frame | Image, options: PortraitOptions) -> Avatar:
        """An avatar of a portrait.

        Args:
            image: A picture file, RGB (H, W, 3) or RGBA (H, W, 4) uint8, or a picture of Pillow's. What is transparent
                is white, until another background is asked for.
            options: How.

        Raises:
            ConfigError: An option is none of its choices.
            InputError: It is something else, or an array of another shape or type.
            MediaError, NoFaceFound, SeveralFaces: What the picture lacks.
        """
        picture, opacity = take_picture(image)
        where = str(image) if isinstance(image, (str, Path)) else "the picture"
        track = track_still(picture, options.face, where=where)
        origin = describe_input("source", image if isinstance(image, (str, Path)) else picture)
        return cls(picture, track, origin, SourceOptions(**vars(options)), opacity)

    @classmethod
    @takes(VideoOptions)
    def from_video(cls, video: str | Path, options: VideoOptions) -> Avatar:
        """An avatar of a video, to be dubbed: only the lower face will change.

        Args:
            video: A video file.
            options: How.

        Raises:
            ConfigError: An option is none of its choices.
            MediaError, NoFaceFound, SeveralFaces: What the video lacks.
        """
        reader = VideoReader(video)
        tell = partial(warn_of_rivals, Path(video))
        track = track_face(reader, float(reader.info.fps), face=options.face, on_rivals=tell)
        face = None if options.face == "largest" else options.face
        return cls(
            Path(video), track, describe_input("source", video), SourceOptions(**{**vars(options), "face": face})
        )

    @classmethod
    @takes(SourceOptions)
    def from_file(cls, file: str | Path, options: SourceOptions) -> Avatar:
        """An avatar of a portrait or of a video, whichever the file is; of a video, the largest face.

        Args:
            file: A picture or a video file, or a folder that ``save`` wrote, whose settings hold where no others
                are given.
            options: How.

        Raises:
            ConfigError: An option is none of its choices, or another face of a saved avatar is asked for.
            InputError: It is a saved motion.
            MediaError, NoFaceFound, SeveralFaces: What the file lacks.
        """
        if Path(file).suffix.lower() in SUFFIXES:
            raise InputError(
                f"{file} is a saved motion, which has no face of its own; it can drive a picture or a video"
            )
        if is_saved_avatar(Path(file)):
            return cls._loaded(Path(file), options)
        if is_video(file):
            return cls.from_video(
                file, **{**vars(options), "face": "largest" if options.face is None else options.face}
            )
        return cls.from_image(file, **{name: getattr(options, name) for name in options_of(PortraitOptions)})

    @classmethod
    def load(cls, folder: str | Path, *, device: str | None = None) -> Avatar:
        """The avatar that ``save`` wrote; its face is not looked for again.

        Raises:
            MediaError: There is none, or it is damaged.
        """
        return cls._loaded(Path(folder), SourceOptions(device=device))

    @classmethod
    def _loaded(cls, folder: Path, chosen: SourceOptions) -> Avatar:
        """A saved avatar, with what was chosen anew in the place of its settings."""
        kept = saved_avatar.load(folder)
        if chosen.face not in (None, kept.face):
            raise ConfigError(
                f"{folder} is a saved avatar of one face; for another make it anew, or give {shown_file(folder)}"
            )
        named = {name: getattr(kept, name) for name in options_of(SourceOptions) if hasattr(kept, name)}
        anew = {
            name: value for name, option in options_of(SourceOptions).items()
            if (value := getattr(chosen, name)) != option.default
        }  # fmt: skip
        options = SourceOptions(**{**named, **anew})
        origin = Ingredient("source", kept.name, kept.sha256, kept.manifest)
        return cls(kept.source, kept.track, origin, options, kept.opacity)

    def save(self, folder: str | Path) -> Path:
        """Writes source, landmarks, settings and consent into a folder of its own, whole or not at all.

        Raises:
            OutputError: It is there already, or cannot be written.
        """
        source, origin, options = self._source, self._origin, self._options
        kept = saved_avatar.SavedAvatar(
            source.content, source.track, origin.name, origin.sha256, options.model, options.face,
            options.on_missing_face, self.consent, origin.manifest, source.opacity,
        )  # fmt: skip
        saved_avatar.save(kept, Path(folder))
        return Path(folder)

    @cached_property
    def _warper(self) -> Warper:
        """What moves the source; it serves all clips, so what no clip changes is done once."""
        from facediff.rendering.warping import make_warper
        from facediff.tasks.model_choice import ModelChoice

        return make_warper(self._source, ModelChoice(self._options.model, self._options.device).load_inpainter())

    @cached_property
    def _cut_out(self) -> Warper:
        """The same with nothing but the person; a portrait's."""
        from facediff.rendering.warping import make_warper
        from facediff.tasks.stage import cut_out

        return make_warper(cut_out(self._source), self._models().load_inpainter())

    def _stage(self, options: StagingOptions) -> Staging | None:
        """What puts a clip on a stage, if one is asked for."""
        if not is_staged(options):
            return None
        from facediff.tasks.stage import Staging

        return Staging(self._source, options, self._models())

    def _moving(self, staging: Staging | None) -> Warper:
        """What moves on a stage."""
        return self._cut_out if staging is not None and staging.is_cut_out else self._warper

    def prepare(self) -> Avatar:
        """Does now what every clip needs and no clip changes: the outline of the person, teeth, lids, a steady track.

        Without it, the first frame of the first clip waits for that. Returns the avatar itself.
        """
        self._warper.prepare()
        return self

    @takes(TalkOptions)
    def talk(self, speech: str | Path | Wave | None = None, options: TalkOptions = _USUAL) -> Clip:
        """A clip in which the avatar says what is heard.

        Args:
            speech: A file with sound, or a mono wave at 16 kHz, floats or int16; None where ``say`` is a text.
            options: How.

        Raises:
            AudioError: The sound cannot be used, or a voice says nothing.
            MissingExtra: A voice's engine is not installed.
            ConfigError: A number is out of range, or something is said about a domain and there is none.
            WeightsError: There is no such domain model, or it was trained for another model.
        """
        from facediff.tasks.model_choice import ModelChoice
        from facediff.tasks.talk import check_speech, make_talk

        check_speech(speech, options)
        staging = self._stage(options)
        record = self._record("talk", options, None if speech is None else describe_input("speech", speech))
        models = ModelChoice(
            self._options.model, self._options.device, options.scheduler, options.domain, options.prior,
            options.prior_strength, options.text,
        )  # fmt: skip
        warper = self._moving(staging)
        if options.speakers is not None:
            from facediff.tasks.dialogue import find_people, make_dialogue

            people = find_people(self._source)
            clip = make_dialogue(warper.source, people, models, options)
            return _finish(clip, warper, staging and staging.of(people), record)
        return _finish(make_talk(warper, speech, models, options), warper, staging, record)

    @takes(AnimateOptions)
    def animate(self, driving: str | Path | MotionTemplate, options: AnimateOptions) -> Clip:
        """A clip in which the avatar moves as a driver does.

        The driver's motion is added to the avatar's own face at rest, so the shape of the face stays the avatar's. A
        video keeps its own head motion and its own rate, and takes over expressions; ``after`` says what follows where
        it is shorter or longer than the driver.

        Args:
            driving: A video, a folder of frames, a motion saved by ``facediff motion extract``, or a picture of an
                expression.
            options: How.

        Raises:
            MediaError, NoFaceFound, AudioError: What the driver lacks.
            ConfigError: A setting is out of range, or asks a video to turn its head.
        """
        from facediff.tasks.animate import make_animation
        from facediff.tasks.model_choice import ModelChoice

        staging = self._stage(options)
        record = self._record("animate", options, describe_input("driving", driving))
        models = ModelChoice(
            self._options.model, self._options.device, options.scheduler, options.domain, options.prior,
            options.prior_strength,
        )  # fmt: skip
        warper = self._moving(staging)
        return _finish(make_animation(warper, driving, models, options), warper, staging, record)

    @takes_more(EditOptions)
    def edit(self, options: EditOptions, **strengths: float) -> Clip:
        """A clip in which the avatar is another in some ways, all through: ``avatar.edit(smile=0.6, beard=0.3)``.

        Expressions (``smile``, ``mouth_open``, ``brows_up``, ``eyes_closed``, ``gaze_right``, ``gaze_down``,
        ``head_left``, ``head_down``, ``head_tilt``) move the face. Attributes
        (``facediff edit --list-attributes``) change what it looks like, alike in all frames, and so does a text,
        by the one identity vector that the whole video has. A video keeps its frame rate and its sound; on a
        portrait expressions appear, and are held for two seconds.

        Args:
            options: How.
            strengths: By name, from -2 to 2; at 1 an attribute changes by as much as people differ in it. As text
                an expression may have a time range, ``attributes="smile=0.6@3s-7s"``.

        Raises:
            ConfigError: A wish is unknown or out of range, or there is none.
            WeightsError: There is no CLIP model where a text wants one.
        """
        from facediff.tasks.edit import make_edit
        from facediff.tasks.identity import usual_method
        from facediff.tasks.model_choice import ModelChoice

        lasting, timed = split_timed(options.attributes)
        cues = ", ".join(filter(None, (options.emotion, timed))) or None
        options = replace(options, attributes=lasting, emotion=cues)
        wanted = read_strengths(options.attributes, strengths)
        is_another = is_staged(options) or options.fps is not None
        if not (wanted or options.text or options.eye_contact or read_performance(options) or is_another):
            raise ConfigError("nothing is wished for: give attributes, as in smile=0.6, or a text")
        options = replace(
            options, attributes=write_strengths(wanted) or None,
            clip_model=options.clip_model if options.text else CLIP_MODEL,
            method=options.method or usual_method(wanted, self._options.model),
        )  # fmt: skip
        staging = self._stage(options)
        record = self._record("edit", options)
        models = ModelChoice(self._options.model, self._options.device)
        warper = self._moving(staging)
        return _finish(make_edit(warper, wanted, models, options, record.weights_sha256), warper, staging, record)

    @takes_more(LiveOptions)
    def live(self, options: LiveOptions) -> LiveSession:
        """A live session: sound is pushed as it comes, and frames that say it are read as they are due.

        What renders is a process of its own, whose models are loaded while this returns; ``first_frame`` waits for it.
        Every frame is watermarked; ``session.record.to_json()`` says how the stream is made.

        Args:
            options: How.

        Raises:
            ConfigError: A number is out of range, or the avatar is a video.
        """
        from facediff.live.engine import Portrait
        from facediff.live.session import LiveSession

        portrait = Portrait.of(self._source, options.size)
        return LiveSession(portrait, self._record("live", options), self._options.model, self._options.device, options)

    @takes(LiveOptions)
    def stream(self, speech: str | Path | Wave, options: LiveOptions) -> Clip:
        """The clip that a live session gives of a speech whose sound comes in as time goes by; frame by frame.

        Args:
            speech: A file with sound, or a mono wave at 16 kHz, floats or int16.
            options: How; a file is labelled where it is saved, and every frame is waited for.

        Raises:
            AudioError: The sound cannot be used.
            ConfigError: A number is out of range, or the avatar is a video.
        """
        from facediff.live.recording import record_stream

        record = self._record("live", options, describe_input("speech", speech))
        return replace(record_stream(self._source, speech, self._models(), options), record=record)

    @takes_more(IdleOptions)
    def idle(self, options: IdleOptions) -> Clip:
        """A silent clip in which the avatar breathes, blinks and looks about, as a live one does between speeches.

        Args:
            options: How.

        Raises:
            ConfigError: A number is out of range, or the avatar is a video.
        """
        from facediff.live.recording import record_idle

        staging = self._stage(options)
        warper, record = self._moving(staging), self._record("idle", options)
        return _finish(record_idle(warper.source, self._models(), options), warper, staging, record)

    @takes_more(ExtendOptions)
    def extend(self, options: ExtendOptions) -> Clip:
        """A clip that is the avatar's video and how it goes on: head, gaze and brows do what they did let expect.

        Args:
            options: How.

        Raises:
            ConfigError: A number is out of range, or the avatar is a portrait.
            NoFaceFound: The video ends without a face.
        """
        from facediff.tasks.extend import make_extension

        return replace(make_extension(self._source, self._models(), options), record=self._record("extend", options))

    @takes_more(DragOptions)
    def drag(self, options: DragOptions) -> Clip:
        """A clip in which points of the face are taken along strokes, and all of it follows as faces do.

        ``avatar.drag(strokes="320,410:320,440")``, or ``Strokes`` of ``facediff.options``. A portrait moves, eased, and
        is held. To a video the motion is added from ``frame`` on, and goes with its head. No stroke, no motion.

        Args:
            options: How.

        Raises:
            ConfigError: A stroke begins off the face, or goes where no face does; or there is no such frame.
            NoFaceFound: The frame shows no face.
        """
        from facediff.tasks.drag import make_drag

        staging = self._stage(options)
        warper, record = self._moving(staging), self._record("drag", options)
        return _finish(make_drag(warper, self._models(), options), warper, staging, record)

    def _models(self) -> ModelChoice:
        from facediff.tasks.model_choice import ModelChoice

        return ModelChoice(self._options.model, self._options.device)

    def _record(self, task: str, options: Checked, second: Ingredient | None = None) -> Record:
        return make_record(task, options, self._options, self._origin, second)


def _finish(clip: Clip, warper: Warper, staging: Staging | None, record: Record) -> Clip:
    """A clip on its stage, with its record."""
    return replace(clip if staging is None else staging(clip, warper.source), record=record)
