import pytest
import torch

from facediff.conditioning.encoders import MOUTH_POINTS, UPPER_FACE, AudioTokens, LandmarkTokens, PoseToken


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_sound_is_heard_where_it_stands_in_the_window() -> None:
    """A token is made of its own columns and those of its neighbours."""
    tokens = AudioTokens(feature_dim=6, columns=32, tokens=8, dim=16)
    window = normal(2, 32, 6)
    changed = window.clone()
    changed[:, 12:16] = normal(2, 4, 6, seed=1)  # the fourth token's
    moved = (tokens(changed) - tokens(window)).abs().amax((0, 2)) > 1e-6
    assert tokens(window).shape == (2, 8, 16)
    assert moved.tolist() == [False, False, True, True, True, False, False, False]


def test_order_in_time_matters() -> None:
    tokens = AudioTokens(feature_dim=6, columns=8, tokens=4, dim=16)
    window = normal(1, 8, 6)
    assert not torch.allclose(tokens(window.flip(1)).sum(1), tokens(window).sum(1), atol=1e-4)


def test_loudness_hardly_matters() -> None:
    """A gain of the sound shifts every band of its log-mel alike."""
    tokens = AudioTokens()
    window = normal(1, 32, 80)
    torch.testing.assert_close(tokens(window + 3), tokens(window), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(
    ("encoder", "shape"), [(AudioTokens(6, 8, tokens=4, dim=16), (8, 6)), (LandmarkTokens(dim=16), (478, 3))]
)
def test_what_is_unknown_leaves_no_trace_and_what_is_known_is_as_before(encoder, shape) -> None:
    one, other = normal(2, *shape), normal(2, *shape, seed=1)
    present = torch.tensor([True, False])
    a, b = encoder(one, present), encoder(other, present)
    torch.testing.assert_close(a[1], b[1], rtol=0, atol=0)
    torch.testing.assert_close(a[0], encoder(one)[0])
    assert not torch.equal(a[0], b[0])
    assert not torch.allclose(a[1], encoder(one)[1])


def test_each_landmark_is_seen_by_one_token_and_no_others_are_seen() -> None:
    assert len(set(UPPER_FACE)) == 39 and len(set(MOUTH_POINTS)) == 40
    tokens = LandmarkTokens(MOUTH_POINTS, group=5, dim=16)
    points = normal(1, 478, 3)
    before = tokens(points)
    for place, index in enumerate(MOUTH_POINTS[::7]):
        moved = points.clone()
        moved[:, index] += 0.1
        changed = (tokens(moved) - before).abs().amax((0, 2)) > 0
        assert changed.nonzero().flatten().tolist() == [7 * place // 5]
    others = torch.ones(478, dtype=torch.bool)
    others[list(MOUTH_POINTS)] = False
    moved = points + others[:, None]
    torch.testing.assert_close(tokens(moved), before, rtol=0, atol=0)


def test_a_pose_is_one_token_that_tells_turns_apart() -> None:
    turn = torch.tensor([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
    rotations = torch.stack([torch.eye(3), turn, turn @ turn, turn @ turn @ turn])
    tokens = PoseToken(16)(rotations)
    assert tokens.shape == (4, 1, 16)
    apart = torch.cdist(tokens[:, 0], tokens[:, 0]) + torch.eye(4)
    assert apart.min() > 1e-3


def test_shares_that_do_not_come_out_even_are_refused() -> None:
    with pytest.raises(ValueError, match="8 tokens cannot share 30 columns evenly"):
        AudioTokens(columns=30)
    with pytest.raises(ValueError, match="39 landmarks cannot be shared out in groups of 4"):
        LandmarkTokens(group=4)
