"""The emotions that ship are what their recipes make; a judge finds others, by portraits that it calls neutral."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from facediff.datasets.recordings import Recording
from facediff.errors import InputError
from facediff.evaluation.networks.mini_xception import EXPRESSIONS
from facediff.landmarks.canonical import fit_pose, mean_face
from facediff.landmarks.folds import FOLDS
from facediff.landmarks.mesh import BROW_LINE
from facediff.motion import coefficients
from facediff.motion.emotions import EMOTIONS
from facediff.motion.rig import FaceRig
from facediff.training import emotions
from facediff.training.actions import RECIPES, Recipe
from facediff.training.emotion_search import SearchSettings
from facediff.training.emotions import FILE, make_emotions, run_emotions, search_recipes, split_change


def test_the_shipped_emotions_are_what_their_recipes_make(tmp_path) -> None:
    run_emotions(tmp_path / "mine", cache=tmp_path)
    made, shipped = load_file(tmp_path / "mine" / FILE), load_file(str(files("facediff.motion") / FILE))
    assert set(made) == set(shipped)
    for name, value in made.items():
        np.testing.assert_allclose(shipped[name].astype(np.float32), value.astype(np.float32), atol=1e-3, err_msg=name)


def test_an_emotion_is_its_recipe() -> None:
    made = make_emotions({"angry": Recipe({"brows-down": 0.05, "lids": 0.1, "fold:frown": 0.7}, parting=0.05)})
    row, shape, folds, parting = (
        made[f"angry.{part}"].astype(np.float32) for part in ("row", "shape", "folds", "parting")
    )
    rest = mean_face()
    still = row.copy()
    still[coefficients.LIDS] = 0.0
    down = FaceRig.from_shape(rest, fit_pose(rest[None])).express(still[None])[0] + shape - rest
    assert 0.03 < down[BROW_LINE, 1].max() < 0.055 and np.abs(down[rest[:, 1] > 0.5]).max() < 5e-3
    np.testing.assert_allclose(row[coefficients.LIDS], 0.1, atol=1e-3)
    np.testing.assert_allclose(folds, 0.7 * np.eye(len(FOLDS))[list(FOLDS).index("frown")], atol=1e-3)
    np.testing.assert_allclose(parting, 0.05, atol=1e-4)


def test_what_is_split_adds_up() -> None:
    rest = mean_face()
    change = np.zeros((478, 3), np.float32)
    change[:468] = 0.02 * np.random.default_rng(0).normal(size=(468, 3))
    row, beyond = split_change(change, 0.3)
    assert (row[coefficients.LIDS] == np.float32(0.3)).all() and not row[coefficients.ANGLES].any()
    row[coefficients.LIDS] = 0.0
    moved = FaceRig.from_shape(rest, fit_pose(rest[None])).express(row[None])[0] - rest
    np.testing.assert_allclose((moved + beyond)[:468], change[:468], atol=1e-5)


def write_portrait(folder: Path, number: int, grey: int) -> Recording:
    """A face of one grey with dark brows, and its landmarks where the cache of tracks has them."""
    points = mean_face() * 90 + (150, 130, 0)
    picture = np.full((330, 300, 3), grey, np.uint8)
    for brow in (70, 63, 105, 66, 107), (336, 296, 334, 293, 300):
        cv2.polylines(picture, [np.rint(points[list(brow), :2]).astype(np.int32)], False, (60, 40, 30), 7)
    name = f"{number}.png"
    cv2.imwrite(str(folder / name), picture)
    (folder / "tracks").mkdir(exist_ok=True)
    np.savez(folder / "tracks" / f"{name}.npz", points=points[None].astype(np.float32), size=(300, 330), fps=25.0)
    return Recording(folder / name, name, "still", str(number), None)


def call_neutral_what_is_light(shown: torch.Tensor) -> torch.Tensor:
    """Logits: neutral, where the picture is light, else sad; happiness is worth more the lighter its middle is."""
    light = shown.mean(dim=(1, 2))
    said = torch.zeros(len(shown), len(EXPRESSIONS)) + 0 * light[:, None]
    said[:, EXPRESSIONS.index("neutral")] = light - 140
    said[:, EXPRESSIONS.index("sad")] = 140 - light
    return said


def test_a_search_looks_at_one_neutral_portrait_of_each_person(tmp_path, monkeypatch) -> None:
    portraits = [write_portrait(tmp_path, number, grey) for number, grey in enumerate((190, 190, 60))]
    portraits.append(Recording(portraits[0].path, portraits[0].name, "still", "0", None))
    seen = []

    def find(drawings, judge, wanted, ingredients, bounds, **settings):
        seen.append((len(drawings), wanted, settings["parted"]))
        return dict.fromkeys(bounds, 0.01)

    monkeypatch.setattr(emotions, "search", find)
    found = search_recipes(portraits, call_neutral_what_is_light, tmp_path / "tracks")
    assert [(count, EXPRESSIONS[wanted]) for count, wanted, _ in seen] == [(2, name) for name in EMOTIONS]
    assert found["surprised"].parting == seen[EMOTIONS.index("surprised")][2] > 0
    assert set(found) == set(RECIPES) and found["sad"].strengths["corners-down"] == 0.01
    with pytest.raises(InputError, match="calls none of 1 portraits neutral"):
        search_recipes(portraits[2:3], call_neutral_what_is_light, tmp_path / "tracks")


def test_a_judge_without_portraits_is_refused_and_so_are_portraits_without_a_judge(tmp_path) -> None:
    for given in ({"judge": tmp_path / "model.hdf5"}, {"catalog": tmp_path / "clips.csv"}):
        with pytest.raises(InputError, match="for each other"):
            run_emotions(tmp_path / "mine", cache=tmp_path, **given)
    assert not (tmp_path / "mine").exists()


def test_what_a_judge_finds_is_written(tmp_path, monkeypatch) -> None:
    (tmp_path / "clips.csv").write_text("file,split,kind,identity,licence\n0.png,train,still,a,CC0\n")
    write_portrait(tmp_path, 0, 190)
    monkeypatch.setattr(emotions, "open_mini_xception", lambda path: call_neutral_what_is_light)
    monkeypatch.setattr(emotions, "SETTINGS", dict.fromkeys(EMOTIONS, SearchSettings(steps=4, portraits=1)))
    run_emotions(tmp_path / "mine", tmp_path / "clips.csv", cache=tmp_path, judge=tmp_path / "model.hdf5")
    made = load_file(tmp_path / "mine" / FILE)
    assert set(made) == set(make_emotions()) and made["surprised.parting"] > 0.1
