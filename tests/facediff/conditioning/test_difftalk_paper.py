import pytest
import torch

from facediff.conditioning.difftalk_paper import DiffTalkPaperConditioner
from facediff.conditioning.encoders import MOUTH_POINTS


def inputs(batch: int = 2) -> dict[str, torch.Tensor]:
    g = torch.Generator().manual_seed(0)
    shapes = {"masked": (3, 8, 8), "reference": (3, 8, 8), "mask": (1, 8, 8), "lips": (2, 16, 16),
              "window": (128, 29), "points": (478, 3), "rotation": (3, 3)}  # fmt: skip
    return {name: torch.rand(batch, *shape, generator=g) for name, shape in shapes.items()}


def test_the_encoders_have_the_published_sizes() -> None:
    conditioner = DiffTalkPaperConditioner()
    count = [sum(p.numel() for p in m.parameters()) for m in (conditioner.audio, conditioner.pool)]
    assert sum(count) == 34_949
    assert sum(p.numel() for p in conditioner.landmarks.parameters()) == 22_528


def test_one_token_and_nine_channels_with_the_noise() -> None:
    conditioner, given = DiffTalkPaperConditioner(), inputs()
    cond = conditioner(**given)
    assert cond.tokens.shape == (2, 1, 128)
    torch.testing.assert_close(cond.concat, torch.cat([given["masked"], given["reference"]], dim=1))
    assert cond.coarse is None and conditioner.extra_channels == 0


def test_the_mouth_is_not_seen_but_heard() -> None:
    conditioner, given = DiffTalkPaperConditioner(), inputs()
    moved = {**given, "points": given["points"].clone(), "lips": 1 - given["lips"]}
    moved["points"][:, list(MOUTH_POINTS)] += 1
    torch.testing.assert_close(conditioner(**moved).tokens, conditioner(**given).tokens)
    louder = {**given, "window": given["window"] + 1}
    assert not torch.allclose(conditioner(**louder).tokens, conditioner(**given).tokens)


def test_without_sound_only_the_face_is_left() -> None:
    conditioner, given = DiffTalkPaperConditioner(), inputs()
    unheard = conditioner(**given, audio_known=torch.tensor([False, False]))
    torch.testing.assert_close(conditioner.drop_sound(conditioner(**given)).tokens, unheard.tokens)


def test_windows_must_fill_the_columns() -> None:
    with pytest.raises(ValueError, match="are not 100 columns"):
        DiffTalkPaperConditioner(audio_columns=100)
