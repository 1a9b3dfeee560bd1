"""What a pipeline paints, against the truth, where mouths are painted."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from facediff.pipelines.loading import load_talk
from facediff.training.runs import FRAMES, ClipRuns
from facediff.training.sampling_error import MOST_RUNS, sampling_error
from facediff.training.space_time import RunSource

pytestmark = pytest.mark.usefixtures("one_thread")


def made(count: int, seed: int = 0) -> ClipRuns:
    rng = np.random.default_rng(seed)
    latents = (count, FRAMES, 4, 16, 20)
    mask = np.zeros((count, FRAMES, 1, 16, 20), np.uint8)
    mask[..., 5:11, 6:14] = 255
    lips = np.zeros((count, FRAMES, 2, 64, 80), np.uint8)
    lips[..., 28:36, 36:44] = 255
    names = ("target", "masked", "reference")
    return ClipRuns(
        **{name: rng.normal(size=latents).astype(np.float16) for name in names},
        mask=mask,
        lips=lips,
        points=rng.normal(size=(count, FRAMES, 478, 3)).astype(np.float16),
        rotation=np.broadcast_to(np.eye(3, dtype=np.float32), (count, FRAMES, 3, 3)).copy(),
        window=rng.normal(size=(count, FRAMES, 32, 80)).astype(np.float16),
        start=np.arange(count) * FRAMES,
    )


class Painter:
    """Paints the truth plus an error, in the order in which it is asked."""

    def __init__(self, runs: ClipRuns, error: np.ndarray | float = 0.0) -> None:
        self.asked: list[dict[str, torch.Tensor]] = []
        self.heard: list[bool] = []
        self.unet = SimpleNamespace(device=torch.device("cpu"), dtype=torch.float32)
        self.noises: list[torch.Tensor] = []
        self._truth = {runs.target[k].tobytes(): k for k in range(len(runs))}
        self._runs, self._error = runs, error

    def noise(self, size: tuple[int, int], seed: int) -> torch.Tensor:
        return torch.randn(1, 4, size[1] // 8, size[0] // 8, generator=torch.Generator().manual_seed(seed))

    def conditioner(self, *, audio_known: torch.Tensor, **known: torch.Tensor) -> torch.Tensor:
        self.asked.append(known)
        self.heard.append(bool(audio_known.all()))
        row = next(
            k for k in range(len(self._runs)) if np.array_equal(self._runs.masked[k], known["masked"].half().numpy())
        )
        return torch.from_numpy(self._runs.target[row]).float()

    def __call__(self, cond: torch.Tensor, noise: torch.Tensor, **options) -> SimpleNamespace:
        self.noises.append(noise)
        return SimpleNamespace(latents=cond + torch.as_tensor(self._error))


def test_the_truth_has_no_error_and_an_error_counts_its_square() -> None:
    runs = made(3)
    assert sampling_error(Painter(runs), [RunSource(runs)]) == pytest.approx(0, abs=1e-9)
    assert sampling_error(Painter(runs, 0.5), [RunSource(runs)]) == pytest.approx(0.25, rel=1e-3)


def test_only_what_is_painted_counts_and_lips_count_twice() -> None:
    runs = made(1)
    outside, lips = np.ones((16, 20), np.float32), np.zeros((16, 20), np.float32)
    outside[5:11, 6:14] = 0
    lips[7:9, 9:11] = 1
    assert sampling_error(Painter(runs, outside), [RunSource(runs)]) == pytest.approx(0, abs=1e-9)
    share = 4 * 2 / (6 * 8 - 4 + 4 * 2)
    assert sampling_error(Painter(runs, lips), [RunSource(runs)]) == pytest.approx(share, rel=1e-3)


def test_silent_clips_are_not_heard() -> None:
    runs = made(4)
    sources = [RunSource(runs.rows(slice(0, 2))), RunSource(runs.rows(slice(2, 4)), is_heard=False)]
    painter = Painter(runs)
    sampling_error(painter, sources)
    assert painter.heard == [True, True, False, False]


def test_of_many_runs_some_are_taken_evenly_spread() -> None:
    runs = made(2)
    many = [RunSource(runs.rows(slice(0, 1)))] * 50 + [RunSource(runs.rows(slice(1, 2)), is_heard=False)] * 50
    painter = Painter(runs)
    sampling_error(painter, many)
    assert len(painter.heard) == MOST_RUNS == 40 and sum(painter.heard) == 20


def test_all_start_from_one_noise_which_is_the_seeds() -> None:
    runs = made(2)
    painter = Painter(runs)
    for seed in (0, 0, 1):
        sampling_error(painter, [RunSource(runs)], seed=seed)
    first, second, third, _, fifth, _ = painter.noises
    assert torch.equal(first, second) and torch.equal(first, third) and not torch.equal(first, fifth)


def test_without_runs_there_is_no_error_to_tell() -> None:
    assert np.isnan(sampling_error(Painter(made(1)), []))


def test_a_real_pipeline_errs_alike_each_time_and_by_its_sound(tiny_model) -> None:
    _, painting = load_talk(tiny_model, "cpu")
    source = RunSource(made(1))
    one, again, deaf = (sampling_error(painting, [s]) for s in (source, source, replace(source, is_heard=False)))
    assert one == again and one > 0 and one != deaf
