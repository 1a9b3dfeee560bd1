"""How a clip is staged: its person cut out before it is made, and put before what is wanted when it is."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from copy import copy
from dataclasses import replace
from itertools import islice

import numpy as np

from facediff.clip import Clip
from facediff.errors import ConfigError, MediaError
from facediff.landmarks.head_pose import count_quarter_turns
from facediff.media import read_image
from facediff.options.staging import MOST_SIDE, StagingOptions, read_background, read_size
from facediff.rendering.enlarging import Enlarger
from facediff.rendering.source import Source
from facediff.rendering.staging.framing import Window, choose_window
from facediff.rendering.staging.matting import cut_by_opacity, estimate_foreground, find_matte
from facediff.rendering.staging.stage import Backdrop, Stage, blur_behind, fill_picture
from facediff.tasks import model_cache
from facediff.tasks.model_choice import ModelChoice
from facediff.types import FaceTrack, Frame

LEAST_PERSON = 0.01  # of the picture, below which nobody is told from what is behind


def cut_out(source: Source) -> Source:
    """A portrait with nothing but the person in it, whose matte goes with them wherever they move.

    Who came cut out stays as they are; else they are looked for.

    Raises:
        MediaError: No person is told from what is behind.
    """
    picture, quarters = source.frame(0), _quarters_of(source)
    if source.opacity is None:
        matte = find_matte(picture, quarters=quarters)
        person, how = estimate_foreground(picture, matte), b""
    else:
        person, matte = cut_by_opacity(picture, source.opacity, quarters=quarters)
        how = source.opacity.tobytes()
    if matte.mean() < LEAST_PERSON:
        raise MediaError(f"{source.name} shows no person who could be told from what is behind them")
    other = hashlib.sha256(f"{source.sha256} cut out".encode() + how).hexdigest()
    levels = np.rint(255 * matte).astype(np.uint8)
    return replace(source, content=person, matte=levels, sha256=other)


def _quarters_of(source: Source) -> int:
    """By how many quarters its picture is turned, as its face stands as a rule."""
    return count_quarter_turns(np.median(source.track.points[source.track.usable], axis=0))


class Staging:
    """What is asked for of a stage, read before anything is rendered.

    Args:
        source: As it was filmed.
        options: What is asked for.
        models: What makes it larger, if that is asked for.

    Raises:
        ConfigError: The background is no picture, or the frames would be too large for a video.
        MediaError: It cannot be read.
    """

    def __init__(self, source: Source, options: StagingOptions, models: ModelChoice) -> None:
        self._source, self._options, self._models, self._tracks = source, options, models, [source.track]
        check_upscale(source.track.size, options.upscale)
        self._background = read_background(options)
        self._picture: Frame | None = None
        if self._background is not None and self._background.picture is not None:
            self._picture = _read(self._background.picture)

    def of(self, tracks: list[FaceTrack]) -> Staging:
        """The same for several people."""
        other = copy(self)
        other._tracks = tracks
        return other

    @property
    def is_cut_out(self) -> bool:
        """Whether the person of a portrait is to be cut out before they move."""
        return self._background is not None and self._source.is_still

    def __call__(self, clip: Clip, cut: Source | None = None) -> Clip:
        """The clip on its stage.

        Args:
            clip: Of what was cut out, or of the source.
            cut: What was cut out.
        """
        clip = upscale_clip(clip, self._options.upscale, self._models)
        whole = tuple(self._options.upscale * side for side in self._source.track.size)
        is_scaled = max(abs(whole[0] - clip.size[0]), abs(whole[1] - clip.size[1])) > 1  # of idle clips, already
        window = None if is_scaled else self._window()
        size = clip.size if window is None else window.size
        backdrop, plate = self._backdrop(size), None
        if self._background is not None and self._background.is_blurred and cut is not None and cut.matte is not None:
            plate = blur_behind(self._source.frame(0), cut.matte.astype(np.float32) / np.float32(255))
        stage, render = Stage(backdrop, window, plate, _quarters_of(self._source)), clip.render
        is_transparent = backdrop is not None and backdrop.is_transparent
        return replace(clip, size=size, render=lambda part: stage(render(part)), is_transparent=is_transparent)

    def _window(self) -> Window | None:
        options = self._options
        if options.size is None and options.framing is None:
            return None
        longest = options.size if isinstance(options.size, int) else None
        tracks = [track.scale(options.upscale) for track in self._tracks]
        return choose_window(tracks, options.framing, read_size(options.size), longest)

    def _backdrop(self, size: tuple[int, int]) -> Backdrop | None:
        wanted = self._background
        if wanted is None:
            return None
        if wanted.colour is not None:
            return Backdrop(np.full((size[1], size[0], 3), wanted.colour, np.uint8))
        if self._picture is not None:
            return Backdrop(fill_picture(self._picture, size))
        return Backdrop(is_transparent=wanted.is_transparent)


def check_upscale(size: tuple[int, int], times: int) -> None:
    """Refuses to make frames larger than videos have them.

    Args:
        size: Width and height, in pixels, before.
        times: How many times as large.

    Raises:
        ConfigError: A side would be too long.
    """
    wide, tall = (times * side for side in size)
    if times > 1 and max(wide, tall) > MOST_SIDE:
        raise ConfigError(
            f"upscale is 1 for {size[0]}x{size[1]} pixels, not {times}: {wide}x{tall} would be more than the "
            f"{MOST_SIDE} pixels that a side of a video may have"
        )


def upscale_clip(
    clip: Clip,
    times: int,
    models: ModelChoice,
    *,
    noise: float = 0.0,
    augment: float = 0.0,
    seed: int = 0,
    recalls: bool = False,
) -> Clip:
    """A clip so many times as large, a power of two; see ``Enlarger``.

    Args:
        clip: That is enlarged.
        times: How many times.
        models: Whose network.
        noise: Of its own frames.
        augment: That is added to them.
        seed: Of what is added.
        recalls: Whether frames look at their neighbours. What is filmed has in them what one frame lacks; what is made
            of one portrait has nothing more.
    """
    for _ in range(times.bit_length() - 1):
        network = model_cache.load_super_resolver(models.model, models.device)
        clip = _double(clip, Enlarger(network, noise=noise, augment=augment, seed=seed, recalls=recalls))
        noise = augment = 0.0  # the first doubling has taken it out
    return clip


def _double(clip: Clip, enlarger: Enlarger) -> Clip:
    """A clip enlarged: a part of it has the frames that the whole has, as those on either side are looked at too."""
    inner, total, reach = clip.render, clip.frame_total, enlarger.reach

    def render(part: slice) -> Iterator[Frame]:
        first, last = max(0, part.start - reach), min(total, part.stop + reach)
        made = enlarger(inner(slice(first, last)))
        return islice(made, part.start - first, part.stop - first)

    return replace(clip, size=(2 * clip.size[0], 2 * clip.size[1]), render=render)


def _read(path: str) -> Frame:
    try:
        return read_image(path)
    except MediaError as error:
        if "there is no picture" in str(error):
            raise ConfigError(
                f"background is blur, transparent, a colour as #rrggbb, or a picture, and there is none at {path}"
            ) from error
        raise
