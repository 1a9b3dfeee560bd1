"""Prototypes of attributes and how they are kept."""

from __future__ import annotations

import numpy as np
import pytest

from facediff.errors import WeightsError
from facediff.models.prototypes import Prototypes, load_prototypes, prototype_names
from facediff.system.weights import model_folder


def test_what_is_saved_comes_back(tmp_path) -> None:
    y, x = np.mgrid[-1:1:448j, -1:1:448j]
    shades = [np.exp(-(x**2 + y**2) * 4), np.cos(3 * x) * y]
    light = np.stack([np.repeat(shade[..., None], 3, axis=2) * [1, 0.5, 0.2] for shade in shades]).astype(np.float32)
    Prototypes(("old", "pale"), light).save(tmp_path)
    assert prototype_names(tmp_path) == ("old", "pale")
    back = load_prototypes(tmp_path)
    assert back.names == ("old", "pale")
    np.testing.assert_allclose(back.light, light, atol=0.03)
    np.testing.assert_array_equal(back.light, back.light[:, :, ::-1])
    np.testing.assert_array_equal(back.of("pale"), back.light[1])


def test_missing_and_damaged_ones_are_named(tmp_path) -> None:
    assert prototype_names(tmp_path) == ()
    with pytest.raises(WeightsError, match="no prototypes"):
        load_prototypes(tmp_path)
    (tmp_path / "prototypes.safetensors").write_text("{")
    assert prototype_names(tmp_path) == ()
    with pytest.raises(WeightsError, match="damaged"):
        load_prototypes(tmp_path)


def test_those_that_ship_darken_where_they_should() -> None:
    """A quality gate for whatever prototypes ship: beards on chins and not on cheeks, make-up on lips."""
    held = load_prototypes(model_folder("base", "edit") / "prototypes")
    assert {"age", "beard", "makeup", "male"} <= set(held.names)
    beard, cheek = held.of("beard")[370:385, 200:248].mean(), held.of("beard")[230:250, 130:160].mean()
    assert beard < -0.2 and beard < cheek - 0.1
    lips, chin = (held.of("makeup")[rows, 205:243].mean(axis=(0, 1)) for rows in (slice(318, 326), slice(380, 395)))
    assert lips[1] - lips[0] < chin[1] - chin[0] - 0.1  # redder
