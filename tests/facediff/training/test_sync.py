import numpy as np
import torch

from facediff.models.sync import SyncNet
from facediff.motion import coefficients
from facediff.training.motion_recording import MotionRecording
from facediff.training.sync import SyncDraw, SyncRecipe, sync_loss

RECIPE = SyncRecipe(batch_size=4, frames=20, noise=0.0)


def clip(seed: int, frames: int = 60) -> MotionRecording:
    motion = np.random.default_rng(seed).normal(size=(frames, coefficients.DIMENSIONS)).astype(np.float32)
    return MotionRecording(motion, None, f"person {seed}")


def sound(number: int, frames: int = 60) -> torch.Tensor:
    """Features that say which clip and which frame they are of."""
    features = torch.zeros(160, frames)
    features[0], features[1] = number, torch.arange(frames)
    return features.half()


def test_lips_and_sound_are_of_the_same_moments() -> None:
    clips = [clip(0), clip(1), clip(2, frames=10), clip(3)]
    batch = SyncDraw(clips, [sound(0), None, sound(2, 10), sound(3)], RECIPE)(np.random.default_rng(0))
    assert batch["lips"].shape == (4, 17, 20)
    for lips, speech in zip(batch["lips"], batch["speech"], strict=True):
        number, start = int(speech[0, 0]), int(speech[1, 0])
        assert number in (0, 3)  # neither the silent nor the short one
        own = coefficients.lip_channels(clips[number].motion)[-1, start : start + 20]
        np.testing.assert_allclose(lips[-1], own, atol=1e-5)


def test_the_loss_wants_each_moment_to_find_itself() -> None:
    class Known(SyncNet):
        def embed_lips(self, lips):
            return lips

        embed_speech = embed_lips

    one_hot = torch.eye(20)[None].repeat(2, 1, 1)
    loss = sync_loss(RECIPE)
    right, figures = loss(Known(), {"lips": one_hot, "speech": one_hot}, torch.Generator())
    assert figures["found"] == 1.0 and float(right) < 0.01
    late, figures = loss(Known(), {"lips": one_hot, "speech": one_hot.roll(5, dims=2)}, torch.Generator())
    assert figures["found"] == 0.0 and float(late) > 5
