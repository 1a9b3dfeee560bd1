"""How a video in another look is put together.

A hub's model of pictures paints its frames, led by what is in them; or, without one, the face of a picture performs it.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

from facediff.clip import SOUND_RATE, Clip
from facediff.errors import ConfigError, SeveralFaces
from facediff.landmarks.tracker import track_still
from facediff.media import VideoReader, is_video, read_image
from facediff.media.notices import warn_of_rivals, warn_once
from facediff.motion.driver import read_driver
from facediff.options import AnimateOptions, options_of
from facediff.options.style import StyleOptions
from facediff.provenance import Ingredient, Record, check_consent, model_name, weights_hash
from facediff.rendering.source import Source
from facediff.rendering.warping import make_warper
from facediff.tasks.animate import make_animation
from facediff.tasks.model_choice import ModelChoice
from facediff.types import FaceTrack, Frame

_OF_PERFORMING = ("model", "like", "face_shape", "face", "seed", "device", "consent")  # options that want no painter


def make_style(video: Path, options: StyleOptions) -> Clip:
    """A clip, with its record, that is a video in the look that a text or a picture asks for; its own sound is kept.

    With a picture (``like``) and no painter, the person in it performs the video: see ``perform_as``. A clip of a
    painter is not to be rendered by several threads at once: networks are changed while they paint.

    Args:
        video: Whose structure is kept.
        options: How.

    Raises:
        ConfigError: There is no text, no picture or no painter, it is no video, or what is asked for wants a network
            that is not there.
        WeightsError: The painter, its ControlNet or what was tuned cannot be opened.
        MediaError, NoFaceFound: What the video, or the picture, lacks.
    """
    check_style(video, options)
    check_consent(options.consent)
    if options.model is None:
        return perform_as(video, options)
    from facediff.pipelines.painter_loading import hash_painter, load_painter  # slow; a picture wants none
    from facediff.tasks.styling import Styling

    painter = load_painter(
        options.model, controlnet=options.controlnet, tuned=options.tuned, image_adapter=options.image_adapter,
        like_strength=options.like_strength, device=options.device,
    )  # fmt: skip
    styling = Styling(video, painter, options)
    record = Record(
        task="style",
        inputs=_name_inputs(video, options),
        options=_name_models(options),
        seed=options.seed,
        model=model_name(options.model),
        weights_sha256=hash_painter(painter),
        consent=options.consent,
    )
    source = styling.source
    heard = source.sound(SOUND_RATE)
    return Clip(
        source.rate(), styling.size, len(source.track), None if heard is None else heard.wave, styling.render,
        is_tagged=source.is_tagged, record=record, sound=heard,
    )  # fmt: skip


def check_style(video: Path, options: StyleOptions) -> None:
    """Refuses what can be refused before anything is opened.

    Raises:
        ConfigError: See ``make_style``.
    """
    if options.model is None and options.like is None:
        raise ConfigError(
            "nothing paints: give a painter, the folder of a Stable Diffusion or its name on a hub; or, with like, a "
            "picture of who is to be seen"
        )
    if options.model is not None and options.like is None and not (options.text or "").strip():
        raise ConfigError("nothing is asked for: give a text of what is to be seen")
    if not is_video(video):
        raise ConfigError(f"{video} is no video; to give a portrait another's motion, animate it")
    if options.like is not None and is_video(options.like):
        raise ConfigError(f"like is a picture, not {str(options.like)!r}, which is a video: give a frame of it")
    if options.model is None:
        _refuse_painting(options)
        return
    if (options.like is None) != (options.image_adapter is None):
        raise ConfigError(
            "a painter reads texts, and an IP-Adapter shows it a picture: give image_adapter and like, or neither"
        )
    if options.face_shape:
        raise ConfigError("face_shape is for like without a painter; of what a painter is shown detail_lost is blurred")
    if options.way == "carried" and (options.tuned or options.controlnet or options.detail_lost or options.invert):
        raise ConfigError(
            "carried looks at the first frame alone: leave tuned, controlnet, detail_lost and invert out, or take "
            "way=structure"
        )


def _refuse_painting(options: StyleOptions) -> None:
    """Refuses what a painter alone can do, where there is none."""
    for name, option in options_of(StyleOptions).items():
        if name not in _OF_PERFORMING and getattr(options, name) != option.default:
            raise ConfigError(f"{name} is for a painter, and none is given: give one, or leave it out")


def perform_as(video: Path, options: StyleOptions) -> Clip:
    """A clip in which the face of a picture performs a video, by the embedded models.

    Structure is the video's: expression, gaze, the head's motion and its rotation, and, as far as is asked for, the
    shape of the face. Looks, framing and what is behind are the picture's. It is what ``animate`` does with
    ``absolute``, and the video as ``gaze_from``.

    Args:
        video: Who performs.
        options: ``like`` and ``face_shape``.

    Raises:
        MediaError, NoFaceFound: What the video or the picture lacks.
    """
    assert options.like is not None
    models, picture = ModelChoice("base", options.device), read_image(options.like)
    inputs = _name_inputs(video, options)
    source = Source(picture, _find_performer(picture, options.like), inputs[1].sha256)
    warper = make_warper(source, models.load_inpainter())
    driver = read_driver(video, face=options.face, on_rivals=partial(warn_of_rivals, video))
    asked = AnimateOptions(
        absolute=True, face_shape=options.face_shape, sound=VideoReader(video).info.has_audio, seed=options.seed
    )
    record = Record(
        task="style", inputs=inputs, options=_name_models(options), seed=options.seed, model="base",
        weights_sha256=weights_hash("base"), consent=options.consent,
    )  # fmt: skip
    return replace(make_animation(warper, driver, models, asked, turns_eyes=True), record=record)


def _find_performer(picture: Frame, like: str | Path) -> FaceTrack:
    """The largest face of a picture; ``face`` is of the video, so of several a line says which it is."""
    try:
        return track_still(picture, None, where=str(like))
    except SeveralFaces:
        warn_once(f"{like} shows several faces and the largest performs; for another cut the picture")
        return track_still(picture, "largest", where=str(like))


def _name_inputs(video: Path, options: StyleOptions) -> tuple[Ingredient, ...]:
    source = Ingredient.of_file("source", video)
    return (source,) if options.like is None else (source, Ingredient.of_file("like", options.like))


def _name_models(options: StyleOptions) -> dict[str, str | int | float | bool | None]:
    """What a record keeps of the options: of folders their last names."""
    kept = options.recorded()
    for name in ("controlnet", "tuned"):
        if kept.get(name) is not None:
            kept[name] = model_name(str(kept[name]))
    for name in ("image_adapter", "like"):
        if kept.get(name) is not None and Path(str(kept[name])).exists():
            kept[name] = Path(str(kept[name])).resolve().name
    return kept
