"""A regression tells apart what goes together."""

from __future__ import annotations

import numpy as np
import pytest

from facediff.errors import ConfigError
from facediff.landmarks.flat_face import FLAT, flat_points
from facediff.training.prototypes import FlatFace, fit_prototypes, remove_lighting

CHIN, CHEEK = (slice(360, 400), slice(180, 268)), (slice(220, 240), slice(100, 348))


def people(count: int = 60) -> list[FlatFace]:
    """Men have beards, more often than not; beards darken chins, age lightens cheeks; each face is somewhat other."""
    rng = np.random.default_rng(0)
    made = []
    for number in range(count):
        male = float(number % 2)
        beard = float(male and number % 3 > 0)
        age = rng.choice([0.0, 0.33, 0.66, 1.0])
        light = rng.normal(scale=0.05) + np.zeros((*FLAT.size[::-1], 3))
        light[CHIN] += -0.8 * beard - 0.1 * male
        light[CHEEK] += 0.3 * age
        made.append(FlatFace(light.astype(np.float16), {"male": male, "beard": beard, "age": age}, f"p{number}", 0.0))
    return made


def test_each_attribute_has_its_own_effect_and_not_that_of_what_goes_with_it() -> None:
    made = fit_prototypes(people(), ["male", "beard", "age"], ["beard", "age", "male"])
    assert made.names == ("beard", "age", "male")
    wanted = {"beard": (-0.8, 0.0), "age": (0.0, 0.3), "male": (-0.1, 0.0)}
    for name, (chin, cheek) in wanted.items():
        assert made.of(name)[CHIN].mean() == pytest.approx(chin, abs=0.12)
        assert made.of(name)[CHEEK].mean() == pytest.approx(cheek, abs=0.08)


def test_a_label_that_cannot_be_seen_says_nothing() -> None:
    faces = people()
    hidden = [
        FlatFace(f.light, {k: v for k, v in f.labels.items() if k != "age"} if n % 5 == 0 else f.labels, f.identity, 0)
        for n, f in enumerate(faces)
    ]
    made = fit_prototypes(hidden, ["male", "beard", "age"], ["age"])
    assert made.of("age")[CHEEK].mean() == pytest.approx(0.3, abs=0.1)


def test_beards_that_cannot_be_seen_on_men_are_no_part_of_being_male() -> None:
    faces = people(120)
    hidden = [
        FlatFace(f.light, {k: v for k, v in f.labels.items() if k != "beard"}, f.identity, 0) if n % 4 == 1 else f
        for n, f in enumerate(faces)
    ]
    made = fit_prototypes(hidden, ["male", "beard", "age"], ["male"])
    assert made.of("male")[CHIN].mean() == pytest.approx(-0.1, abs=0.06)


def test_too_few_faces_and_labels_without_difference_are_refused() -> None:
    with pytest.raises(
        ConfigError, match="4 of the faces are labelled with age and male; 3 attributes want 6 at least"
    ):
        fit_prototypes(people(4), ["male", "beard", "age"], ["age"])
    alike = [FlatFace(f.light, {**f.labels, "beard": 1.0}, f.identity, 0) for f in people()]
    with pytest.raises(ConfigError, match="alike in 'beard'"):
        fit_prototypes(alike, ["male", "beard", "age"], ["beard"])


def test_light_from_the_side_is_taken_off_and_a_beard_is_not() -> None:
    face = np.zeros((*FLAT.size[::-1], 3), np.float32)
    face[int(flat_points()[2, 1]) + 20 :] = -0.6
    side = np.linspace(-0.5, 0.5, FLAT.size[0], dtype=np.float32)[None, :, None] + 0.3
    np.testing.assert_allclose(remove_lighting(face + side), face, atol=1e-3)
