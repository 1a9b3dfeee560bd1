"""A video as one identity vector and a code for every frame, which are kept: a second edit only decodes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from facediff.landmarks.smoothing import smooth_track
from facediff.pipelines.diffusion_video_autoencoder import DiffusionVideoAutoencoderPipeline, video_identity
from facediff.rendering import CHUNK
from facediff.rendering.crops import as_pictures
from facediff.rendering.editing.encoding_store import Codes, EncodingStore
from facediff.rendering.editing.face_view import FaceView, face_layout, face_view
from facediff.rendering.editing.methods import EditMethod, FrameCodes
from facediff.types import FaceTrack, Frame

IDENTITY_FRAMES = 32  # of a video, evenly spread, whose mean is its identity


class FaceViews:
    """The faces of a tracked video, or of a portrait, smoothed over time.

    Args:
        track: Of the video.
    """

    def __init__(self, track: FaceTrack) -> None:
        self.track, _, self._pose = smooth_track(track)

    def __call__(self, index: int, frame: Frame) -> FaceView | None:
        """The view of a frame; None where it shows no face."""
        if not self.track.usable[index]:
            return None
        return face_view(frame, self.track.points[index], self._pose.take(slice(index, index + 1)))

    @property
    def known_by(self) -> list[int]:
        """The frames that tell who it is, in order."""
        usable = np.flatnonzero(self.track.usable)
        return usable[np.unique(np.linspace(0, len(usable) - 1, IDENTITY_FRAMES).astype(int))].tolist()


class EncodedVideo:
    """What a video is encoded into; frames are encoded when they are first asked for.

    Args:
        make_method: How.
        pipeline: The autoencoder.
        identity: (D,) of length 1, the video's.
        store: Where codes are kept; None to keep none.
    """

    def __init__(
        self,
        make_method: EditMethod,
        pipeline: DiffusionVideoAutoencoderPipeline,
        identity: NDArray[np.float32],
        store: EncodingStore | None,
    ) -> None:
        self.make_method, self._pipeline, self.identity, self._store = make_method, pipeline, identity, store

    def codes(self, indices: list[int], views: list[FaceView]) -> FrameCodes:
        """Codes of frames, of half precision's values: a second edit must see what the first one saw."""
        kept = {} if self._store is None else self._store.read(indices)
        missing = [place for place, index in enumerate(indices) if index not in kept]
        if missing:
            made = self._encoded([views[place] for place in missing])
            fresh = {indices[place]: codes for place, codes in zip(missing, made, strict=True)}
            if self._store is not None:
                self._store.write(fresh)
            kept |= fresh
        code, latents = (np.stack([kept[index][part] for index in indices]) for part in range(2))
        return torch.from_numpy(code).float(), torch.from_numpy(latents).float()

    def _encoded(self, views: list[FaceView]) -> list[Codes]:
        latents = self._pipeline.latents(as_pictures([view.crop for view in views]))
        codes = self.make_method.encode(latents, torch.from_numpy(self.identity), face_layout(views))
        # In one layout, as what is read again: convolutions round by it.
        return list(zip(*(part.half().cpu().contiguous().numpy() for part in codes), strict=True))


def find_identity(
    pipeline: DiffusionVideoAutoencoderPipeline, frames: Iterable[Frame], views: FaceViews
) -> NDArray[np.float32]:
    """The identity (D,) of a video, the mean direction of those of its ``views.known_by``."""
    vectors = []
    for chunk in _chunks(frames, views):
        latents = pipeline.latents(as_pictures([view.crop for view in chunk]))
        vectors.append(pipeline.identify(latents, face_layout(chunk)))
    return video_identity(torch.cat(vectors).float()).cpu().numpy()


def _chunks(frames: Iterable[Frame], views: FaceViews) -> Iterator[list[FaceView]]:
    """The faces of the frames that tell who it is, ``CHUNK`` at a time."""
    chosen, waiting = set(views.known_by), []
    for index, frame in enumerate(frames):
        if index in chosen and (view := views(index, frame)) is not None:
            waiting.append(view)
        if len(waiting) == CHUNK:
            yield waiting
            waiting = []
        if index == max(chosen):
            break
    if waiting:
        yield waiting
