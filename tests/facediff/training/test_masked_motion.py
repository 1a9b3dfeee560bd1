from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from facediff.models.masked_motion import MaskedMotionDenoiser
from facediff.models.motion import MotionDenoiser
from facediff.motion import coefficients
from facediff.pipelines.speech_motion import MotionPipeline
from facediff.training.loop import LoopConfig
from facediff.training.masked_motion import (
    MaskedMotionDraw,
    MaskedMotionRecipe,
    masked_motion_loss,
    masked_motion_schedule,
    normalise_manner,
    sample_mouths,
    train_masked_motion,
)
from facediff.training.motion import motion_schedule
from facediff.training.motion_recording import MotionRecording

SIZES = {"channels": 16, "embedding": 16, "dilations": (1, 2)}


def clips() -> list[MotionRecording]:
    """Heads that sway, one of somebody who is heard."""
    made = []
    for k, frames in enumerate((90, 60, 30)):
        at = np.arange(frames)[:, None] / 25
        motion = np.sin(2 * np.pi * at / (1.5 + np.arange(coefficients.DIMENSIONS) % 5)).astype(np.float32) * (1 + k)
        heard = np.random.default_rng(k).normal(size=(frames, 12)).astype(np.float16) if k == 0 else None
        made.append(MotionRecording(motion, heard, str(k)))
    return made


@pytest.fixture
def draw() -> MaskedMotionDraw:
    sounds = [torch.ones(6, 90).half(), None, None]
    return MaskedMotionDraw(clips(), sounds, 6, MaskedMotionDenoiser(speech_dim=12, features=6, **SIZES), RECIPE)


RECIPE = MaskedMotionRecipe(windows=((8, 16), (4, 40)))


def test_batches_hold_clips_and_single_frames_at_several_rates_and_are_drawn_alike_again(draw) -> None:
    drawn = [draw(np.random.default_rng(k)) for k in range(80)]
    assert {tuple(b["motion"].shape) for b in drawn} == {(8, 31, 16), (4, 31, 40)}
    assert {round(float(b["rate"][0]), 1) for b in drawn} == {25.0, 12.5, 8.3, 5.0}
    assert 0 < sum(bool(b["alone"]) for b in drawn) < 40
    assert all(not b["mask"].any() for b in drawn if b["alone"])
    assert max(float(b["noise_level"].max()) for b in drawn) <= 0.25
    again = draw(np.random.default_rng(3))
    assert all(torch.equal(drawn[3][key], again[key]) for key in again)


def test_at_half_the_rate_heads_step_twice_as_far(draw) -> None:
    steps: dict[float, list[float]] = {}
    for k in range(200):
        batch = draw(np.random.default_rng(k))
        far = (batch["motion"].diff(dim=-1).abs() * batch["valid"][:, None, 1:]).sum() / batch["valid"][:, 1:].sum()
        steps.setdefault(float(batch["rate"][0]), []).append(float(far))
    assert np.mean(steps[12.5]) / np.mean(steps[25.0]) == pytest.approx(2, rel=0.3)


def test_what_is_given_does_not_count(draw) -> None:
    net = MaskedMotionDenoiser(speech_dim=12, features=6, **SIZES).eval()
    batch = next(b for b in (draw(np.random.default_rng(k)) for k in range(50)) if not b["alone"])
    batch["valid"] = torch.ones_like(batch["valid"])
    batch["mask"] = torch.ones_like(batch["mask"])
    loss = masked_motion_loss(masked_motion_schedule())
    with torch.no_grad():
        assert float(loss(net, batch, torch.Generator().manual_seed(0))[0]) == 0
        batch["mask"][:, :, 5] = 0
        assert float(loss(net, batch, torch.Generator().manual_seed(0))[0]) > 0.1


def test_a_made_mouth_stands_in_where_the_mouth_is_given_throughout_and_nowhere_else() -> None:
    """Mouths of 100 are nobody's: where the mouth is to be learnt, and where nothing is heard, none is seen."""
    mouths = [np.full((2, 90, coefficients.DIMENSIONS), 100, np.float16), None, None]
    net = MaskedMotionDenoiser(speech_dim=12, features=6, **SIZES)
    sounds = [torch.ones(6, 90).half(), None, None]
    draw = MaskedMotionDraw(clips(), sounds, 6, net, replace(RECIPE, made_share=0.5), mouths)
    seen = learnt = filmed = 0
    for k in range(60):
        batch = draw(np.random.default_rng(k))
        made = (batch["motion"].abs() > 30).any(dim=2)  # mirrored or not
        given = batch["mask"][:, coefficients.OPENING].all(dim=2)[:, 0]
        opened = made[:, coefficients.OPENING.start]
        seen, learnt = seen + int(opened.sum()), learnt + int((opened & ~given).sum())
        filmed += int((given & ~opened).sum())
        assert not made[:, coefficients.BROWS.start : coefficients.SHIFT.stop].any()
    assert seen > 20 and learnt == 0 and filmed > 20


def test_made_mouths_are_the_motion_models_own_by_seed_and_of_who_is_heard() -> None:
    hearing = MotionDenoiser(speech_dim=12, features=6, channels=8, dilations=(1,))
    talking = MotionPipeline(hearing, motion_schedule(), None)  # type: ignore[arg-type]  # what is heard is given
    mouths = sample_mouths(talking, clips(), count=2)
    assert mouths[0] is not None and mouths[0].shape == (2, 90, coefficients.DIMENSIONS)
    assert np.abs(mouths[0][0] - mouths[0][1]).max() > 0.01
    assert mouths[1] is None and mouths[2] is None


def test_training_lowers_the_loss_and_knows_peoples_manners(tmp_path: Path, draw) -> None:
    hearing = MotionDenoiser(speech_dim=12, features=6, channels=8, dilations=(1,))
    config = LoopConfig(output=tmp_path, steps=60, learning_rate=5e-3, warmup=5, mixed_precision="no", ema_decay=0.9)
    made = train_masked_motion(clips(), hearing, config, RECIPE, SIZES).eval()
    fresh = MaskedMotionDenoiser(
        speech_dim=12, features=6, motion_mean=made.mean[:, 0].tolist(), motion_std=made.std[:, 0].tolist(), **SIZES
    )
    loss, batches = masked_motion_loss(masked_motion_schedule()), [draw(np.random.default_rng(k)) for k in range(10)]
    with torch.no_grad():
        before, after = (
            sum(float(loss(net, batch, torch.Generator().manual_seed(0))[0]) for batch in batches)
            for net in (fresh.eval(), made)
        )
    assert after < 0.9 * before
    assert torch.equal(made.principal.weight, hearing.principal.weight)
    assert np.abs(normalise_manner(made, np.array(made.config["manner_mean"]))).max() < 1e-6
