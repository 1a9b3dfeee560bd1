"""People whose matte is known: a portrait's own silhouette with strands of hair drawn around the head, before anything.

Nobody filmed has a known matte. So the person of a portrait is cut out along a hard edge, softened by a pixel; strands
in the hair's own colours, finer than a pixel, are drawn around the head at four times the size; and the whole is put
before a picture. What was drawn is the truth. That the network takes the person for one in the portrait itself is
supposed, so this measures edges, hair, and what another background makes of the mask; not whether hats are people.
"""

from __future__ import annotations

import cv2
import numpy as np
import skimage.data

from facediff.landmarks.mesh import FACE_OVAL
from facediff.landmarks.push_pull import push_pull
from facediff.landmarks.segmentation import person_mask
from facediff.types import Frame, Points

FINE = 4  # strands are drawn so much larger
STRANDS = 420


def draw_person(picture: Frame, points: Points, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Colours (H, W, 3) of a person, everywhere, and their matte (H, W).

    Args:
        picture: A portrait (H, W, 3) uint8.
        points: Its landmarks (478, 3) in pixels.
        seed: Of the strands.
    """
    body = _largest(cv2.erode((person_mask(picture) > 0.6).astype(np.uint8), np.ones((5, 5), np.uint8)))
    inner = cv2.erode(body, np.ones((5, 5), np.uint8)).astype(np.float32)  # free of what was behind
    colours = push_pull(picture.astype(np.float32), inner)
    colours[inner > 0] = picture[inner > 0]
    edge = max(cv2.findContours(body, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[0], key=len)[:, 0].astype(float)
    oval = points[FACE_OVAL, :2]
    beside = edge[(edge[:, 1] < oval[:, 1].mean()) & (np.abs(edge[:, 0] - oval[:, 0].mean()) < np.ptp(oval[:, 0]))]
    strands, roots = _draw_strands(beside, oval, picture.shape[:2], np.random.default_rng(seed))
    hair = cv2.remap(cv2.GaussianBlur(colours, (0, 0), 1.2), *np.moveaxis(roots, 2, 0), cv2.INTER_LINEAR)
    soft = cv2.GaussianBlur(body.astype(np.float32), (0, 0), 1.0)
    colours = np.where((strands > soft)[..., None], hair, colours)
    return colours, 1 - (1 - soft) * (1 - strands)


def _draw_strands(
    edge: np.ndarray, oval: np.ndarray, shape: tuple[int, int], rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Strands (H, W) from 0 to 1, and for each pixel of one the place of its root (H, W, 2)."""
    size, middle = np.array(shape[::-1]) * FINE, oval.mean(0)
    unit = float(np.ptp(oval[:, 0]))
    fine, root = np.zeros(size[::-1], np.float32), np.zeros((*size[::-1], 2), np.float32)
    for start in edge[rng.integers(0, len(edge), STRANDS)]:
        along = (start - middle) / np.linalg.norm(start - middle)
        bend = np.array([-along[1], along[0]]) * rng.normal(0, 0.6) + [0, 0.35]
        step = np.linspace(-0.2, 1, 24)[:, None]
        line = start + rng.gamma(3, 0.04) * unit * (along * step + bend * step**2)
        low = np.clip(np.floor(line.min(0) * FINE) - 4, 0, size - 1).astype(int)
        high = np.clip(np.ceil(line.max(0) * FINE) + 5, low + 1, size).astype(int)
        box = (slice(low[1], high[1]), slice(low[0], high[0]))
        strand, opacity, width = np.zeros(high[::-1] - low[::-1], np.float32), rng.uniform(0.4, 1), rng.integers(1, 4)
        for one, other, where in zip(line, line[1:], step[:, 0], strict=False):
            ends = [tuple(int(x) for x in np.rint((end * FINE - low) * 8)) for end in (one, other)]
            fading = opacity * (1 - 0.6 * max(0.0, where) ** 2)
            cv2.line(strand, *ends, fading, int(width), cv2.LINE_AA, 3)
        root[box][strand > fine[box]] = start - 0.02 * unit * along
        fine[box] = np.maximum(fine[box], strand)
    whole = cv2.resize(fine, shape[::-1], interpolation=cv2.INTER_AREA)
    roots = cv2.resize(root * fine[..., None], shape[::-1], interpolation=cv2.INTER_AREA)
    return whole, (roots / np.maximum(whole, 1e-6)[..., None]).astype(np.float32)


def _largest(mask: np.ndarray) -> np.ndarray:
    _, names, stats, _ = cv2.connectedComponentsWithStats(mask)
    return (names == 1 + np.argmax(stats[1:, cv2.CC_STAT_AREA])).astype(np.uint8)


def make_backgrounds(shape: tuple[int, int]) -> dict[str, np.ndarray]:
    """Pictures (H, W, 3) to stand before, from plain to what looks like a head."""
    height, width = shape
    y, x = np.mgrid[0:height, 0:width] / max(shape)
    brick, grass = (
        cv2.resize(one, (width, height)).astype(np.float32) for one in (skimage.data.brick(), skimage.data.grass())
    )
    return {
        "wall": np.dstack([150 + 60 * x, 170 - 40 * y, 190 - 50 * x]),
        "bricks": np.clip(np.dstack([1.1 * brick, 0.8 * brick, 0.65 * brick]), 0, 255),
        "grass": np.dstack([0.6 * grass, grass, 0.4 * grass]),
        "a saucer": cv2.resize(skimage.data.coffee(), (width, height)).astype(float),
    }
