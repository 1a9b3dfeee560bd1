"""A distance between sets of features, and features that tell real mouths from others."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage.data import astronaut

from facediff.errors import InputError
from facediff.evaluation.frechet import (
    COMPONENTS,
    SPAN,
    STRIDE,
    FrechetSpace,
    crps,
    frechet_distance,
    inception_score,
    mouth_features,
    polynomial_distance,
)
from facediff.landmarks.tracker import track_still
from facediff.models.codec import FaceCodec
from facediff.types import FaceTrack

COUNT = 108  # frames of a clip: as few as give features enough


def drawn(seed: int, count: int = 4000, dim: int = 3, shift: float = 0.0, scale: float = 1.0) -> np.ndarray:
    return (np.random.default_rng(seed).normal(size=(count, dim)) * scale + shift).astype(np.float64)


def test_a_set_is_no_distance_from_itself() -> None:
    assert frechet_distance(drawn(0), drawn(0)) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("dim", [1, 3])
def test_of_gaussians_it_is_the_closed_form(dim) -> None:
    """|μ - ν|² + Σ (σ - τ)² over the axes."""
    one = drawn(0, dim=dim)
    one = (one - one.mean(axis=0)) @ np.linalg.inv(np.linalg.cholesky(np.atleast_2d(np.cov(one, rowvar=False)))).T
    assert frechet_distance(one, one + 2.0) == pytest.approx(4.0 * dim)
    assert frechet_distance(one, 3.0 * one) == pytest.approx(4.0 * dim, rel=1e-4)
    assert frechet_distance(one, 3.0 * one + 2.0) == pytest.approx(8.0 * dim, rel=1e-4)


def test_it_sees_what_is_correlated_where_the_axes_alone_are_alike() -> None:
    tied = drawn(1)
    tied[:, 1] = 0.9 * tied[:, 0] + np.sqrt(1 - 0.81) * tied[:, 1]
    turned = tied * [1, -1, 1]
    assert frechet_distance(tied, turned) > 0.5
    assert frechet_distance(tied, turned) == pytest.approx(frechet_distance(turned, tied), rel=1e-3)


def footage(seed: int, count: int = 200) -> np.ndarray:
    """Features that vary along few of their many directions."""
    mixing = np.random.default_rng(9).normal(size=(30, 60))
    return (np.random.default_rng(seed).normal(size=(count, 30)) @ mixing + 5).astype(np.float32)


def test_a_space_measures_in_deviations_of_real_footage() -> None:
    real = footage(0)
    space = FrechetSpace.of(real)
    assert space.distance(real, real) == pytest.approx(0, abs=1e-4)
    other = space.distance(real, footage(1))
    assert 0 < other < 0.5 * space.distance(real, footage(1) + real.std(axis=0))
    scaled = FrechetSpace.of(1000 * real)
    assert scaled.distance(1000 * real, 1000 * footage(1)) == pytest.approx(other, rel=0.02)


def test_the_distance_grows_with_the_shift_as_its_square() -> None:
    real = footage(0)
    space = FrechetSpace.of(real)
    step = space.deviation * space.directions.sum(axis=1)  # by 1 along each of the directions
    for size in (1.0, 2.0):
        assert space.distance(real, real + size * step) == pytest.approx(size**2, rel=1e-3)


def test_too_few_features_are_refused() -> None:
    few, real = footage(0, COMPONENTS), footage(1)
    with pytest.raises(InputError, match="needs more than 24 features, not 24"):
        FrechetSpace.of(few)
    for pair in ((few, real), (real, few)):
        with pytest.raises(InputError, match="needs more than 24 features, not 24"):
            FrechetSpace.of(real).distance(*pair)


@pytest.fixture(scope="module")
def codec() -> FaceCodec:
    torch.manual_seed(0)
    return FaceCodec(4, 8, 8, (1, 1), (1, 1)).eval()


@pytest.fixture(scope="module")
def track() -> FaceTrack:
    still = track_still(astronaut())
    return FaceTrack(np.repeat(still.points, COUNT, axis=0), np.full(COUNT, 2, np.uint8), (512, 512), 25.0)


def film(track: FaceTrack, seed: int) -> list[np.ndarray]:
    """A mouth that moves up and down and darkens, in two slow waves that begin anywhere."""
    left, top, _ = (track.points[0, [61, 291, 13]].min(axis=0) - 30).astype(int)
    begin, time = np.random.default_rng(seed).uniform(0, 2 * np.pi, 2), np.arange(COUNT) / 25
    frames = []
    for t in time:
        frame = astronaut().copy()
        mouth = frame[top : top + 80, left : left + 120]
        shifted = np.roll(mouth, int(round(6 * np.sin(2 * np.pi * 1.1 * t + begin[0]))), axis=0)
        mouth[:] = shifted * (0.8 + 0.2 * np.sin(2 * np.pi * 0.7 * t + begin[1]))
        frames.append(frame)
    return frames


def test_shuffled_frames_are_further_from_real_ones_than_other_real_ones(track, codec) -> None:
    real, other = film(track, 0), film(track, 1)
    order = np.random.default_rng(0).permutation(COUNT)
    shuffled = [other[k] for k in order]
    features = [mouth_features(frames, track, codec) for frames in (real, other, shuffled)]
    assert len(features[0]) == (COUNT - SPAN) // STRIDE + 1
    space = FrechetSpace.of(features[0])
    assert space.distance(features[0], features[2]) > 3 * space.distance(features[0], features[1])


def test_a_held_picture_does_not_change(track, codec) -> None:
    (first, *rest) = mouth_features([astronaut()] * 16, track, codec)
    appearance, detail, change = np.split(first, 3)
    assert not change.any() and appearance.any() and (detail > 0).any()
    assert len(rest) == 2
    np.testing.assert_array_equal(rest[0], first)


def test_runs_that_miss_a_face_give_no_features(track, codec) -> None:
    presence = track.presence.copy()
    presence[9] = 0
    missing = FaceTrack(track.points.copy(), presence, track.size, track.fps)
    missing.points[9] = np.nan
    frames = film(track, 0)[:24]
    whole, part = mouth_features(frames, track, codec), mouth_features(frames, missing, codec)
    assert len(whole) == 5 and len(part) == 3  # without those that begin with frames 4 and 8
    np.testing.assert_allclose(part, whole[[0, 3, 4]], atol=1e-5)
    assert not len(mouth_features(frames[:7], track, codec))


# Run with torchmetrics 1.9.0, scoringrules 0.10.0 and scipy 1.17.1.
def test_distances_agree_with_reference_implementations_on_random_features() -> None:
    one, other = drawn(0, 200, 16), drawn(1, 150, 16, shift=0.3, scale=1.4)
    metrics = pytest.importorskip("torchmetrics")
    from torchmetrics.image.fid import _compute_fid
    from torchmetrics.image.kid import poly_mmd

    assert metrics.__version__
    moments = [
        torch.from_numpy(part)
        for f in (one, other)
        for part in (f.mean(axis=0), np.cov(f, rowvar=False))
    ]  # fmt: skip
    assert frechet_distance(one, other) == pytest.approx(float(_compute_fid(*moments)), rel=1e-4)
    theirs = float(poly_mmd(torch.from_numpy(one[:150]), torch.from_numpy(other)))
    assert polynomial_distance(one[:150], other) == pytest.approx(theirs, rel=1e-4)


def test_the_kernel_distance_agrees_with_the_kernel_of_sklearn() -> None:
    """Of scikit-learn 1.9.1; degree, slope and constant as Bińkowski et al. have them."""
    from sklearn.metrics.pairwise import polynomial_kernel

    one, other = drawn(0, 60, 16), drawn(1, 50, 16, shift=0.3, scale=1.4)

    def mean(first: np.ndarray, second: np.ndarray) -> float:
        kernel = polynomial_kernel(first, second, degree=3, gamma=1 / first.shape[1], coef0=1)
        return float(kernel[~np.eye(len(first), dtype=bool)].mean() if first is second else kernel.mean())

    theirs = mean(one, one) + mean(other, other) - 2 * mean(one, other)
    assert polynomial_distance(one, other) == pytest.approx(theirs, rel=1e-4)


@pytest.mark.filterwarnings("ignore:Metric `InceptionScore` will save", "ignore:std\\(\\)")
def test_the_inception_score_agrees_with_torchmetrics() -> None:
    """Whose way from logits to the score is asked without its network."""
    pytest.importorskip("torchmetrics")
    from torchmetrics.image.inception import InceptionScore

    logits = drawn(2, 300, 20)
    asked = InceptionScore(torch.nn.Identity(), splits=1)
    asked.update(torch.from_numpy(logits))
    chances = torch.softmax(torch.from_numpy(logits), dim=1).numpy()
    assert inception_score(chances) == pytest.approx(float(asked.compute()[0]), rel=1e-4)


def test_crps_is_what_two_loops_over_the_samples_give_and_scoringrules_says() -> None:
    samples, truth = drawn(3, 7, 40), drawn(4, 1, 40)[0]
    spread = np.mean([np.abs(a - b) for a in samples for b in samples], axis=0)
    assert crps(samples, truth) == pytest.approx(float((np.abs(samples - truth).mean(axis=0) - spread / 2).mean()))
    assert crps(truth[None], truth) == 0
    rules = pytest.importorskip("scoringrules")
    theirs = rules.crps_ensemble(truth, samples.T, estimator="nrg").mean()
    assert crps(samples, truth) == pytest.approx(float(theirs), rel=1e-4)


def test_a_kernel_distance_is_about_zero_of_one_distribution_and_grows_with_the_shift() -> None:
    apart = [polynomial_distance(drawn(0, 400), drawn(1, 400, shift=shift)) for shift in (0, 0.5, 1.0)]
    assert abs(apart[0]) < 0.1 * apart[1] < 0.1 * apart[2]


def test_an_inception_score_is_one_of_alike_and_the_number_of_classes_of_sure_ones() -> None:
    assert inception_score(np.full((9, 5), 0.2)) == pytest.approx(1)
    assert inception_score(np.eye(5)) == pytest.approx(5)
