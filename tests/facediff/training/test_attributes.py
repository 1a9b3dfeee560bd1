from pathlib import Path

import numpy as np
import pytest
import torch

from facediff.errors import ConfigError
from facediff.training.attributes import complete_labels, fit_attributes, fit_directions, read_labels
from facediff.training.edit_stages import LABELS, cross_validate


def faces(count: int = 300, dim: int = 24, seed: int = 0) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Vectors in which two attributes lie along known directions, the second rare, some labels missing."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(count, dim)).astype(np.float32)
    beard, age = (z[:, 0] > 0).astype(np.float32), (z[:, 1] + 0.5 * z[:, 2] > 1.4).astype(np.float32)
    beard[::7] = np.nan
    return z / np.linalg.norm(z, axis=1, keepdims=True), {"beard": beard, "age": age}


def test_attributes_are_found_along_their_directions() -> None:
    z, labels = faces()
    fitted = fit_attributes(z, labels, np.ones(len(z), np.float32))
    weight = torch.nn.functional.normalize(fitted.linear.weight.detach() / fitted.deviation, dim=1)
    assert weight[0, 0] > 0.8 and weight[1, 1] > 0.6 and weight[1, 2] > 0.2
    other, truth = faces(seed=1)
    with torch.no_grad():
        right = (fitted(torch.from_numpy(other)).numpy() > 0) == (np.stack(list(truth.values()), 1) > 0.5)
    assert right.mean() > 0.85


def test_rows_without_weight_say_nothing() -> None:
    z, labels = faces()
    weights = np.ones(len(z), np.float32)
    weights[100:] = 0
    flipped = {name: np.where(np.arange(len(z)) < 100, values, 1 - values) for name, values in labels.items()}
    one, two = (fit_attributes(z, table, weights) for table in (labels, flipped))
    torch.testing.assert_close(one.linear.weight, two.linear.weight, rtol=1e-3, atol=1e-3)


def test_an_attribute_that_all_or_none_have_is_refused() -> None:
    z, labels = faces()
    labels["age"][:] = 0
    with pytest.raises(ConfigError, match="age"):
        fit_attributes(z, labels, np.ones(len(z), np.float32))


def test_judged_on_people_not_seen_chance_is_a_half() -> None:
    z, labels = faces(400)
    people = np.array([f"p{i // 2}" for i in range(len(z))])
    noise = (np.random.default_rng(3).random(200) < 0.5).astype(np.float32).repeat(2)
    scores = cross_validate(z, {**labels, "noise": noise}, np.ones(len(z), np.float32), people)
    assert scores["beard"] > 0.9 and scores["age"] > 0.9 and 0.35 < scores["noise"] < 0.65


def test_an_attribute_that_one_person_has_is_not_judged_and_the_others_are(caplog: pytest.LogCaptureFixture) -> None:
    z, labels = faces()
    people = np.array([str(k // 3) for k in range(len(z))])
    rare = (people == "7").astype(np.float32)
    with caplog.at_level("WARNING", "facediff"):
        scores = cross_validate(z, {**labels, "bald": rare}, np.ones(len(z), np.float32), people)
    assert sorted(scores) == ["age", "beard"] and min(scores.values()) > 0.9
    assert "bald is not judged" in caplog.text


def table(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_labels_are_read_by_file_or_by_hash(tmp_path: Path) -> None:
    found = read_labels(table(tmp_path / "a.csv", "sha256,usable,beard,age\nab,1,0.5,\ncd,0,1,1\nef,,1,0\n"))
    assert found == {"ab": {"beard": 0.5}, "ef": {"beard": 1.0, "age": 0.0}}
    assert read_labels(table(tmp_path / "b.csv", "file,beard\nx/y.png,1\n")) == {"x/y.png": {"beard": 1.0}}


@pytest.mark.parametrize("text", ["", "name,beard\na,1\n", "file,beard\na,2\n", "file,beard\na,yes\n"])
def test_tables_that_are_none_are_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        read_labels(table(tmp_path / "a.csv", text))
    with pytest.raises(ConfigError, match="cannot be read"):
        read_labels(tmp_path / "missing.csv")


def test_directions_are_what_changes_all_else_being_equal() -> None:
    """Vectors made of labels that go together, of the light, and of noise."""
    rng = np.random.default_rng(0)
    count, dim = 800, 12
    beard = (rng.random(count) < 0.4).astype(np.float32)
    age = np.clip(0.3 * beard + 0.6 * rng.random(count), 0, 1).astype(np.float32)
    light = (beard + rng.normal(size=count)).astype(np.float32)[:, None]
    true = 0.3 * rng.normal(size=(3, dim))
    z = np.stack([beard, age, light[:, 0]], 1) @ true + 0.1 * rng.normal(size=(count, dim))
    labels = {"beard": np.where(rng.random(count) < 0.2, np.nan, beard), "age": age}
    found = fit_directions(z.astype(np.float32), labels, np.ones(count, np.float32), light)
    np.testing.assert_allclose(found, true[:2], atol=0.06)
    blind = fit_directions(z.astype(np.float32), labels, np.ones(count, np.float32))
    assert np.abs(blind[0] - true[0]).max() > 0.15  # the light taken for the beard


def test_a_score_stays_while_another_attribute_changes() -> None:
    """Only men have beards, and most men do; vectors are made of both, of noise, and of nothing else."""
    rng = np.random.default_rng(0)
    count, patterns = 600, rng.normal(size=(2, 16))
    male = (rng.random(count) < 0.5).astype(np.float32)
    beard = male * (rng.random(count) < 0.7).astype(np.float32)
    labels = {"male": male, "beard": beard}
    z = (np.stack([male, beard], 1) @ patterns + rng.normal(size=(count, 16))).astype(np.float32)
    for apart, is_mixed in ((0.0, True), (0.3, False)):
        fitted = fit_attributes(z, labels, np.ones(count, np.float32), apart=apart)
        weight = (fitted.linear.weight / fitted.deviation).detach().numpy()
        changes = weight @ patterns.T  # of each score with each attribute
        assert (np.diag(changes) > 0.5).all()
        assert (abs(changes[0, 1]) > 0.25 * changes[0, 0]) == is_mixed, changes


def test_what_cannot_be_seen_is_guessed_from_what_can() -> None:
    """Beards that only men have, unknown on half of the men; rows without weight say nothing."""
    male = np.tile([0.0, 1.0], 100)
    beard = np.where(male > 0, np.tile([0.0, 0.0, 0.0, 1.0], 50), 0.0)
    beard[150:] = 1
    weights = np.where(np.arange(200) < 150, 1.0, 0.0)
    known = np.stack([male, np.where((male > 0) & (np.arange(200) % 8 < 4), np.nan, beard)], axis=1)
    found = complete_labels(known, male[:, None], weights)
    hidden = np.isnan(known[:, 1])
    np.testing.assert_allclose(found[hidden, 1], beard[~hidden & (male > 0)][:36].mean(), atol=0.05)
    np.testing.assert_array_equal(found[~hidden], known[~hidden])


def test_some_attributes_of_a_classifier_are_what_they_were() -> None:
    z, labels = faces()
    fitted = fit_attributes(z, labels, np.ones(len(z), np.float32))
    part, rows = fitted.select(["age"]), torch.from_numpy(z)
    with torch.inference_mode():
        torch.testing.assert_close(part(rows)[:, 0], fitted(rows)[:, 1])
        older, both = torch.tensor([0.7]), torch.tensor([0.0, 0.7])
        torch.testing.assert_close(part.edit(rows, older), fitted.edit(rows, both))
    with pytest.raises(ConfigError, match="hat"):
        fitted.select(["hat"])


def test_our_own_labels_can_be_read_and_hold_both_kinds() -> None:
    rows = read_labels(LABELS).values()
    for name in ("eyeglasses", "beard", "age", "male", "makeup"):
        known = [row[name] for row in rows if name in row]
        assert sum(value > 0.5 for value in known) >= 12 and sum(value < 0.5 for value in known) >= 100, name
