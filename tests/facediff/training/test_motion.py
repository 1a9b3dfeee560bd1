import numpy as np
import torch

from facediff.models.motion import MotionDenoiser
from facediff.motion import coefficients
from facediff.training.motion import (
    MotionDraw,
    MotionRecipe,
    equalise_articulation,
    hear,
    mirror_motion,
    solve_mean_motion,
    solve_principal_components,
)
from facediff.training.motion_recording import MotionRecording


def clips(count: int = 3, frames: int = 80) -> list[MotionRecording]:
    rng = np.random.default_rng(0)
    motions = [rng.normal(size=(frames, coefficients.DIMENSIONS)).astype(np.float32) for _ in range(count)]
    return [MotionRecording(m, np.zeros((frames, 20), np.float32), str(i)) for i, m in enumerate(motions)]


def test_what_sound_settles_is_found_in_closed_form() -> None:
    """Motion that is a linear function of the features, one of them a frame earlier, is predicted from them."""
    generator = torch.Generator().manual_seed(0)
    sound = torch.zeros(12, 400)
    known = torch.randn(4, 400, generator=generator)
    sound[:4] = known - known.mean(dim=-1, keepdim=True)
    motion = np.zeros((400, coefficients.DIMENSIONS), np.float32)
    motion[:, 0], motion[1:, 30] = 2 * sound[1].numpy(), sound[2, :-1].numpy()
    net = MotionDenoiser(speech_dim=20, features=12, channels=8, dilations=(1,))
    solve_mean_motion(net, [MotionRecording(motion, None, "a")], [sound], MotionRecipe(penalty=1e-4))
    told = net.regress_mean(sound[None])[0].T.numpy()[2:-2]
    wanted = (motion - motion.mean(axis=0))[2:-2]
    np.testing.assert_allclose(told[:, [0, 30]], wanted[:, [0, 30]], atol=0.05)
    assert np.abs(told[:, 5]).max() < 1e-4


def test_batches() -> None:
    recipe = MotionRecipe(batch_size=6, frames=32)
    sounds = [torch.ones(12, 80).half(), None, None]
    draw = MotionDraw(clips(), recipe, sounds)
    batch = draw(np.random.default_rng(1))
    assert batch["motion"].shape == (6, coefficients.DIMENSIONS, 32)
    assert batch["speech"].shape == (6, 12, 32)
    assert not (batch["heard"] & ~batch["spoken"]).any()
    assert (batch["speech"][~batch["spoken"]] == 0).all()
    again = draw(np.random.default_rng(1))
    assert all(torch.equal(batch[key], again[key]) for key in batch)


def test_principal_components_are_decorrelated_and_lose_nothing_that_is_there() -> None:
    """Twelve features that are mixtures of three: three components say all, each with unit deviation."""
    rng = np.random.default_rng(0)
    known = [rng.normal(3, [1, 2, 5], (200, 3)) for _ in range(2)]
    mixing = rng.normal(size=(3, 12))
    mixed = [(k @ mixing).astype(np.float16) for k in known]
    recordings = [MotionRecording(np.zeros((200, 31), np.float32), m, str(i)) for i, m in enumerate(mixed)]
    net = MotionDenoiser(speech_dim=12, features=3, channels=8, dilations=(1,))
    solve_principal_components(net, [*recordings, MotionRecording(np.zeros((9, 31)), None, "c")], MotionRecipe())
    heard = np.concatenate([h.float().numpy() for h in hear(net, recordings) if h is not None], axis=1)
    np.testing.assert_allclose(np.cov(heard, bias=True), np.eye(3), atol=0.02)
    np.testing.assert_allclose(heard.mean(axis=1), 0, atol=0.01)
    net = MotionDenoiser(speech_dim=12, features=8, channels=8, dilations=(1,))  # more than there are
    solve_principal_components(net, recordings, MotionRecipe())
    spread = np.concatenate([h.float().numpy() for h in hear(net, recordings) if h is not None], axis=1).std(axis=1)
    np.testing.assert_allclose(spread[:3], 1, atol=0.02)
    assert spread[3:].max() < 0.2  # what half precision made of nothing


def test_a_mirror_twice_is_no_mirror() -> None:
    flip = mirror_motion()
    np.testing.assert_allclose(flip @ flip, np.eye(coefficients.DIMENSIONS), atol=0.05)


def test_everybody_opens_the_mouth_alike() -> None:
    loud, usual, quiet = clips()
    loud.motion[:, coefficients.OPENING] *= 1.6
    quiet.motion[:, coefficients.OPENING] *= 0.7
    spread = [c.motion[:, coefficients.OPENING].std() for c in equalise_articulation([loud, usual, quiet])]
    np.testing.assert_allclose(spread, spread[1], rtol=1e-3)
