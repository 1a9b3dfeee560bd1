"""How a video in another look is put together.

A hub's model of pictures paints its frames, led by what is in them; or, without one, the face of a picture performs it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from facediff.clip import SOUND_RATE, Clip
from facediff.errors import ConfigError
from facediff.landmarks.depth import draw_depth, soften_structure
from facediff.landmarks.flow import trace_origins
from facediff.landmarks.tracker import track_face, track_still
from facediff.media import VideoReader, is_video, read_image
from facediff.motion.driver import read_driver
from facediff.options import AnimateOptions, options_of
from facediff.options.style import StyleOptions
from facediff.pipelines.painter_loading import hash_painter, load_painter
from facediff.pipelines.structured_video import StructuredVideoPipeline, StructureStyle
from facediff.pipelines.zero_shot_video import ZeroShotStyle, ZeroShotVideoPipeline, flow_cells
from facediff.provenance import Ingredient, Record, check_consent, model_name, weights_hash
from facediff.rendering.crops import as_levels, as_pictures
from facediff.rendering.source import Source
from facediff.rendering.warping import make_warper
from facediff.tasks.animate import make_animation
from facediff.tasks.model_choice import ModelChoice
from facediff.types import Frame

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
    source = Source(picture, track_still(picture, "largest", where=str(options.like)), inputs[1].sha256)
    warper = make_warper(source, models.load_inpainter())
    driver = read_driver(video, face=options.face)
    asked = AnimateOptions(
        absolute=True, face_shape=options.face_shape, sound=VideoReader(video).info.has_audio, seed=options.seed
    )
    record = Record(
        task="style", inputs=inputs, options=_name_models(options), seed=options.seed, model="base",
        weights_sha256=weights_hash("base"), consent=options.consent,
    )  # fmt: skip
    return replace(make_animation(warper, driver, models, asked, turns_eyes=True), record=record)


def _name_inputs(video: Path, options: StyleOptions) -> tuple[Ingredient, ...]:
    source = Ingredient.of_file("source", video)
    return (source,) if options.like is None else (source, Ingredient.of_file("like", options.like))


class Styling:
    """What paints the frames of a video.

    Args:
        video: Whose frames.
        painter: Opened.
        options: How.

    Raises:
        ConfigError: Detail of structure is to be lost that nothing is shown.
        NoFaceFound: The video shows no face.
    """

    def __init__(self, video: Path, painter: StructuredVideoPipeline, options: StyleOptions) -> None:
        if options.detail_lost and not painter.sees_structure:
            raise ConfigError("detail_lost is of structure, which this painter is not shown; give a controlnet")
        reader = VideoReader(video)
        track = track_face(reader, float(reader.info.fps), face=options.face)
        self.source = Source(video, track, "")
        self._video, self._painter, self._options = video, painter, options
        self.size = painter.fit_size(track.size, options.size)
        self._like = None if options.like is None else painter.encode_picture(read_image(options.like))
        self._points = track.points * np.array([*np.divide(self.size, track.size), self.size[0] / track.size[0]])

    def render(self, part: slice) -> Iterator[Frame]:
        """The frames of a part, in runs that begin at the same frames whatever is asked for."""
        run = self._options.frames_at_once
        first = self._read([0])
        for start in range(part.start // run * run, part.stop, run):
            rows = [row for row in range(start, min(start + run, len(self.source.track))) if row]
            made = self._paint(first, rows)
            shown = dict(zip([0, *rows], made, strict=True))
            yield from (shown[row] for row in range(max(start, part.start), min(start + run, part.stop)))

    def _read(self, rows: Sequence[int]) -> Tensor:
        """Frames (F, 3, H, W) in [-1, 1], as large as they are painted."""
        frames = [frame for _, frame in VideoReader(self._video).take(rows)]
        return as_pictures([cv2.resize(frame, self.size, interpolation=cv2.INTER_AREA) for frame in frames])

    def _paint(self, first: Tensor, rows: list[int]) -> list[Frame]:
        """Frame 0 and those of a run."""
        images = (self._carry if self._options.way == "carried" else self._restructure)(first, rows)
        return list(np.rint(as_levels(images)).astype(np.uint8))

    def _restructure(self, first: Tensor, rows: list[int]) -> Tensor:
        """Each is led by its own structure, Gen-1's way, or comes of its own noise, Tune-A-Video's."""
        options, painter = self._options, self._painter
        style = StructureStyle(
            num_inference_steps=options.steps, guidance_scale=options.guidance_scale,
            temporal_guidance=options.temporal_guidance,
        )  # fmt: skip
        structure = self._draw_structure([0, *rows]) if painter.sees_structure else None
        noise = None
        if options.invert or structure is None:
            frames = torch.cat([first, self._read(rows)]) if rows else first
            noise = painter.invert(frames, "", structure=structure, style=style)
        return painter(
            options.text or "", noise, structure=structure, like=self._like, negative=options.negative, style=style,
            generator=torch.Generator().manual_seed(options.seed),
        ).images  # fmt: skip

    def _draw_structure(self, rows: list[int]) -> Tensor:
        """Depth of the face in each frame; nothing where there is none."""
        usable, (width, height) = self.source.track.usable, self.size
        drawn = [
            face_structure([self._points[row]], self.size, self._options.detail_lost)
            if usable[row]
            else torch.zeros(1, 3, height, width)
            for row in rows
        ]
        return torch.cat(drawn)

    def _carry(self, first: Tensor, rows: list[int]) -> Tensor:
        """The first is painted from its own noise, and the others come of it as landmarks move: Text2Video-Zero's way.

        All runs take the same random numbers, so that the first frame is the same in each.
        """
        options, zero = self._options, ZeroShotVideoPipeline(**self._painter.components)
        faces = np.flatnonzero(self.source.track.usable)
        near = [faces[np.abs(faces - row).argmin()] for row in (0, *rows)]  # a lost face is where it is found next
        anchor, targets = self._points[near[0]], self._points[near[1:]]
        origins = torch.from_numpy(trace_origins(anchor, targets, self.size, flow_cells(zero, self.size)))
        noise = self._painter.invert(first, "", style=StructureStyle(num_inference_steps=options.steps))
        style = ZeroShotStyle(num_inference_steps=options.steps, guidance_scale=options.guidance_scale)
        return zero(
            options.text or "", origins, noise=noise, like=self._like, negative=options.negative, style=style,
            generator=torch.Generator().manual_seed(options.seed),
        ).images  # fmt: skip


def face_structure(points: Sequence[NDArray[np.floating]], size: tuple[int, int], detail_lost: int = 0) -> Tensor:
    """The depth of a face in each frame, (F, 3, H, W) in [0, 1], as networks of structure are shown it.

    Args:
        points: Landmarks (478, 3) of each frame, in pixels.
        size: Width and height.
        detail_lost: Gen-1's t_s; see ``facediff.landmarks.depth.soften_structure``.

    Raises:
        InputError, ConfigError: As there.
    """
    maps = [soften_structure(draw_depth(one, size), detail_lost) for one in points]
    return torch.from_numpy(np.stack(maps))[:, None].repeat(1, 3, 1, 1)


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
