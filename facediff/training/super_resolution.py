"""Trains the network that makes pictures twice as large, on tiles of portraits and of clips and on their halves."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from facediff.datasets.recordings import Recording, Source, read_recordings
from facediff.errors import ConfigError, InputError
from facediff.media import VideoReader, read_image
from facediff.models.checkpoints import open_network
from facediff.models.super_resolver import BACK_PROJECTED, FOLD, MOST_NOISE, SuperResolver
from facediff.training.latents import to_pictures
from facediff.training.loop import Batch, LoopConfig, fit
from facediff.training.stages import save_network
from facediff.types import Frame

TILE = 160  # pixels square that are kept of a picture
PATCH = 128  # of a tile that a step sees
EDGE = 6  # pixels of a patch at which errors do not count
LEAST_SIDE = 400  # shorter side of a picture that has detail to teach
SCALES = (1.0, 1.0, 0.75, 0.5)  # at which a portrait is seen: made smaller it is sharper, too
STILL_TILES, CLIP_TILES = 16, 3  # of a portrait, and of each frame of a clip
CLIP_FRAMES = 6
log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class EnlargingRecipe:
    """What a step looks like.

    Attributes:
        batch_size: Patches to a step.
        noise: Most noise of an input, in pictures of [-1, 1]; 0 teaches none.
        noisy: Share of inputs with any.
        compressed: Share of inputs that were kept as JPEG first.
        quality: Of JPEG, from the worst to the best.
        blurred: Share of inputs that were blurred before they were halved.
        blur: Widest of these blurs, in pixels of the whole picture.
    """

    batch_size: int = 16
    noise: float = MOST_NOISE
    noisy: float = 0.3
    compressed: float = 0.35
    quality: tuple[int, int] = (45, 97)
    blurred: float = 0.12
    blur: float = 1.0


def halve(picture: Frame, how: str) -> Frame:
    """A picture (H, W, 3) of even sides at half its size.

    Args:
        picture: RGB uint8.
        how: ``area`` (means of two by two), ``bicubic`` or ``linear``, both over all that is left out.
    """
    if how == "area":
        return np.asarray(cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.uint8)
    size, kinds = (picture.shape[1] // 2, picture.shape[0] // 2), Image.Resampling
    return np.asarray(Image.fromarray(picture).resize(size, {"bicubic": kinds.BICUBIC, "linear": kinds.BILINEAR}[how]))


def compress(picture: Frame, quality: int) -> Frame:
    """A picture as JPEG gives it back, colours at half resolution as videos have them."""
    kept = BytesIO()
    Image.fromarray(picture).save(kept, "JPEG", quality=quality, subsampling="4:2:0")
    return np.asarray(Image.open(kept).convert("RGB"))


def enlarge_bicubic(pictures: NDArray) -> NDArray[np.float32]:
    """Pictures (B, h, w, 3) at twice their size, float32: what the network adds to."""
    wide = [cv2.resize(one.astype(np.float32), None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC) for one in pictures]
    return np.stack(wide).astype(np.float32)


class TileDraw:
    """Draws batches of patches and of their halves, spoilt in ways that vary.

    Args:
        tiles: (N, 160, 160, 3) uint8.
        recipe: What a step looks like.

    Raises:
        InputError: There are fewer tiles than a step takes.
    """

    def __init__(self, tiles: NDArray[np.uint8], recipe: EnlargingRecipe) -> None:
        if len(tiles) < recipe.batch_size:
            raise InputError(f"there are {len(tiles)} tiles to learn from; a step takes {recipe.batch_size}")
        self._tiles, self._recipe = tiles, recipe

    def __call__(self, rng: np.random.Generator) -> Batch:
        recipe, small, large = self._recipe, [], []
        for row in np.sort(rng.choice(len(self._tiles), recipe.batch_size, replace=False)):
            tile = self._tiles[row]
            tile = np.ascontiguousarray(tile[:, ::-1] if rng.random() < 0.5 else tile)
            half = self._spoil(tile, rng)
            top, left = rng.integers(0, (TILE - PATCH) // 2 + 1, 2)
            small.append(half[top : top + PATCH // 2, left : left + PATCH // 2])
            large.append(tile[2 * top : 2 * top + PATCH, 2 * left : 2 * left + PATCH])
        is_noisy = rng.random(recipe.batch_size) < recipe.noisy
        level = np.where(is_noisy, rng.uniform(0, recipe.noise, recipe.batch_size), 0).astype(np.float32)
        grain = rng.standard_normal((recipe.batch_size, PATCH // 2, PATCH // 2, 3), np.float32)
        given = np.stack(small) + 127.5 * level[:, None, None, None] * grain
        made = {"small": to_pictures(given), "wide": to_pictures(enlarge_bicubic(given))}
        return {**made, "target": to_pictures(np.stack(large)), "noise": torch.from_numpy(level)}

    def _spoil(self, tile: Frame, rng: np.random.Generator) -> Frame:
        """Half of a tile, as one of the ways has it in which videos become small."""
        recipe, way = self._recipe, rng.random()
        if rng.random() < recipe.blurred:
            tile = cv2.GaussianBlur(tile, (0, 0), float(rng.uniform(0.3, recipe.blur)))
        half = halve(tile, "area" if way < 0.45 else "bicubic" if way < 0.82 else "linear")
        return compress(half, int(rng.integers(*recipe.quality))) if rng.random() < recipe.compressed else half


def enlarging_loss(model: nn.Module, batch: Batch, generator: torch.Generator) -> tuple[Tensor, dict[str, float]]:
    """Root mean square error of enlarged patches; in the log, how much of that of bicubic enlargement is left.

    Their edges do not count, where a convolution sees no picture.
    """
    small = batch["small"].contiguous(memory_format=torch.channels_last)
    made = batch["wide"] + model(small, batch["noise"]).float()
    lacking = F.interpolate(batch["small"] - F.avg_pool2d(made, 2), scale_factor=2, mode="bicubic")
    made = made + BACK_PROJECTED * (batch["noise"] == 0)[:, None, None, None] * lacking  # as in ``back_project``
    error, plain = (_rms(one - batch["target"]) for one in (made, batch["wide"]))
    return error, {"left": float(error.detach() / plain.clamp(min=1e-6))}


def _rms(errors: Tensor) -> Tensor:
    """The mean over patches of the root of their mean square."""
    return (errors[..., EDGE:-EDGE, EDGE:-EDGE].square().mean((1, 2, 3)) + 1e-7).sqrt().mean()


@torch.no_grad()
def fit_filter(network: SuperResolver, draw: TileDraw, *, batches: int = 48, seed: int = 0) -> None:
    """Sets the linear filter of a network to the one that finds most of what the rest does not, by least squares.

    Noisy pictures count less, as their errors are larger and can be helped less.

    Args:
        network: What is changed.
        draw: Of batches.
        batches: How many are looked at.
        seed: Of the draw.
    """
    squared: Tensor = torch.zeros(())
    mixed: Tensor = torch.zeros(())
    for number in range(batches):
        batch = draw(np.random.default_rng([seed, number, 0xF1]))
        lacking = batch["target"] - batch["wide"] - network(batch["small"], batch["noise"])
        told = (batch["noise"] / MOST_NOISE)[:, None, None, None]
        seen = network.filter_inputs(F.pixel_unshuffle(batch["small"], FOLD), told)
        columns = F.unfold(seen, 3).double()  # (B, 324, places), without the edge
        columns = torch.cat([columns, torch.ones_like(columns[:, :1])], dim=1)
        wanted = F.pixel_unshuffle(lacking, FOLD * network.scale)[..., 1:-1, 1:-1].flatten(2).double()
        weighted = columns / (0.04 + told[..., 0] ** 2)
        squared = squared + torch.einsum("bin,bjn->ij", weighted, columns)
        mixed = mixed + torch.einsum("bin,bjn->ij", weighted, wanted)
    ridge = 1e-6 * squared.diagonal().mean() * torch.eye(len(squared))
    solved = torch.linalg.solve(squared + ridge, mixed).T.float()
    network.linear.weight += solved[:, :-1].view_as(network.linear.weight)
    assert network.linear.bias is not None
    network.linear.bias += solved[:, -1]


def build_tiles(clips: list[Recording], folder: Path, *, seed: int = 0) -> NDArray[np.uint8]:
    """Tiles (N, 160, 160, 3) of all pictures that are large enough; made once, mapped from disk.

    Args:
        clips: Portraits and videos.
        folder: Of the cache.
        seed: Of places.

    Raises:
        InputError: No picture is large enough, or the tiles that are there are of other clips.
    """
    path, names = folder / "tiles.npy", [clip.name for clip in clips]
    if path.is_file():
        if (folder / "tiles.txt").read_text(encoding="utf-8").split("\n") != names:
            raise InputError(f"{folder} holds tiles of other clips; give another --cache, or remove it")
        return np.load(path, mmap_mode="r")
    tiles: list[Frame] = []
    for number, clip in enumerate(clips):
        rng = np.random.default_rng([seed, number])
        most = STILL_TILES if clip.kind == "still" else CLIP_TILES
        for picture in _pictures(clip):
            if min(picture.shape[:2]) >= LEAST_SIDE:
                tiles += _cut(picture, most, SCALES if clip.kind == "still" else SCALES[:1], rng)
        log.info("%d of %d clips, %d tiles", number + 1, len(clips), len(tiles))
    if not tiles:
        raise InputError(f"none of {len(clips)} pictures and clips has {LEAST_SIDE} pixels on its shorter side")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tiles.txt").write_text("\n".join(names), encoding="utf-8")
    np.save(folder / "tiles.partial.npy", np.stack(tiles))
    (folder / "tiles.partial.npy").rename(path)
    return np.load(path, mmap_mode="r")


def _pictures(clip: Recording) -> Iterator[Frame]:
    if clip.kind == "still":
        yield read_image(clip.path)
        return
    video = VideoReader(clip.path)
    if min(video.info.width, video.info.height) < LEAST_SIDE:
        return
    total = max(1, int(video.info.seconds * float(video.info.fps)))
    yield from (frame for _, frame in video.take(set(np.linspace(0, total - 1, CLIP_FRAMES).astype(int).tolist())))


def _cut(picture: Frame, count: int, scales: tuple[float, ...], rng: np.random.Generator) -> list[Frame]:
    """Tiles from anywhere in a picture, at each of some scales alike; of twice as many, those with more detail."""
    kept: list[Frame] = []
    for number, scale in enumerate(scales):
        share = count * (number + 1) // len(scales) - count * number // len(scales)
        seen = picture
        if scale < 1:
            seen = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        if min(seen.shape[:2]) < TILE:
            continue
        places = [[int(rng.integers(0, side - TILE + 1)) for side in seen.shape[:2]] for _ in range(2 * share)]
        found = [seen[top : top + TILE, left : left + TILE] for top, left in places]
        detail = [float(cv2.Laplacian(one, cv2.CV_32F).std()) for one in found]
        kept += [np.ascontiguousarray(found[row]) for row in np.argsort(detail)[::-1][:share]]
    return kept


def run_super_resolution(
    catalog: Path | Source,
    cache: Path,
    model: Path,
    config: LoopConfig,
    *,
    licence: str = "permissive",
    noise: float = MOST_NOISE,
    start: str | None = None,
) -> None:
    """Trains what enlarges pictures and writes it to ``model/super_resolution``.

    Args:
        catalog: CSV as ``read_recordings`` wants it.
        cache: Folder for tiles.
        model: Model folder to write to.
        config: How long, how fast.
        licence: As in ``read_recordings``.
        noise: Most noise of an input that it learns to take out, from 0 to ``MOST_NOISE``.
        start: A model whose network is trained on, in place of a fresh one; a temporal layer is left out.

    Raises:
        ConfigError: The noise is out of range.
        InputError: There is nothing large enough to learn from.
    """
    if not 0 <= noise <= MOST_NOISE:
        raise ConfigError(f"noise is from 0 to {MOST_NOISE:g}, not {noise:g}")
    tiles = build_tiles(read_recordings(catalog, licence=licence), cache / "tiles")
    recipe = EnlargingRecipe(noise=noise)
    network = SuperResolver() if start is None else open_network(SuperResolver, start, "super_resolution")
    network.drop_temporal()
    save_network(train_super_resolver(network, tiles, config, recipe), model / "super_resolution")


def train_super_resolver(
    network: SuperResolver, tiles: NDArray[np.uint8], config: LoopConfig, recipe: EnlargingRecipe
) -> SuperResolver:
    """Trains a network on tiles and returns it; see ``run_super_resolution``. A fresh one gets its linear filter first.

    Raises:
        InputError: There are fewer tiles than a step takes.
    """
    draw = TileDraw(tiles, recipe)
    if not network.linear.weight.any():
        fit_filter(network, draw, seed=config.seed)
    network.train().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    fit(network, draw, enlarging_loss, config)
    return network
