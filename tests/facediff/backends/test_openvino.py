"""The real OpenVINO, where it is installed."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import nn

from facediff.backends import store
from facediff.backends.choice import openvino_version
from facediff.backends.openvino import Compiled, Plan
from facediff.backends.ranges import record_ranges

pytestmark = pytest.mark.skipif(openvino_version() is None, reason="OpenVINO is not installed")
X = torch.randn(13, 3, 16, 16, generator=torch.Generator().manual_seed(0))


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "cache_folder", lambda: tmp_path)
    return tmp_path


@pytest.fixture
def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.SiLU(), nn.Conv2d(16, 4, 3)).eval()


def off(made: torch.Tensor, wanted: torch.Tensor) -> float:
    return float((made - wanted).square().mean().sqrt() / wanted.square().mean().sqrt())


@torch.inference_mode()
def test_it_gives_what_torch_gives_for_any_number_and_size(network) -> None:
    run = Compiled(network, Plan("test"), threads=1)
    for rows, size in ((1, 16), (13, 16), (5, 8)):
        x = X[:rows, :, :size, :size]
        assert off(run(x), network(x)) < 0.01
        assert run(x.to(torch.bfloat16)).dtype == torch.bfloat16


@torch.inference_mode()
def test_in_whole_numbers_it_is_near(network) -> None:
    with record_ranges(network) as ends:
        wanted = network(X)
    run = Compiled(network, Plan("test", dict(ends)), threads=1)
    assert run.precision == "int8"
    assert 0 < off(run(X), wanted) < 0.03


@torch.inference_mode()
def test_threads_that_ask_at_once_get_what_each_would_alone(network) -> None:
    run = Compiled(network, Plan("test"), threads=2)
    alone = [run(X[k : k + 4]) for k in range(8)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda k: run(X[k : k + 4]), range(8)))
    for one, other in zip(alone, together, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)


@torch.inference_mode()
def test_what_is_compiled_is_kept_and_anything_odd_is_made_anew(network, folder, monkeypatch) -> None:
    wanted = Compiled(network, Plan("test"), threads=1)(X[:1])
    (file,) = folder.iterdir()
    with monkeypatch.context() as patch:
        patch.setattr(Compiled, "_converted", lambda *_: pytest.fail("it is compiled again"))
        torch.testing.assert_close(Compiled(network, Plan("test"), threads=1)(X[:1]), wanted, rtol=0, atol=0)
    store.keep_entry(file.name, b"no network")
    torch.testing.assert_close(Compiled(network, Plan("test"), threads=1)(X[:1]), wanted, rtol=0, atol=0)
    network[0].bias.data += 1
    assert not torch.equal(Compiled(network, Plan("test"), threads=1)(X[:1]), wanted)
    assert len(list(folder.iterdir())) == 2


def test_its_telemetry_is_off() -> None:
    code = (
        "import sys; from facediff.backends.openvino import open_core; open_core(); "
        "assert 'openvino' in sys.modules; "
        "sys.exit(any(name.startswith('openvino_telemetry') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=120).returncode == 0
