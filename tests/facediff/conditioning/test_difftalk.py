import torch

from facediff.conditioning.difftalk import DiffTalkConditioner
from facediff.conditioning.encoders import MOUTH_POINTS, UPPER_FACE, LandmarkTokens


def inputs(batch: int = 2) -> dict[str, torch.Tensor]:
    g = torch.Generator().manual_seed(0)
    shapes = {"masked": (12, 20, 24), "reference": (12, 20, 24), "mask": (1, 20, 24), "lips": (2, 80, 96),
              "window": (32, 80), "points": (478, 3), "rotation": (3, 3)}  # fmt: skip
    return {name: torch.rand(batch, *shape, generator=g) for name, shape in shapes.items()}


def test_shapes_and_what_is_concatenated() -> None:
    conditioner = DiffTalkConditioner()
    given = inputs()
    cond = conditioner(**given)
    assert cond.concat.shape == (2, 24 + conditioner.extra_channels, 20, 24)
    torch.testing.assert_close(cond.concat[:, :12], given["masked"])
    assert cond.tokens.shape == (2, 8 + 13 + 8 + 1, 128)


def test_landmark_tokens_do_not_see_the_mouth() -> None:
    assert not set(UPPER_FACE) & set(MOUTH_POINTS)
    assert len(UPPER_FACE) == 39
    tokens = LandmarkTokens()
    points = torch.randn(1, 478, 3)
    moved = points.clone()
    moved[:, list(MOUTH_POINTS)] += 1
    torch.testing.assert_close(tokens(points), tokens(moved))


def test_unknown_lips_leave_no_trace() -> None:
    conditioner, given = DiffTalkConditioner(), inputs()
    moved = {**given, "lips": 1 - given["lips"], "points": given["points"].clone()}
    moved["points"][:, list(MOUTH_POINTS)] += 1
    unknown = torch.zeros(2, dtype=torch.bool)
    one, other = (conditioner(**g, lips_known=unknown) for g in (given, moved))
    torch.testing.assert_close(one.concat, other.concat)
    torch.testing.assert_close(one.tokens, other.tokens)
    known = conditioner(**moved)
    assert not torch.equal(known.tokens, conditioner(**given).tokens)
