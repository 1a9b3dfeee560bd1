import json

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from facediff.models.network import Network, keep_config, read_config, read_network


class Small(Network):
    scale: Tensor

    @keep_config
    def __init__(self, width: int, bias: bool = True, kinds: tuple[str, ...] = ("a",)) -> None:
        super().__init__()
        self.layer = nn.Linear(width, 2, bias=bias)
        self.register_buffer("scale", torch.full((2,), 0.1, device="cpu"), persistent=False)
        self.register_buffer("places", torch.arange(2, device="cpu"), persistent=False)


def write(folder, weights, **config):
    (folder / "config.json").write_text(json.dumps({"_class_name": "Small", "_version": "1", **config}))
    save_file(weights, folder / "diffusion_pytorch_model.safetensors", {"format": "pt"})


def test_what_it_was_made_with_is_kept_defaults_too() -> None:
    assert Small(3, kinds=("b",)).config == {"width": 3, "bias": True, "kinds": ("b",)}
    network = Small(3).bfloat16()
    assert network.dtype == torch.bfloat16 and network.device.type == "cpu"


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_it_is_read_with_its_weights_and_buffers_in_one_type_ready_to_run(tmp_path, dtype) -> None:
    weights = {"layer.weight": torch.randn(2, 3).half(), "layer.bias": torch.randn(2).half()}
    write(tmp_path, weights, width=3, of_another_version=1)
    network, lacking, unknown = read_network(Small, tmp_path, dtype)
    assert not lacking and not unknown and not network.training
    assert torch.equal(network.layer.weight, weights["layer.weight"].to(dtype))
    assert network.scale.dtype == dtype and network.scale.device.type == "cpu" and network.places.dtype == torch.int64
    assert network.layer(torch.ones(1, 3, dtype=dtype)).shape == (1, 2)
    assert network.config["width"] == 3


def test_weights_that_are_missing_or_unknown_are_named(tmp_path) -> None:
    write(tmp_path, {"layer.weight": torch.zeros(2, 3), "other": torch.zeros(1)}, width=3)
    _, lacking, unknown = read_network(Small, tmp_path)
    assert (lacking, unknown) == (["layer.bias"], ["other"])


def test_weights_of_other_sizes_and_damaged_configs_are_refused(tmp_path) -> None:
    write(tmp_path, {"layer.weight": torch.zeros(2, 4), "layer.bias": torch.zeros(2)}, width=3)
    with pytest.raises(RuntimeError, match="size mismatch"):
        read_network(Small, tmp_path)
    (tmp_path / "config.json").write_text("[]")
    with pytest.raises(ValueError, match="no object"):
        read_config(tmp_path)
