"""From strengths to edited frames: expressions move the face, attributes and texts change whose it is."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from facediff.errors import ConfigError, WeightsError
from facediff.landmarks.alignment import FACE
from facediff.models import latents as space
from facediff.models.prototypes import prototype_names
from facediff.motion.expressions import expressions
from facediff.pipelines.identity_editors import Editor, TowardsEditor
from facediff.rendering.editing.attributes import DRAWN, WHOLE, attribute
from facediff.rendering.editing.encoding import EncodedVideo, FaceViews, find_identity
from facediff.rendering.editing.encoding_store import EncodingStore, encoding_path, prune
from facediff.rendering.editing.face_view import face_layout
from facediff.rendering.editing.identity import EditSettings, IdentityEditor, mask_region
from facediff.rendering.editing.methods import METHODS, PROTOTYPE, EditMethod
from facediff.rendering.source import Source
from facediff.system.weights import model_folder
from facediff.types import Frame

if TYPE_CHECKING:
    from facediff.pipelines.diffusion_video_autoencoder import DiffusionVideoAutoencoderPipeline
    from facediff.pipelines.text_editor import TextEditor

DEFAULT_METHOD = "delta"  # where no method is named and there is no prototype
TEXT_FRAMES = 4  # of a source, on which an edit by text is sought


def attribute_names(model: str | Path) -> tuple[str, ...]:
    """Attributes of people that a model can edit, without loading it; none where it holds no such part.

    Args:
        model: ``base``, or a model folder.
    """
    return tuple(dict.fromkeys([*by_prototype(model), *by_identity(model)]))


def slider_ranges(model: str | Path) -> dict[str, tuple[float, float]]:
    """Least and greatest strength at which an edit looks as meant, by name: of expressions, then of attributes."""
    names = (*expressions(), *attribute_names(model))
    return {name: (-1.0 if attribute(name).has_opposite else 0.0, 1.0) for name in names}


def by_prototype(model: str | Path) -> tuple[str, ...]:
    """Attributes that a model has prototypes of; where there are some, others can be drawn as well."""
    try:
        names = prototype_names(model_folder(model, "edit") / "prototypes")
    except WeightsError:
        return ()
    return (*names, *DRAWN) if names else ()


def by_identity(model: str | Path) -> tuple[str, ...]:
    """Attributes that a model's classifier knows, and its autoencoder can give an identity."""
    try:
        config = model_folder(model, "edit") / "attributes" / "config.json"
        return tuple(json.loads(config.read_text(encoding="utf-8"))["names"])
    except (WeightsError, OSError, ValueError, KeyError):
        return ()


def check_method_knows(method: str, names: Iterable[str], model: str | Path) -> None:
    """Refuses attributes that a method of edits does not know.

    Raises:
        ConfigError: There are such among the names.
    """
    for name in names:
        ways = methods_of(name, model)
        if method not in ways:
            raise ConfigError(f"{name!r} is edited by the method {' or '.join(ways)}, not {method}")


def usual_method(strengths: Iterable[str], model: str | Path) -> str:
    """The method of an edit where none is named: prototypes, where there is one of every attribute wished for."""
    changing = [name for name in strengths if name not in expressions()]
    return PROTOTYPE if changing and set(changing) <= set(by_prototype(model)) else DEFAULT_METHOD


def methods_of(name: str, model: str | Path) -> tuple[str, ...]:
    """Methods of edits that know an attribute."""
    known = {PROTOTYPE: by_prototype(model)} | dict.fromkeys(METHODS, by_identity(model))
    return tuple(method for method, names in known.items() if name in names)


def split_strengths(
    strengths: Mapping[str, float], attributes: Iterable[str]
) -> tuple[dict[str, float], dict[str, float]]:
    """Wishes that move a face, and wishes that change whose it is.

    Raises:
        ConfigError: Nothing of that name is known.
    """
    moving, changing = {}, {}
    for name, strength in strengths.items():
        if name in expressions():
            moving[name] = strength
        elif name in attributes:
            changing[name] = strength
        else:
            known = ", ".join([*expressions(), *attributes])
            raise ConfigError(f"there is no attribute {name!r}; there are {known}")
    return moving, changing


class IdentityEdit:
    """Edits of a source's identity vector; the source is encoded once, and the encoding kept.

    Args:
        source: What is edited.
        pipeline: The autoencoder.
        weights: Hash of its weights, by which an encoding is known.
        edit_method: How its frames are coded.
        is_kept: Whether the encoding is kept in the user's cache folder.
    """

    def __init__(
        self,
        source: Source,
        pipeline: DiffusionVideoAutoencoderPipeline,
        weights: str,
        edit_method: EditMethod,
        *,
        is_kept: bool = True,
    ) -> None:
        self._source, self._pipeline = source, pipeline
        self._views = FaceViews(source.track)
        store = self._store(weights, edit_method) if is_kept else None
        identity = None if store is None else store.identity
        if identity is None:
            identity = find_identity(pipeline, source.frames(0), self._views)
            if store is not None:
                store.identity = identity
        self.video = EncodedVideo(edit_method, pipeline, identity, store)

    def __call__(
        self, frames: Iterable[tuple[int, Frame]], editors: Iterable[Editor], regions: tuple[str, ...]
    ) -> Iterator[Frame]:
        """Edited frames.

        Args:
            frames: With their indices.
            editors: Each makes of the last one's identity another.
            regions: See ``facediff.rendering.editing.identity.mask_region``.
        """
        identity = torch.from_numpy(self.video.identity)
        for editor in editors:
            identity = editor(identity)
        settings = EditSettings(regions=regions)
        return IdentityEditor(self._pipeline, self.video, self._views, identity.cpu().numpy(), settings)(frames)

    def towards(self, text: str, editor: TextEditor, strength: float) -> TowardsEditor:
        """The editor that goes the way a text says, found on a few frames of the source.

        Raises:
            ConfigError: There is no text.
        """
        chosen = self._views.known_by[:: max(1, len(self._views.known_by) // TEXT_FRAMES)][:TEXT_FRAMES]
        looks = [
            (index, view)
            for index, frame in self._source.enumerate_frames(slice(0, chosen[-1] + 1))
            if index in chosen and (view := self._views(index, frame)) is not None
        ]
        views = [view for _, view in looks]
        _, latents = self.video.codes([index for index, _ in looks], views)
        mask = torch.from_numpy(np.stack([mask_region(view.points, WHOLE, view.crop) for view in views]))[:, None]
        identity = torch.from_numpy(self.video.identity)
        return TowardsEditor(editor(self._pipeline, latents, identity, face_layout(views), mask, text), strength)

    def _store(self, weights: str, edit_method: EditMethod) -> EncodingStore:
        codec = self._pipeline.codec
        shape = (codec.config["latent_channels"], *(side // space.stride(codec) for side in FACE.size[::-1]))
        track = hashlib.sha256(self._source.track.points.tobytes()).hexdigest()
        path = encoding_path(self._source.sha256, track, weights, edit_method.key)
        prune(path)
        return EncodingStore(path, shape)


def regions_of(attributes: Iterable[str]) -> tuple[str, ...]:
    """Where the picture may change for some attributes."""
    return tuple(dict.fromkeys(region for name in attributes for region in attribute(name).region))
