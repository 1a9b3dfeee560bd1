"""What a step on runs is made of, and what is trained by it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from facediff.conditioning.captions import CaptionEncoder
from facediff.conditioning.difftalk import DiffTalkConditioner
from facediff.models.difftalk import base_schedule
from facediff.models.space_time import small_space_time
from facediff.training.loop import LoopConfig
from facediff.training.runs import FRAMES, ClipRuns
from facediff.training.space_time import ClipModel, RunDraw, RunRecipe, RunSource, run_loss, train_clips

pytestmark = pytest.mark.usefixtures("one_thread")
SCALE = 0.7


def made(count: int, number: int) -> ClipRuns:
    """Runs of noise; their rotations tell the clip and the run."""
    rng = np.random.default_rng(number)
    latents = (count, FRAMES, 4, 16, 20)
    mask = np.zeros((count, FRAMES, 1, 16, 20), np.uint8)
    mask[..., 5:11, 6:14] = 255
    rotation = np.broadcast_to(np.eye(3, dtype=np.float32), (count, FRAMES, 3, 3)).copy()
    rotation[..., 0, 0] = number + 0.01 * np.arange(count)[:, None]
    return ClipRuns(
        target=rng.normal(size=latents).astype(np.float16),
        masked=rng.normal(size=latents).astype(np.float16),
        reference=rng.normal(size=latents).astype(np.float16),
        mask=mask,
        lips=rng.integers(0, 256, (count, FRAMES, 2, 64, 80), dtype=np.uint8),
        points=rng.normal(size=(count, FRAMES, 478, 3)).astype(np.float16),
        rotation=rotation,
        window=rng.normal(size=(count, FRAMES, 32, 80)).astype(np.float16),
        start=np.arange(count) * FRAMES,
    )


@pytest.fixture(scope="module")
def sources() -> list[RunSource]:
    """One that speaks, one that is silent, and one that is never drawn."""
    return [
        RunSource(made(5, 1), weight=3.0, caption="an old man"),
        RunSource(made(2, 2), weight=1.0, is_heard=False, caption="a woman"),
        RunSource(made(1, 3), weight=0.0, caption="nobody"),
    ]


@pytest.fixture(scope="module")
def words() -> CaptionEncoder:
    return CaptionEncoder(["man", "old", "woman"])


def batches(sources, words, count: int = 60, **recipe) -> dict[str, Tensor]:
    """Many batches of one run as one, by run: (count, FRAMES or nothing, ...)."""
    draw = RunDraw(sources, words, RunRecipe(batch_size=1, **recipe))
    parts = [draw(np.random.default_rng(seed)) for seed in range(count)]
    return {name: torch.stack([part[name] for part in parts]) for name in parts[0]}


def clip_of(batch: dict[str, Tensor]) -> Tensor:
    return batch["rotation"][:, 0, 0, 0].floor().int()


def test_a_batch_is_whole_runs_of_clips_as_often_as_they_weigh(sources, words) -> None:
    batch = RunDraw(sources, words, RunRecipe(batch_size=3))(np.random.default_rng(0))
    assert {name: len(part) for name, part in batch.items() if name != "bag"} == dict.fromkeys(
        (*set(batch) - {"bag"},), 3 * FRAMES
    )
    assert batch["bag"].shape == (3, 3)
    for k in range(3):
        clip, row = divmod(float(batch["rotation"][k * FRAMES, 0, 0]), 1)
        runs = sources[int(clip) - 1].runs
        wanted = runs.target[round(100 * row)]
        np.testing.assert_array_equal(batch["target"][k * FRAMES : (k + 1) * FRAMES].half(), wanted)
    drawn = clip_of(batches(sources, words, 200))
    assert set(drawn.tolist()) == {1, 2}
    assert 0.65 < (drawn == 1).float().mean() < 0.85


def test_equal_generators_draw_equal_batches_and_others_others(sources, words) -> None:
    draw = RunDraw(sources, words, RunRecipe())
    one, same, other = (draw(np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert all(torch.equal(part, same[name]) for name, part in one.items())
    assert not torch.equal(one["target"], other["target"])


def test_a_silent_clip_is_never_heard_and_something_is_always_known(sources, words) -> None:
    batch = batches(sources, words, 300, audio_dropout=0.3, lips_dropout=0.5)
    audio, lips, clip = batch["audio_known"], batch["lips_known"], clip_of(batch)
    assert torch.equal(audio, audio[:, :1].expand_as(audio)) and torch.equal(lips, lips[:, :1].expand_as(lips))
    assert not audio[clip == 2].any()
    assert (audio | lips).all()
    assert 0.6 < audio[clip == 1].float().mean() < 0.8
    assert 0.35 < lips[audio].float().mean() < 0.65


def test_captions_go_with_their_clips_and_are_dropped_at_times(sources, words) -> None:
    batch = batches(sources, words, 300, caption_dropout=0.25)
    for clip, bag in ((1, [1, 1, 0]), (2, [0, 0, 1])):
        told = batch["bag"][clip_of(batch) == clip][:, 0]
        said = told.any(dim=1)
        assert (told[said] == torch.tensor(bag)).all()
        assert 0.6 < said.float().mean() < 0.9
    assert batches(sources, words, caption_dropout=0.0)["bag"].any(dim=2).all()
    assert not batches(sources, words, caption_dropout=1.0)["bag"].any()


class Watched(nn.Module):
    """Says nothing and remembers at which levels it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[Tensor] = []

    def forward(self, noisy: Tensor, timesteps: Tensor, batch: dict[str, Tensor]) -> Tensor:
        self.asked.append(timesteps)
        return torch.zeros_like(noisy)


def test_all_frames_of_a_run_are_at_one_level_of_noise(sources, words) -> None:
    draw, model = RunDraw(sources, words, RunRecipe(batch_size=4)), Watched()
    loss = run_loss(base_schedule(), RunRecipe(), SCALE)
    for seed in range(5):
        loss(model, draw(np.random.default_rng(seed)), torch.Generator().manual_seed(seed))
    levels = torch.stack(model.asked).view(5, 4, FRAMES)
    assert torch.equal(levels, levels[:, :, :1].expand_as(levels))
    assert len(levels[:, :, 0].unique()) > 15
    assert (levels[:, 1::2] >= 600).all() and (levels[:, ::2] < 600).any()  # every second run is at the noisy end


@pytest.fixture
def model(words) -> ClipModel:
    torch.manual_seed(0)
    conditioner = DiffTalkConditioner()
    return ClipModel(small_space_time(4, 2 * 4 + conditioner.extra_channels), conditioner, CaptionEncoder(
        words.config["vocabulary"]
    ))  # fmt: skip


def awake(model: ClipModel) -> ClipModel:
    """As it is once it has learnt that words and other frames count."""
    for name, weight in model.named_parameters():
        if name.endswith("proj_out.weight") or name == "captions.words":
            nn.init.normal_(weight, std=0.3)
    return model


@torch.no_grad()
def test_clips_of_a_batch_do_not_know_of_one_another(model, sources, words) -> None:
    batch = RunDraw(sources, words, RunRecipe(batch_size=2, caption_dropout=0.0))(np.random.default_rng(3))
    noisy, levels = torch.randn(2 * FRAMES, 4, 16, 20), torch.tensor([300, 900]).repeat_interleave(FRAMES)
    both = awake(model).eval()(noisy, levels, batch)
    assert both.shape == noisy.shape
    for k in range(2):
        rows = slice(k * FRAMES, (k + 1) * FRAMES)
        alone = {name: part[k : k + 1] if name == "bag" else part[rows] for name, part in batch.items()}
        torch.testing.assert_close(model(noisy[rows], levels[rows], alone), both[rows], rtol=1e-4, atol=1e-4)
    other = noisy.clone()
    other[2] += 1
    change = (model(other, levels, batch) - both).abs().amax(dim=(1, 2, 3))
    assert change[:FRAMES].min() > 1e-5 and change[FRAMES:].max() < 1e-5  # within a clip frames do


@torch.no_grad()
def test_what_is_said_is_heard_and_silence_on_it_is_too(model, sources, words) -> None:
    batch = RunDraw(sources, words, RunRecipe(batch_size=2, caption_dropout=0.0))(np.random.default_rng(3))
    noisy, levels = torch.randn(2 * FRAMES, 4, 16, 20), torch.full((2 * FRAMES,), 500)
    told = awake(model).eval()(noisy, levels, batch)
    silent = {**batch, "bag": batch["bag"] * torch.tensor([[1.0], [0.0]])}
    change = (model(noisy, levels, silent) - told).abs().amax(dim=(1, 2, 3))
    assert change[:FRAMES].max() < 1e-5 and change[FRAMES:].min() > 1e-5


def test_the_conditioner_stays_and_denoiser_and_words_learn(model, sources, words, tmp_path) -> None:
    before = {name: weight.detach().clone() for name, weight in model.named_parameters()}
    recipe = RunRecipe(batch_size=1, caption_dropout=0.0)
    config = LoopConfig(output=tmp_path, steps=3, mixed_precision="no", learning_rate=0.05, warmup=1)
    assert train_clips(model, RunDraw(sources, words, recipe), base_schedule(), config, recipe) is model
    moved = {name for name, weight in model.named_parameters() if not torch.equal(weight, before[name])}
    assert not [name for name in moved if name.startswith("conditioner")]
    assert "captions.words" in moved and [name for name in moved if name.startswith("unet")]
    assert (tmp_path / "state").is_dir()


def test_without_captions_there_are_no_words_and_it_learns_nevertheless(sources, tmp_path) -> None:
    torch.manual_seed(0)
    conditioner = DiffTalkConditioner()
    model = ClipModel(small_space_time(4, 2 * 4 + conditioner.extra_channels), conditioner, CaptionEncoder())
    before = model.unet.conv_out.weight.detach().clone()
    recipe = RunRecipe(batch_size=1)
    config = LoopConfig(output=tmp_path, steps=1, mixed_precision="no", learning_rate=0.05, warmup=0)
    for steps in (1, 2):  # the second goes on from the first
        config = replace(config, steps=steps)
        train_clips(model, RunDraw(sources, model.captions, recipe), base_schedule(), config, recipe)
        assert not torch.equal(model.unet.conv_out.weight, before)
        before = model.unet.conv_out.weight.detach().clone()
