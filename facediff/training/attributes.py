"""Fits the attribute classifier and its directions on the identity vectors of labelled people."""

from __future__ import annotations

import csv
import hashlib
import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from facediff.datasets.recordings import Recording
from facediff.errors import ConfigError
from facediff.models.attributes import AttributeClassifier

KEYS = ("file", "sha256", "usable")  # columns that are no attribute
HASH_DIGITS = 16  # of the SHA-256 by which labels know a file


def read_labels(path: Path) -> dict[str, dict[str, float]]:
    """Labels of every row of a table, by its file, or by the first 16 digits of the file's SHA-256.

    The table is CSV. One column is called ``file`` or ``sha256``; the others are attributes, from 0 (absent) to 1
    (there), empty where they cannot be seen. Rows whose ``usable`` is 0 are left out.

    Raises:
        ConfigError: It cannot be read, has no such column, or a label that is no number from 0 to 1.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"the table {path} cannot be read: {error}") from error
    if not rows or not {"file", "sha256"} & set(rows[0]):
        raise ConfigError(f"the table {path} wants a column 'file' or 'sha256', and at least one row")
    key = "file" if "file" in rows[0] else "sha256"
    labels: dict[str, dict[str, float]] = {}
    for number, row in enumerate(rows, start=2):
        if (row.get("usable") or "1").strip() == "0":
            continue
        labels[row[key].strip()] = {
            name: _read_label(text, f"{path}, line {number}, {name}")
            for name, text in row.items()
            if name and name not in KEYS and text and text.strip()
        }
    return labels


def _read_label(text: str, where: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= 1:
        raise ConfigError(f"{where}: a label is a number from 0 to 1, or empty, not {text!r}")
    return value


def find_label(clip: Recording, labels: Mapping[str, Mapping[str, float]]) -> Mapping[str, float] | None:
    """The labels of a clip, found by its name or by its content; None where it has none."""
    if clip.name in labels:
        return labels[clip.name]
    return labels.get(hashlib.sha256(clip.path.read_bytes()).hexdigest()[:HASH_DIGITS])


def fit_attributes(
    identities: NDArray[np.float32],
    labels: Mapping[str, NDArray[np.float32]],
    weights: NDArray[np.float32],
    *,
    covariates: NDArray[np.float32] | None = None,
    decay: float = 3e-3,
    apart: float = 0.3,
    steps: int = 300,
) -> AttributeClassifier:
    """A classifier fitted by logistic regression, all attributes at once, with directions.

    Labels go together: beards are men's, make-up is women's. A regression of one label alone would read the others as
    well, and call a woman who looks more like a man bearded. So a score is asked to stay when an identity moves along
    the pattern of another attribute, all else being equal: nulls as in a linearly constrained beamformer (Frost,
    "An algorithm for linearly constrained adaptive array processing", Proceedings of the IEEE 1972), as a penalty.

    Args:
        identities: (N, D) of length 1.
        labels: For each attribute (N,) from 0 to 1, NaN where it cannot be seen.
        weights: (N,) what each row counts.
        covariates: (N, C) what else differs between the pictures, light above all, and is not to be taken for an
            attribute.
        decay: Weight of the squared weights: faces are few, and vectors long.
        apart: Weight of the squared changes of scores along the patterns of other attributes; 0 lets them mix.
        steps: Of the optimiser.

    Raises:
        ConfigError: An attribute has but one kind of label.
    """
    names = tuple(labels)
    for name in names:
        known = labels[name][np.isfinite(labels[name])]
        if not (known < 0.5).any() or not (known > 0.5).any():
            raise ConfigError(f"the attribute {name!r} wants faces that have it and faces that do not")
    z = torch.from_numpy(np.asarray(identities, np.float32))
    target = torch.from_numpy(np.stack([labels[name] for name in names], axis=1).astype(np.float32))
    classifier = AttributeClassifier(names, z.shape[1])
    classifier.mean.data, classifier.deviation.data = z.mean(0), z.std(0).clamp(min=1e-6)
    torch.nn.init.zeros_(classifier.linear.weight)
    torch.nn.init.zeros_(classifier.linear.bias)
    seen = torch.isfinite(target)
    each = seen * torch.from_numpy(np.asarray(weights, np.float32))[:, None]
    target = target.nan_to_num()
    # Rare attributes must not be drowned by faces without them.
    share = (each * target).sum(0) / each.sum(0)
    each = each * (target * 0.5 / share + (1 - target) * 0.5 / (1 - share))
    each = each / each.sum(0)
    # Without the covariates: a score must stay whatever comes with another attribute, and the light is some of it.
    patterns = torch.from_numpy(fit_directions(identities, labels, weights)) / classifier.deviation
    others = 1 - torch.eye(len(names))
    optimizer = torch.optim.LBFGS(classifier.linear.parameters(), max_iter=steps, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        error = F.binary_cross_entropy_with_logits(classifier(z), target, reduction="none")
        mixed = classifier.linear.weight @ patterns.T * others
        value = (each * error).sum() + decay * classifier.linear.weight.square().sum() + apart * mixed.square().sum()
        value.backward()
        return value

    optimizer.step(closure)  # type: ignore[arg-type]
    directions = fit_directions(identities, labels, weights, covariates)
    classifier.directions.data = torch.from_numpy(directions)
    return classifier.eval()


def fit_directions(
    identities: NDArray[np.float32],
    labels: Mapping[str, NDArray[np.float32]],
    weights: NDArray[np.float32],
    covariates: NDArray[np.float32] | None = None,
    *,
    ridge: float = 1.0,
) -> NDArray[np.float32]:
    """How an identity changes with each attribute, all else being equal: (A, D).

    Identities are regressed on the attribute, on the other attributes and on the covariates, over the rows where the
    attribute is known.

    Args:
        identities: See ``fit_attributes``, as for ``labels``, ``weights`` and ``covariates``.
        labels: See ``identities``.
        weights: See ``identities``.
        covariates: See ``identities``.
        ridge: Rows' worth of evidence that nothing changes.
    """
    known = np.stack(list(labels.values()), axis=1).astype(np.float64)
    filled = complete_labels(known, np.asarray(identities, np.float64), weights, ridge)
    extra = np.zeros((len(known), 0)) if covariates is None else np.asarray(covariates, np.float64)
    extra = (extra - extra.mean(axis=0)) / np.maximum(extra.std(axis=0), 1e-6)
    causes = np.concatenate([filled, extra], axis=1)
    found = np.zeros((known.shape[1], identities.shape[1]), np.float32)
    for attribute in range(known.shape[1]):
        rows = np.isfinite(known[:, attribute])
        weight = weights[rows, None] / weights[rows].mean()
        x, y = (values[rows] - (weight * values[rows]).mean(axis=0) for values in (causes, identities))
        normal = (weight * x).T @ x + ridge * np.eye(x.shape[1])
        found[attribute] = np.linalg.solve(normal, (weight * x).T @ y)[attribute]
    return found


def complete_labels(
    known: NDArray[np.float64], told: NDArray[np.float64], weights: NDArray[np.floating], ridge: float = 1.0
) -> NDArray[np.float64]:
    """Labels (N, A) with what could not be seen guessed, linearly, from what is told (N, D) of the same faces.

    Args:
        known: The labels, NaN where they could not be seen.
        told: What goes with them: identities, or labels that can always be seen.
        weights: (N,) what each row counts.
        ridge: Rows' worth of evidence that it says nothing.
    """
    filled = known.copy()
    z = np.concatenate([told, np.ones((len(told), 1))], axis=1)
    for column, values in enumerate(known.T):
        rows = np.isfinite(values)
        weighed = (z[rows] * (weights[rows, None] / weights[rows].mean())).T
        normal = weighed @ z[rows] + ridge * np.diag([*np.full(z.shape[1] - 1, z[rows].std()), 0.0])
        guess = z[~rows] @ np.linalg.solve(normal, weighed @ values[rows])
        filled[~rows, column] = guess.clip(0, 1)
    return filled
