import numpy as np
import torch

from facediff.audio.features import FLOOR
from facediff.models.motion import MotionDenoiser, SpeechEncoder
from facediff.motion import coefficients
from facediff.training.motion import (
    MotionDraw,
    MotionRecipe,
    MotionRecording,
    change_voice,
    equalise_articulation,
    mirror_motion,
    solve_mean_motion,
)


def clips(count: int = 3, frames: int = 80) -> list[MotionRecording]:
    rng = np.random.default_rng(0)
    motions = [rng.normal(size=(frames, coefficients.DIMENSIONS)).astype(np.float32) for _ in range(count)]
    return [MotionRecording(m, np.zeros((80, 4 * frames), np.float32), str(i)) for i, m in enumerate(motions)]


def test_what_sound_settles_is_found_in_closed_form() -> None:
    """Motion that is a linear function of the features, one of them a frame earlier, is predicted from them."""
    generator = torch.Generator().manual_seed(0)
    sound = torch.zeros(1, SpeechEncoder.FEATURES, 400)
    known = torch.randn(1, 4, 400, generator=generator)
    sound[:, :4] = known - known.mean(dim=-1, keepdim=True)
    motion = np.zeros((400, coefficients.DIMENSIONS), np.float32)
    motion[:, 0], motion[1:, 30] = 2 * sound[0, 1].numpy(), sound[0, 2, :-1].numpy()
    net = MotionDenoiser(channels=8, dilations=(1,))
    solve_mean_motion(net, [MotionRecording(motion, None, "a")], [sound], MotionRecipe(penalty=1e-4))
    told = net.regress_mean(sound)[0].T.numpy()[1:-1]
    wanted = (motion - motion.mean(axis=0))[1:-1]
    np.testing.assert_allclose(told[:, [0, 30]], wanted[:, [0, 30]], atol=0.05)
    assert np.abs(told[:, 5]).max() < 1e-4


def test_batches() -> None:
    recipe = MotionRecipe(batch_size=6, frames=32)
    sounds = [torch.ones(2, SpeechEncoder.FEATURES, 80).half(), None, None]
    draw = MotionDraw(clips(), recipe, sounds)
    batch = draw(np.random.default_rng(1))
    assert batch["motion"].shape == (6, coefficients.DIMENSIONS, 32)
    assert batch["speech"].shape == (6, SpeechEncoder.FEATURES, 32)
    assert not (batch["heard"] & ~batch["spoken"]).any()
    assert (batch["speech"][~batch["spoken"]] == 0).all()
    again = draw(np.random.default_rng(1))
    assert all(torch.equal(batch[key], again[key]) for key in batch)


def test_another_voice_is_still_a_log_mel() -> None:
    mel = np.random.default_rng(0).normal(-4, 2, (80, 40)).astype(np.float32)
    heard = [change_voice(mel, np.random.default_rng(seed)) for seed in range(8)]
    assert all(h.shape == mel.shape and np.isfinite(h).all() and h.min() >= np.log(FLOOR) - 1e-5 for h in heard)
    assert any(np.abs(h - mel).mean() > 0.3 for h in heard)


def test_a_mirror_twice_is_no_mirror() -> None:
    flip = mirror_motion()
    np.testing.assert_allclose(flip @ flip, np.eye(coefficients.DIMENSIONS), atol=0.05)


def test_everybody_opens_the_mouth_alike() -> None:
    loud, usual, quiet = clips()
    loud.motion[:, coefficients.OPENING] *= 1.6
    quiet.motion[:, coefficients.OPENING] *= 0.7
    spread = [c.motion[:, coefficients.OPENING].std() for c in equalise_articulation([loud, usual, quiet])]
    np.testing.assert_allclose(spread, spread[1], rtol=1e-3)
