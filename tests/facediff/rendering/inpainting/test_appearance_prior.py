"""A model's own teeth and lids reach its clips."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from facediff import Avatar
from facediff.errors import WeightsError
from facediff.motion import coefficients
from facediff.motion.template import MotionTemplate
from facediff.rendering.inpainting.appearance_prior import COMPONENT, load_appearance_prior
from facediff.system.weights import CHECKPOINTS

BASE = CHECKPOINTS / "base" / COMPONENT


@pytest.fixture
def model(tmp_path) -> Path:
    """A model whose mean teeth are green and whose lashes are very dark."""
    folder = tmp_path / "model"
    shutil.copytree(BASE, folder / COMPONENT)
    for name in ("codec", "difftalk", "motion", "fadm", "edit"):
        (folder / name).symlink_to(CHECKPOINTS / "base" / name)
    teeth, lid = (load_file(BASE / f"{name}.safetensors") for name in ("teeth", "lid"))
    teeth["picture"] = teeth["picture"] * np.array([0.1, 1.5, 0.1, 1.0], teeth["picture"].dtype)
    save_file(teeth, folder / COMPONENT / "teeth.safetensors")
    save_file({**lid, "light": 3 * lid["light"]}, folder / COMPONENT / "lid.safetensors")
    return folder


def test_the_fitted_teeth_are_a_row_that_ends() -> None:
    """A quality gate for whatever teeth ship, however finely they were fitted."""
    row = load_appearance_prior().teeth
    middle, edge = row.picture.shape[1] // 2, int(row.edge_row)
    near, far = round(0.027 * row.unit_px), round(0.067 * row.unit_px)  # eye distances
    assert row.picture[edge - near, middle + near, 3] > 0.95 and row.picture[edge + near, middle + near, 3] < 0.05
    between, on = (
        row.picture[edge - far, middle, :3].mean(),
        row.picture[edge - far, middle + round(1.5 * near), :3].mean(),
    )
    assert on - between > 0.05  # two incisors, not one


def test_a_folder_gives_its_own_and_one_without_any_those_of_the_package(model, tmp_path) -> None:
    own, base = load_appearance_prior(model), load_appearance_prior()
    assert own.teeth.picture[..., 0].max() < 0.2 * base.teeth.picture[..., 0].max()
    assert own.lid.min() < 2 * base.lid.min()
    (tmp_path / "older").mkdir()
    shutil.copytree(CHECKPOINTS / "base" / "motion", tmp_path / "older" / "motion")
    np.testing.assert_array_equal(load_appearance_prior(tmp_path / "older").lid, base.lid)
    with pytest.raises(WeightsError, match="no model"):
        load_appearance_prior(tmp_path / "nothing")


def test_damaged_files_are_told_in_one_sentence(model) -> None:
    (model / COMPONENT / "lid.safetensors").write_bytes(b"none")
    with pytest.raises(WeightsError, match="missing or damaged; train them again"):
        load_appearance_prior(model)


def test_clips_of_a_model_show_its_own_teeth_and_lids(model, portrait) -> None:
    motion = np.zeros((1, coefficients.DIMENSIONS), np.float32)
    motion[:, coefficients.LIDS] = 1.0
    shut = MotionTemplate(motion, np.ones(1, bool), np.eye(3, dtype=np.float32), 25)
    own, base = (
        Avatar.from_image(portrait, model=name, device="cpu").animate(shut, region="eyes", paint=False).preview()
        for name in (str(model), "base")
    )
    changed = np.abs(own.astype(int) - base).max(axis=2) > 20
    assert changed.any() and own[changed].mean() < base[changed].mean() - 20  # darker lids, and nothing else
    rows, columns = np.nonzero(changed)
    assert np.ptp(rows) < 60 and np.ptp(columns) < 120
