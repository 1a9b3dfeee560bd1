"""The latents of a pair cache: made once, kept beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from facediff.errors import InputError
from facediff.landmarks.alignment import CropTemplate
from facediff.models.codec import FaceCodec
from facediff.training.loop import Batch


@torch.no_grad()
def encode_cache(
    codec: FaceCodec,
    names: tuple[str, ...],
    pictures: Callable[[slice], tuple[Tensor, ...]],
    count: int,
    size: tuple[int, int],
    folder: Path,
    batch: int = 32,
) -> dict[str, NDArray[np.float16]]:
    """Latents (count, L, h, w) of several kinds of pictures, in files ``latents-NAME.npy``.

    Args:
        codec: Pictures to latents.
        names: Of the kinds.
        pictures: Gives those of some rows, (B, 3, H, W) in [-1, 1], one tensor for each name.
        count: Rows in all.
        size: Width and height of a picture.
        folder: Where the files lie; complete ones are opened.
        batch: Rows to be encoded at once.
    """
    width, height = (side // codec.stride for side in size)
    shape = (count, codec.config["latent_channels"], height, width)
    paths = {name: folder / f"latents-{name}.npy" for name in names}
    if not all(path.is_file() for path in paths.values()):
        parts = {
            k: np.lib.format.open_memmap(p.with_suffix(".part"), "w+", np.float16, shape) for k, p in paths.items()
        }
        codec = codec.eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        for start in range(0, count, batch):
            rows = slice(start, min(start + batch, count))
            images = torch.cat(pictures(rows)).contiguous(memory_format=torch.channels_last)
            latents = codec.encode(images).half().numpy()
            for name, part in zip(names, np.split(latents, len(names)), strict=True):
                parts[name][rows] = part
        for name, path in paths.items():
            parts[name].flush()
            path.with_suffix(".part").rename(path)
    return {name: np.load(path, mmap_mode="r") for name, path in paths.items()}


def encode_pair_cache(
    codec: FaceCodec,
    pairs: Mapping[str, NDArray],
    names: tuple[str, ...],
    size: tuple[int, int],
    folder: Path,
    batch: int = 32,
) -> dict[str, NDArray[np.float16]]:
    """Latents of the pictures of a pair cache as they are; see ``encode_cache``."""

    def pictures(rows: slice) -> tuple[Tensor, ...]:
        return tuple(to_pictures(pairs[name][rows]) for name in names)

    return encode_cache(codec, names, pictures, len(pairs["points"]), size, folder, batch)


def read_rows(
    pairs: Mapping[str, NDArray],
    latents: Mapping[str, NDArray],
    names: tuple[str, ...],
    rows: NDArray[np.integer],
    template: CropTemplate,
) -> Batch:
    """Some rows of a pair cache as a batch: latents by name, masks (B, 1, h, w) in [0, 1], landmarks in eye distances.

    Args:
        pairs: The cache.
        latents: Those of its pictures.
        names: Of the latents.
        rows: Which.
        template: What the pictures are aligned to.
    """
    batch = {name: torch.from_numpy(latents[name][rows]).float() for name in names}
    batch["mask"] = torch.from_numpy(pairs["mask"][rows]).float()[:, None] / 255
    batch["points"] = torch.from_numpy(template.in_units(pairs["points"][rows]))
    return batch


def check_batch(size: int, pairs: int) -> None:
    """Whether a batch can be drawn of so many pairs, each once.

    Raises:
        InputError: There are fewer.
    """
    if not pairs:
        raise InputError("there is no pair to train on; give footage that shows faces")
    if pairs < size:
        raise InputError(
            f"there are {pairs} pairs to train on, and a batch takes {size}; give more footage, or a recipe with a "
            f"batch_size of {pairs} at most"
        )


def to_pictures(images: NDArray[np.uint8] | NDArray[np.float32]) -> Tensor:
    """Pictures (B, 3, H, W) in [-1, 1] of levels (B, H, W, 3)."""
    return torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2).float() / 127.5 - 1.0
