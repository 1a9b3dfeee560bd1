"""What facediff's own codec and identity encoder see of the face in every frame of a video."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from facediff.evaluation.frame_choice import read_chosen
from facediff.landmarks.alignment import FACE, Alignment, CropTemplate, align
from facediff.landmarks.canonical import canonicalise
from facediff.landmarks.correspondence import face_coordinates
from facediff.models.checkpoints import open_network
from facediff.models.codec import FaceCodec
from facediff.models.identity import IdentityEncoder, coordinate_maps
from facediff.types import FaceTrack, Frame, Points, RigidPose

BATCH = 16
PERIOD = 4  # frames, of whose first two it is told who they show: neighbours are compared, and one of them costs most
GRID = (4, 4)  # cells of the face crop in each of which latents are pooled


@dataclass(frozen=True)
class Looks:
    """What is seen of a face, frame by frame; NaN where none is found.

    Attributes:
        mean: (T, C, cells) of the codec's latents in each cell.
        deviation: (T, C, cells) of them over the cell.
        change: (T, C, cells) mean square of their differences from the frame before; NaN without one.
        identity: (T, D) vectors of length 1, of two frames in four; (T, 0) where nobody was asked.
    """

    mean: NDArray[np.float32]
    deviation: NDArray[np.float32]
    change: NDArray[np.float32]
    identity: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.mean)


@lru_cache(maxsize=2)
def load_codec(model: str | Path) -> FaceCodec:
    """The codec of a model."""
    return open_network(FaceCodec, model, "codec")


@lru_cache(maxsize=2)
def load_identity(model: str | Path) -> IdentityEncoder:
    """The identity encoder of a model."""
    return open_network(IdentityEncoder, model, "edit/identity")


@torch.inference_mode()
def look(
    frames: Iterable[Frame],
    track: FaceTrack,
    codec: FaceCodec,
    identity: IdentityEncoder | None = None,
    *,
    template: CropTemplate = FACE,
    grid: tuple[int, int] = GRID,
) -> Looks:
    """What a codec, and an identity encoder, see of a video.

    Args:
        frames: Of the video, read once; 16 are held.
        track: Of the face in it.
        codec: Whose latents are pooled.
        identity: Who tells identities; None for nobody.
        template: The crop that is looked at; ``FACE`` where identities are told.
        grid: Rows and columns of cells.
    """
    count, dim = len(track), 0 if identity is None else int(identity.config["dim"])
    channels, cells = codec.config["latent_channels"], grid[0] * grid[1]
    pooled = [np.full((count, channels, cells), np.nan, np.float32) for _ in range(3)]
    who = np.full((count, dim), np.nan, np.float32)
    last: tuple[int, torch.Tensor] | None = None
    for rows, crops, coordinates in _batches(frames, track, template, identity is not None):
        latents = codec.encode(crops.to(codec.device, codec.dtype)).float()
        places = F.unfold(latents, tuple(n // k for n, k in zip(latents.shape[2:], grid, strict=True)),
                          stride=tuple(n // k for n, k in zip(latents.shape[2:], grid, strict=True)))  # fmt: skip
        shown = places.unflatten(1, (channels, -1)).transpose(2, 3)  # (B, C, cell, place)
        pooled[0][rows] = shown.mean(dim=3).cpu().numpy()
        pooled[1][rows] = shown.std(dim=3, correction=0).cpu().numpy()
        for place, row in enumerate(rows):
            if last is not None and last[0] == row - 1:
                pooled[2][row] = (shown[place] - last[1]).square().mean(dim=2).cpu().numpy()
            last = row, shown[place]
        asked = [place for place, row in enumerate(rows) if row % PERIOD < 2] if identity is not None else []
        if identity is not None and asked:
            maps = coordinate_maps(coordinates) if identity.config["map_channels"] else None
            vectors = identity(latents[asked].to(identity.dtype), maps).float().cpu().numpy()
            who[[rows[place] for place in asked]] = vectors
    return Looks(pooled[0], pooled[1], pooled[2], who)


@torch.inference_mode()
def picture_identity(
    picture: Frame, points: Points, codec: FaceCodec, identity: IdentityEncoder
) -> NDArray[np.float32]:
    """The identity (D,) of the face of a picture, by its landmarks (478, 3)."""
    track = FaceTrack(points[None], np.full(1, 2, np.uint8), (picture.shape[1], picture.shape[0]), 25.0)
    return look([picture], track, codec, identity).identity[0]


def _batches(
    frames: Iterable[Frame], track: FaceTrack, template: CropTemplate, is_told: bool
) -> Iterator[tuple[list[int], torch.Tensor, torch.Tensor]]:
    """Rows, crops in [-1, 1], and where in the face each cell of them lies."""
    seen = np.flatnonzero(track.usable)
    if not len(seen):
        return
    pose = canonicalise(track.points[seen])[1]
    alignment = align(pose, template)
    place_of = {int(row): place for place, row in enumerate(seen)}
    rows: list[int] = []
    crops: list[NDArray] = []
    told: list[NDArray] = []
    for row, frame in read_chosen(set(place_of), frames):
        place = place_of[row]
        rows.append(row)
        crops.append(alignment.crop(frame, place))
        if is_told and row % PERIOD < 2:
            told.append(face_coordinates(_in_crop(track.points[row], alignment, pose, place, template)))
        if len(rows) == BATCH:
            yield rows, _pictures(crops), torch.from_numpy(np.array(told))
            rows, crops, told = [], [], []
    if rows:
        yield rows, _pictures(crops), torch.from_numpy(np.array(told))


def _in_crop(
    points: Points, alignment: Alignment, pose: RigidPose, place: int, template: CropTemplate
) -> NDArray[np.float32]:
    depth = points[:, 2:] * (template.unit_px / pose.scale[place])
    return np.concatenate([alignment.to_crop(points, place), depth], axis=1, dtype=np.float32)


def _pictures(crops: list[NDArray]) -> torch.Tensor:
    return torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2).float() / 127.5 - 1
