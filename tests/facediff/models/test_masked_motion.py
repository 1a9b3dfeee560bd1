from dataclasses import replace

import pytest
import torch

from facediff.models.masked_motion import MANNERS, MaskedMotionDenoiser, MotionContext


@pytest.fixture(scope="module")
def net() -> MaskedMotionDenoiser:
    torch.manual_seed(0)
    made = MaskedMotionDenoiser(speech_dim=6, features=5, channels=16, embedding=16, dilations=(1, 2, 4)).eval()
    for block in made.blocks:
        torch.nn.init.normal_(block.out.weight, std=0.1)
    torch.nn.init.normal_(made.leave.weight, std=0.1)
    return made.requires_grad_(False)


def context(frames: int) -> MotionContext:
    return MotionContext(
        given=torch.randn(2, 31, frames), mask=(torch.rand(2, 31, frames) > 0.5).float(),
        speech=torch.randn(2, 5, frames), heard=torch.tensor([True, False]), rate=torch.tensor([25.0, 5.0]),
        noise_level=torch.zeros(2), manner=torch.randn(2, MANNERS), known_manner=torch.tensor([True, True]),
    )  # fmt: skip


def test_frames_that_stand_alone_know_nothing_of_each_other(net) -> None:
    told, noisy = context(20), torch.randn(2, 31, 20)
    other = noisy.clone()
    other[:, :, 10] += 1
    alone = [net(x, torch.tensor(500), told, alone=True) for x in (noisy, other)]
    apart = (alone[0] != alone[1]).any(dim=1).any(dim=0)
    assert apart.tolist() == [k == 10 for k in range(20)]
    clip = [net(x, torch.tensor(500), told) for x in (noisy, other)]
    assert not torch.equal(clip[0][:, :, 9], clip[1][:, :, 9])


@pytest.mark.parametrize("field", ["given", "mask", "speech", "rate", "noise_level", "manner"])
def test_everything_that_it_is_told_counts(net, field) -> None:
    told, noisy = context(12), torch.randn(2, 31, 12)
    changed = replace(told, **{field: getattr(told, field) + 1})
    got = [net(noisy, torch.tensor(300), c)[0] for c in (told, changed)]
    assert not torch.equal(*got)


def test_what_is_not_told_does_not_count(net) -> None:
    told, noisy = context(12), torch.randn(2, 31, 12)
    hidden = replace(told, known_manner=torch.tensor([False, False]), heard=torch.tensor([False, False]))
    other = replace(hidden, manner=hidden.manner + 1, speech=hidden.speech + 1, given=hidden.given + 1 - told.mask)
    torch.testing.assert_close(net(noisy, torch.tensor(300), hidden), net(noisy, torch.tensor(300), other))


def test_frames_know_each_other_by_distance_alone(net) -> None:
    """Far from both ends the answer moves with the frames, so any length will do."""
    noisy = torch.randn(2, 31, 60)
    told = replace(context(60), mask=torch.zeros(2, 31, 60), heard=torch.tensor([False, False]))
    whole = net(noisy, torch.tensor(300), told)
    cut = replace(told, **{name: getattr(told, name)[:, :, 10:] for name in ("given", "mask", "speech")})
    part = net(noisy[:, :, 10:], torch.tensor(300), cut)
    torch.testing.assert_close(whole[:, :, 25:], part[:, :, 15:], atol=1e-5, rtol=1e-4)
