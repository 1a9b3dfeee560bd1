"""Its steps are those of diffusers' scheduler with the same config, to the bit."""

from __future__ import annotations

import json

import pytest
import torch
from diffusers import DDIMScheduler

from facediff.diffusion.ddim import DDIM, read_ddim

KINDS = [
    {"beta_schedule": "linear"},
    {"beta_schedule": "scaled_linear", "rescale_betas_zero_snr": True, "timestep_spacing": "trailing"},
    {"beta_schedule": "squaredcos_cap_v2", "timestep_spacing": "trailing", "set_alpha_to_one": False},
    {"beta_schedule": "linear", "steps_offset": 1, "num_train_timesteps": 100},
]


def pair(kind: dict, prediction: str) -> tuple[DDIMScheduler, DDIM]:
    theirs = DDIMScheduler(**kind, prediction_type=prediction, clip_sample=False)
    config = {**theirs.config, "_class_name": "DDIMScheduler"}
    assert DDIM.fits(config)
    return theirs, DDIM(config)


@pytest.mark.parametrize("prediction", ["epsilon", "sample", "v_prediction"])
@pytest.mark.parametrize("kind", KINDS)
def test_levels_and_steps_are_those_of_diffusers(kind, prediction) -> None:
    theirs, ours = pair(kind, prediction)
    assert torch.equal(theirs.alphas_cumprod, ours.alphas_cumprod)
    for count in (1, 3, 8):
        theirs.set_timesteps(count)
        ours.set_timesteps(count)
        assert torch.equal(theirs.timesteps, ours.timesteps)
        for t in ours.timesteps:
            if prediction != "v_prediction" and ours.alphas_cumprod[t] == 0:
                continue  # nothing of the sample is left there to tell noise by
            for eta in (0.0, 0.6):
                output, sample, fresh = torch.randn(3, 2, 4)
                noise = {"variance_noise": fresh} if eta else {}
                wanted = theirs.step(output, t, sample, eta=eta, return_dict=False, **noise)
                made = ours.step(output, t, sample, eta=eta, **noise)
                assert all(torch.equal(one, other) for one, other in zip(wanted, made, strict=True))
            levels = t.expand(2)
            assert torch.equal(theirs.add_noise(sample, fresh, levels), ours.add_noise(sample, fresh, levels))


def test_fresh_noise_is_the_generators() -> None:
    _, ours = pair(KINDS[0], "epsilon")
    ours.set_timesteps(4)
    output, sample = torch.randn(2, 2, 4)

    def made(seed: int) -> torch.Tensor:
        return ours.step(output, ours.timesteps[0], sample, eta=1.0, generator=torch.Generator().manual_seed(seed))[0]

    assert torch.equal(made(1), made(1)) and not torch.equal(made(1), made(2))


@pytest.mark.parametrize(
    "changed",
    [{"clip_sample": True}, {"thresholding": True}, {"timestep_spacing": "linspace"}, {"trained_betas": [0.1]},
     {"_class_name": "DDPMScheduler"}, {"prediction_type": "flow"}],
)  # fmt: skip
def test_what_it_is_not_made_for_is_left_to_diffusers(changed, tmp_path) -> None:
    config = {**DDIMScheduler(clip_sample=False).config, "_class_name": "DDIMScheduler"}
    file = tmp_path / "scheduler_config.json"
    file.write_text(json.dumps(config))
    assert read_ddim(tmp_path) is not None
    file.write_text(json.dumps({**config, **changed}))
    assert read_ddim(tmp_path) is None


def test_more_steps_than_levels_are_refused() -> None:
    with pytest.raises(ValueError, match="1000 noise levels"):
        pair(KINDS[0], "epsilon")[1].set_timesteps(1001)
