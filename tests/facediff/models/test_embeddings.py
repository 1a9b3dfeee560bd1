import pytest
import torch
from diffusers.models import embeddings as theirs

from facediff.models.embeddings import TimestepEmbedding, Timesteps


@pytest.mark.parametrize("width", [8, 112])
def test_sinusoids_are_those_of_diffusers_to_the_bit(width) -> None:
    steps = torch.tensor([0, 1, 37, 999])
    wanted = theirs.Timesteps(width, flip_sin_to_cos=True, downscale_freq_shift=0)(steps)
    assert torch.equal(Timesteps(width)(steps), wanted)


def test_an_embedding_has_the_weights_and_the_answer_of_diffusers() -> None:
    torch.manual_seed(0)
    wanted, own = theirs.TimestepEmbedding(6, 10), TimestepEmbedding(6, 10)
    own.load_state_dict(wanted.state_dict())
    told = torch.randn(3, 6)
    assert torch.equal(own(told), wanted(told))
