"""Latents of a cache."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from facediff.errors import InputError
from facediff.models.codec import FaceCodec
from facediff.training.latents import check_batch, encode_cache, to_pictures

COUNT, SIZE = 5, (32, 16)


@pytest.fixture(scope="module")
def codec() -> FaceCodec:
    torch.manual_seed(0)
    return FaceCodec(4, 8, 8, (1, 1), (1, 1))


@pytest.fixture(scope="module")
def kinds() -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(1)
    return torch.rand(COUNT, 3, 16, 32) * 2 - 1, torch.rand(COUNT, 3, 16, 32) * 2 - 1


def encoded(codec, kinds, folder, **options) -> dict[str, np.ndarray]:
    def pictures(rows: slice) -> tuple[torch.Tensor, ...]:
        return tuple(kind[rows] for kind in kinds)

    return encode_cache(codec, ("one", "other"), pictures, COUNT, SIZE, folder, **options)


def test_each_row_is_the_latent_of_its_picture_whatever_the_batch(codec, kinds, tmp_path) -> None:
    made = encoded(codec, kinds, tmp_path, batch=2)
    for name, pictures in zip(("one", "other"), kinds, strict=True):
        with torch.no_grad():
            np.testing.assert_allclose(made[name], codec.encode(pictures).numpy(), atol=5e-3)


def test_what_is_there_is_not_encoded_again(codec, kinds, tmp_path) -> None:
    made = {name: np.array(part) for name, part in encoded(codec, kinds, tmp_path).items()}
    again = encode_cache(codec, ("one", "other"), lambda rows: pytest.fail("encoded again"), COUNT, SIZE, tmp_path)
    for name, part in made.items():
        np.testing.assert_array_equal(again[name], part)


def test_what_was_cut_off_is_no_cache(codec, kinds, tmp_path) -> None:
    def dies(rows: slice) -> tuple[torch.Tensor, ...]:
        if rows.start:
            raise KeyboardInterrupt
        return tuple(kind[rows] for kind in kinds)

    with pytest.raises(KeyboardInterrupt):
        encode_cache(codec, ("one", "other"), dies, COUNT, SIZE, tmp_path, batch=2)
    assert not list(tmp_path.glob("*.npy"))
    assert np.isfinite(encoded(codec, kinds, tmp_path)["one"]).all()


def test_black_is_minus_one_and_white_is_one() -> None:
    pictures = to_pictures(np.stack([np.zeros((2, 3, 3), np.uint8), np.full((2, 3, 3), 255, np.uint8)]))
    assert pictures.shape == (2, 3, 2, 3) and (pictures[0] == -1).all() and (pictures[1] == 1).all()


def test_a_batch_of_more_than_there_is_is_refused_and_one_of_all_is_not() -> None:
    check_batch(7, 7)
    with pytest.raises(InputError, match="there are 6 pairs to train on, and a batch takes 7.*batch_size of 6 at most"):
        check_batch(7, 6)
    with pytest.raises(InputError, match="no pair to train on"):
        check_batch(7, 0)
