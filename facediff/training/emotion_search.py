"""Looks for what an emotion is made of, so that a judge of expressions names it, and a face stays one.

A portrait is drawn small, bent by what is tried, and shown to the judge; gradients of what it says go back through the
drawing to the few strengths that are looked for. Skin that stretches, brows that come upon lids and lids that shut
cost, so what fools a judge alone is not found.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from facediff.landmarks.canonical import canonicalise, fit_pose, mean_face
from facediff.landmarks.folds import FOLDS, draw_folds
from facediff.landmarks.mesh import FACE_OVAL, LIPS_INNER, MESH_POINTS, OUTER_EYES
from facediff.landmarks.triangles import rasterise_triangles
from facediff.landmarks.warp import MeshWarp, face_triangles
from facediff.motion import coefficients
from facediff.motion.rig import FaceRig, fit_neutral
from facediff.training.actions import Ingredients
from facediff.types import Frame, Points

WINDOW, SHOWN = 80, 64  # pixels of a drawing, and of what a judge sees of it
FACE_SIDE, FACE_BELOW = 2.04, 0.187  # side of the square that face detectors cut, and its middle below the eyes
REACH = 1.2  # of a drawing over that square
MOUTH_LEVEL, MOUTH_SOFT_PX = 34.0, 0.7  # what is seen between lips that part
TRIED_LIDS = 0.2  # closure that tells where lids go
INVERTED_IN = 4  # steps in which where pixels come from is found of where they go
UPPER, LOWER, BROWS = [157, 158, 159, 160], [154, 153, 145, 144], [55, 65, 52, 53]

Judge = Callable[[Tensor], Tensor]

# What each emotion may be made of, after the prototypes of Ekman and Friesen.
BOUNDS: dict[str, dict[str, tuple[float, float]]] = {
    "happy": {
        "smile": (0.0, 1.3), "lids": (-0.05, 0.25), "cheeks-up": (0.0, 0.08), "lower-lids-up": (0.0, 0.04),
        "corners-up": (0.0, 0.08), "corners-out": (0.0, 0.08), "lips-pressed": (-0.03, 0.03), "fold:cheek": (0.0, 1.0),
        "fold:under-eye": (0.0, 1.0),
    },
    "sad": {
        "lids": (-0.05, 0.25), "inner-brows-up": (0.0, 0.11), "outer-brows-up": (-0.06, 0.03),
        "brows-together": (0.0, 0.06), "corners-down": (0.0, 0.09), "chin-up": (0.0, 0.08),
        "lips-pressed": (-0.03, 0.06), "corners-out": (-0.05, 0.03), "fold:inner-forehead": (0.0, 1.0),
        "fold:frown": (0.0, 0.6), "fold:cheek": (0.0, 0.6),
    },
    "angry": {
        "lids": (-0.2, 0.2), "brows-down": (0.0, 0.09), "brows-together": (0.0, 0.06), "outer-brows-up": (-0.03, 0.06),
        "lower-lids-up": (0.0, 0.04), "lips-pressed": (-0.02, 0.08), "corners-out": (-0.05, 0.05),
        "nose-up": (0.0, 0.05), "upper-lip-up": (0.0, 0.04), "corners-down": (-0.02, 0.07), "chin-up": (0.0, 0.07),
        "fold:frown": (0.0, 1.0), "fold:brow-shadow": (0.0, 1.0), "fold:cheek": (0.0, 0.7), "fold:nose": (0.0, 0.5),
    },
    "surprised": {
        "lids": (-0.35, 0.0), "inner-brows-up": (0.0, 0.12), "outer-brows-up": (0.0, 0.12),
        "lower-lids-up": (-0.03, 0.0), "corners-out": (-0.07, 0.02), "corners-down": (-0.03, 0.05),
        "lips-pressed": (-0.05, 0.02),
    },
    "disgusted": {
        "lids": (0.0, 0.25), "brows-down": (0.0, 0.08), "brows-together": (0.0, 0.05), "nose-up": (0.0, 0.09),
        "upper-lip-up": (0.0, 0.09), "corners-down": (-0.03, 0.07), "corners-out": (-0.03, 0.06),
        "cheeks-up": (0.0, 0.08), "lower-lids-up": (0.0, 0.04), "chin-up": (0.0, 0.06), "lips-pressed": (-0.03, 0.04),
        "fold:nose": (0.0, 1.0), "fold:cheek": (0.0, 1.0), "fold:frown": (0.0, 0.6), "fold:brow-shadow": (0.0, 0.6),
    },
    "fearful": {
        "lids": (-0.35, 0.0), "inner-brows-up": (0.0, 0.12), "outer-brows-up": (-0.03, 0.09),
        "brows-together": (0.0, 0.06), "lower-lids-up": (-0.02, 0.03), "corners-out": (-0.02, 0.1),
        "corners-down": (-0.02, 0.08), "lips-pressed": (-0.05, 0.03), "chin-up": (-0.05, 0.03),
        "fold:inner-forehead": (0.0, 1.0), "fold:frown": (0.0, 0.5),
    },
}  # fmt: skip
PARTED = {"surprised": 0.12, "fearful": 0.05}  # eye distances by which lips are parted; by eye


@dataclass(frozen=True)
class SearchSettings:
    """How an emotion is looked for.

    Attributes:
        steps: Of Adam.
        portraits: Shown in each.
        rate: Of learning, in shares of the bounds; less in the last two fifths.
        sure: How sure of it a judge need be at most.
        small: What strengths cost, their mean square in shares of the bounds.
        stretched: What skin costs that is stretched by more than ``free``, as a share of ``usual``.
        free: Mean squared stretch that costs nothing.
        usual: See ``stretched``.
        brows: Share of their distance from the lids that brows keep.
        lids: Share of its opening that an eye keeps.
        jitter: By how much the square that a judge sees is moved and sized, shares of it.
    """

    steps: int = 36
    portraits: int = 5
    rate: float = 0.06
    sure: float = 0.8
    small: float = 0.3
    stretched: float = 0.5
    free: float = 0.03
    usual: float = 0.07
    brows: float = 0.62
    lids: float = 0.68
    jitter: tuple[float, float] = (0.03, 0.07)


# Brows come nearer to lids that are narrowed than to others.
SETTINGS = {name: SearchSettings(small=0.18, stretched=0.3, brows=0.42, lids=0.58) for name in ("angry", "disgusted")}


class Drawing:
    """A small grey portrait whose face bends as it is told; what it shows has gradients.

    Args:
        picture: The portrait (H, W, 3).
        points: Its landmarks (478, 3).
    """

    def __init__(self, picture: Frame, points: Points) -> None:
        unit = float(np.linalg.norm(points[OUTER_EYES[0], :2] - points[OUTER_EYES[1], :2]))
        centre = points[list(OUTER_EYES), :2].mean(axis=0) + (0, FACE_BELOW * unit)
        zoom = WINDOW / (FACE_SIDE * REACH * unit)
        corner = (WINDOW - 1) / 2 - zoom * centre
        self.points = zoom * points + np.append(corner, 0)
        grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
        if zoom < 0.5:  # what is sampled more coarsely than it is seen must be smooth
            grey = cv2.GaussianBlur(grey, (0, 0), 0.4 / zoom)
        matrix = np.array([[zoom, 0, corner[0]], [0, zoom, corner[1]]])
        border = cv2.BORDER_REPLICATE
        shown = cv2.warpAffine(grey, matrix, (WINDOW, WINDOW), flags=cv2.INTER_LINEAR, borderMode=border)
        self._picture = torch.from_numpy(shown.astype(np.float32))
        canonical, pose = canonicalise(self.points[None])
        rig = FaceRig.from_shape(fit_neutral(canonical), pose)
        self._to_pixels = torch.from_numpy((pose.scale[0] * pose.rotation[0, :2]).T.astype(np.float32))
        lids = np.zeros((2, coefficients.DIMENSIONS), np.float32)
        lids[1, coefficients.LIDS] = TRIED_LIDS
        before, after = rig.express(lids)
        self._closing = torch.from_numpy((after - before) / TRIED_LIDS)
        self._rest = torch.from_numpy(before - canonical[0])
        self._spread = torch.from_numpy(_spread(self.points))
        self._folds = torch.from_numpy(draw_folds(self.points, (WINDOW, WINDOW)))

    def draw(self, change: Tensor, lids: Tensor, folds: Tensor, parted: float = 0.0) -> Tensor:
        """The portrait (80, 80), levels to 255, with a change (478, 3), lids so shut, and folds (F,) in it."""
        moved = (self._rest + change + lids * self._closing) @ self._to_pixels
        onward = (self._spread @ moved).T.reshape(2, WINDOW, WINDOW)
        back = onward
        for _ in range(INVERTED_IN):
            back = _sample(onward, back)
        light = 1 - (folds[:, None, None] * self._folds).sum(dim=0)
        shown = _sample((self._picture * light)[None], back)[0]
        if parted <= 0:
            return shown
        mouth = np.zeros((WINDOW, WINDOW), np.uint8)
        outline = self.points[LIPS_INNER, :2] + moved.detach().numpy()[LIPS_INNER]
        cv2.fillPoly(mouth, [np.rint(outline * 16).astype(np.int32)], 255, cv2.LINE_AA, shift=4)
        inside = torch.from_numpy(cv2.GaussianBlur(mouth, (0, 0), MOUTH_SOFT_PX) / np.float32(255))
        return shown * (1 - inside) + MOUTH_LEVEL * inside


def search(
    drawings: Sequence[Drawing],
    judge: Judge,
    wanted: int,
    ingredients: Ingredients,
    bounds: Mapping[str, tuple[float, float]],
    *,
    parted: float = 0.0,
    settings: SearchSettings = SearchSettings(),
    seed: int = 0,
) -> dict[str, float]:
    """The strengths, within bounds, with which a judge names what is wanted, and which skin can do.

    Args:
        drawings: Of portraits without an expression.
        judge: Logits (B, K) of pictures (B, 64, 64).
        wanted: Which of the K.
        ingredients: What can be mixed.
        bounds: Of each strength that is looked for; it begins with 0, or what of its bounds is nearest.
        parted: Eye distances by which lips are parted in it.
        settings: How it is looked for.
        seed: Of the choice of portraits.
    """
    random = torch.Generator().manual_seed(seed)
    mixture, cost = _Mixture(ingredients, list(bounds), parted), _Cost(settings)
    low, high = torch.tensor(list(bounds.values())).T
    size = torch.maximum(low.abs(), high.abs())
    shares = (torch.clamp(torch.zeros_like(low), low, high) / size).requires_grad_()
    optimiser = torch.optim.Adam([shares], lr=settings.rate)
    kept = []
    for step in range(settings.steps):
        if step >= 0.6 * settings.steps:
            optimiser.param_groups[0]["lr"] = 0.4 * settings.rate
        change, lids, folds = mixture(shares * size)
        chosen = torch.randperm(len(drawings), generator=random)[: settings.portraits]
        seen = torch.stack([drawings[place].draw(change, lids, folds, parted) for place in chosen])
        jitter = (2 * torch.rand(3, generator=random) - 1) * torch.tensor(
            [*settings.jitter[:1] * 2, settings.jitter[1]]
        )
        said = torch.log_softmax(judge(show(seen, jitter)), dim=1)[:, wanted]
        loss = -said.clamp(max=float(np.log(settings.sure))).mean()
        loss = loss + settings.small * (shares**2).mean() + cost(change, lids)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        with torch.no_grad():
            shares.clamp_(low / size, high / size)
        if step >= 0.7 * settings.steps:
            kept.append(shares.detach() * size)
    found = torch.stack(kept).mean(dim=0).tolist()
    return dict(zip(bounds, found, strict=True))


def show(drawn: Tensor, jitter: Tensor | None = None) -> Tensor:
    """What a judge sees (B, 64, 64) of drawings (B, 80, 80), moved to the right, down and widened by shares (3,)."""
    right, down, wider = torch.zeros(3) if jitter is None else jitter
    side = WINDOW / REACH
    along = torch.linspace(-0.5, 0.5, SHOWN) * side * (1 - 1 / SHOWN) * (1 + wider)
    y, x = torch.meshgrid(along + down * side, along + right * side, indexing="ij")
    grid = torch.stack([x, y], dim=-1) * 2 / (WINDOW - 1)
    grid = grid[None].expand(len(drawn), -1, -1, -1)
    return F.grid_sample(drawn[:, None], grid, padding_mode="border", align_corners=True)[:, 0]


class _Mixture:
    """Of strengths (N,) the change (478, 3), the closure of the lids, and folds (F,)."""

    def __init__(self, ingredients: Ingredients, names: list[str], parted: float) -> None:
        self._shapes = torch.from_numpy(np.stack([ingredients.shape(name) for name in names]))
        self._folds = torch.tensor([[float(name == f"fold:{fold}") for fold in FOLDS] for name in names])
        self._lids = torch.tensor([float(name == "lids") for name in names])
        self._parted = torch.from_numpy(parted * ingredients.opening)

    def __call__(self, strengths: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        change = torch.tensordot(strengths, self._shapes, 1)
        return change + self._parted, strengths @ self._lids, strengths @ self._folds


class _Cost:
    """What a change of the mean face costs beside what a judge says of it."""

    def __init__(self, settings: SearchSettings) -> None:
        self._settings = settings
        face = mean_face()
        triangles = face_triangles()
        triangles = triangles[~np.isin(triangles, LIPS_INNER).all(axis=1)]  # what is between lips is no skin
        sides = (face[triangles[:, 1:], :2] - face[triangles[:, :1], :2]).transpose(0, 2, 1).astype(np.float64)
        areas = np.abs(np.linalg.det(sides))
        triangles, sides, areas = (one[areas > 1e-5] for one in (triangles, sides, areas))
        self._triangles = torch.from_numpy(triangles.astype(np.int64))
        self._sides = torch.from_numpy(np.linalg.inv(sides).astype(np.float32))
        self._areas = torch.from_numpy((areas / areas.sum()).astype(np.float32))
        self._face = torch.from_numpy(face.copy())
        rig, lids = FaceRig.from_shape(face, fit_pose(face[None])), np.zeros((1, coefficients.DIMENSIONS), np.float32)
        lids[:, coefficients.LIDS] = TRIED_LIDS
        self._closing = torch.from_numpy((rig.express(lids)[0] - face) / TRIED_LIDS)

    def __call__(self, change: Tensor, lids: Tensor) -> Tensor:
        how, flat = self._settings, change[:, :2]
        corners = flat[self._triangles]
        gradient = (corners[:, 1:] - corners[:, :1]).transpose(1, 2) @ self._sides
        stretch = (self._areas * (gradient**2).sum(dim=(1, 2))).sum()
        moved = self._face + change + lids * self._closing
        keeps = [(UPPER, BROWS, how.brows), (LOWER, UPPER, how.lids)]
        too_near = [
            F.relu(kept - (moved[below, 1] - moved[above, 1]) / (self._face[below, 1] - self._face[above, 1])).sum()
            for below, above, kept in keeps
        ]
        return how.stretched * (F.relu(stretch - how.free) / how.usual) ** 2 + 20 * torch.stack(too_near).sum()


def _spread(points: Points) -> NDArray[np.float32]:
    """How much each pixel of a drawing goes with each landmark, (80 * 80, 478): shares of the mesh around it."""
    warp = MeshWarp(np.zeros((WINDOW, WINDOW, 3), np.uint8), points, grid=WINDOW)
    corner = np.array([warp.box[1].start, warp.box[0].start])
    nodes = warp.nodes(points)[0] + corner
    triangles = np.concatenate([warp.outline_triangles, face_triangles()])
    owner = rasterise_triangles(nodes[triangles], (WINDOW, WINDOW), 1.0).ravel()
    inside = np.flatnonzero(owner >= 0)
    corners = nodes[triangles[owner[inside]]]
    sides = (corners[:, 1:] - corners[:, :1]).transpose(0, 2, 1)
    sides[np.abs(np.linalg.det(sides)) < 1e-6] = np.eye(2) * 1e6
    place = np.stack([inside % WINDOW, inside // WINDOW], axis=1) - corners[:, 0]
    shares = np.linalg.solve(sides, place[..., None])[..., 0]
    shares = np.clip(np.concatenate([1 - shares.sum(axis=1, keepdims=True), shares], axis=1), -0.2, 1.2)
    of_nodes = np.zeros((WINDOW * WINDOW, len(nodes)), np.float32)
    for corner_number in range(3):
        np.add.at(of_nodes, (inside, triangles[owner[inside], corner_number]), shares[:, corner_number])
    follows = np.zeros((len(nodes), len(points)), np.float32)  # the shell and the outline go with the oval
    follows[np.arange(MESH_POINTS), np.arange(MESH_POINTS)] = 1
    oval = len(FACE_OVAL)
    follows[np.arange(MESH_POINTS, MESH_POINTS + oval), FACE_OVAL] = 1
    follows[np.arange(len(nodes) - oval, len(nodes)), FACE_OVAL] = 1
    return of_nodes @ follows


def _sample(picture: Tensor, back: Tensor) -> Tensor:
    """A picture (C, 80, 80) read where each pixel comes from, (2, 80, 80) pixels back."""
    along = torch.arange(float(WINDOW))
    y, x = torch.meshgrid(along, along, indexing="ij")
    grid = torch.stack([x - back[0], y - back[1]], dim=-1) * 2 / (WINDOW - 1) - 1
    return F.grid_sample(picture[None], grid[None], padding_mode="border", align_corners=True)[0]
