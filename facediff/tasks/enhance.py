"""How a soft or small video, or a picture, is made larger and sharper; no face is looked for in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np

from facediff.audio.wave import load_sound
from facediff.clip import SOUND_RATE, Clip
from facediff.errors import ConfigError
from facediff.media import VideoReader, is_video, read_image
from facediff.media.writing import CARRIED_TEXTS
from facediff.options import EnhanceOptions
from facediff.options.keywords import takes_more
from facediff.provenance import Ingredient, Record, model_name, weights_hash
from facediff.rendering.source import STILL_FPS
from facediff.tasks.model_choice import ModelChoice
from facediff.tasks.stage import check_upscale, upscale_clip
from facediff.types import Frame, SoundTrack

_LONGEST_TEXT = 4_000  # characters that are carried over


@takes_more(EnhanceOptions)
def enhance(source: str | Path, options: EnhanceOptions) -> Clip:
    """A clip that is a video, larger or sharper, with its sound, rate and texts; of a picture, a clip of one frame.

    Frames are made in all of them, each with its two neighbours in view: nobody's face is looked for.

    Args:
        source: A video or a picture file.
        options: How.

    Raises:
        ConfigError: An option is out of range, or frames would be too large for a video.
        MediaError, AudioError: What the file lacks.
    """
    path = Path(source)
    origin = Ingredient.of_file("source", path)
    kept = {name: value for name, value in options.recorded().items() if name != "consent"}
    record = Record(
        task="enhance", inputs=(origin,), options=kept, seed=options.seed, model=model_name(options.model),
        weights_sha256=weights_hash(options.model), consent=options.consent,
    )  # fmt: skip
    clip = _read_video(path, options.track) if is_video(path) else _read_picture(path, options.track)
    models, times = ModelChoice(options.model, options.device), max(2, options.upscale)
    check_upscale(clip.size, options.upscale)
    size = clip.size
    if options.upscale == 1:
        clip = replace(clip, size=((size[0] + 1) // 2, (size[1] + 1) // 2), render=_then(clip, _halve))
    made = upscale_clip(
        clip, times, models, noise=options.noise, augment=options.augment, seed=options.seed, recalls=True
    )
    if options.upscale == 1:
        made = replace(made, size=size, render=_then(made, lambda frames: _crop(frames, size)))
    return replace(made, record=record)


def _then(clip: Clip, change: Any) -> Any:
    """What renders a clip's frames and changes them."""
    render = clip.render
    return lambda part: change(render(part))


def _halve(frames: Iterable[Frame]) -> Iterator[Frame]:
    """Frames at half their size: of what was enlarged, little is lost."""
    for frame in frames:
        height, width = frame.shape[:2]
        even = cv2.copyMakeBorder(frame, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE)
        yield np.asarray(cv2.resize(even, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.uint8)


def _crop(frames: Iterable[Frame], size: tuple[int, int]) -> Iterator[Frame]:
    for frame in frames:
        yield np.ascontiguousarray(frame[: size[1], : size[0]])


def _read_picture(path: Path, track: int | None) -> Clip:
    """A picture as a clip of one frame."""
    if track is not None:
        raise ConfigError("track is of a video's sound, and a picture has none: leave it out")
    picture = read_image(path)
    return Clip(STILL_FPS, (picture.shape[1], picture.shape[0]), 1, None, lambda part: iter([picture][part]))


def _read_video(path: Path, track: int | None) -> Clip:
    """A video as it is, with its sound and its texts."""
    reader = VideoReader(path)
    info = reader.info
    sound: SoundTrack | None = None
    if track is not None or info.has_audio:
        sound = load_sound(path, sample_rate=SOUND_RATE, track=track)

    def render(part: slice) -> Iterator[Frame]:
        return (frame for _, frame in reader.take(range(part.start, part.stop)))

    count = reader.count()
    return Clip(
        info.fps, (info.width, info.height), count, None if sound is None else sound.wave, render,
        preview_index=count // 2, is_tagged=info.is_tagged, sound=sound, texts=_texts(path),
    )  # fmt: skip


def _texts(path: Path) -> dict[str, str]:
    """What a container says of the film in it."""
    try:
        with av.open(str(path)) as container:
            told = dict(container.metadata)
    except (av.FFmpegError, OSError):  # a picture that moves is opened by another library
        return {}
    kept = {name.lower(): text for name, text in told.items() if len(text) <= _LONGEST_TEXT}
    return {name: kept[name] for name in CARRIED_TEXTS if name in kept}
