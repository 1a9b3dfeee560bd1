"""MediaPipe's networks as torch modules, loaded once a process, and run on one thread."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from facediff.errors import WeightsError
from facediff.landmarks.detector_networks import FullRange, ShortRange
from facediff.landmarks.mesh_network import AttentionMesh
from facediff.landmarks.segmenter_network import Segmenter
from facediff.system.threads import one_thread
from facediff.system.weights import CHECKPOINTS

WEIGHTS = CHECKPOINTS / "mesh"
NETWORKS: dict[str, type[nn.Module]] = {
    "mesh": AttentionMesh,
    "short_range": ShortRange,
    "full_range": FullRange,
    "segmenter": Segmenter,
}
RECORD_AFTER = 50  # calls; recording takes as long as fifty, and saves half of each

_LOADING = Lock()
_LOG = logging.getLogger(__name__)


class Network:
    """A module that infers; recorded once it was called often, so that Python's share of each layer falls away.

    What it gives is the same to the bit before and after.

    Attributes:
        module: The module itself.
    """

    def __init__(self, module: nn.Module) -> None:
        self.module = module
        self._run: Callable[[Tensor], Any] = module
        self._calls = 0

    def __call__(self, x: Tensor) -> Any:
        self._calls += 1
        if self._calls == RECORD_AFTER:
            self._record(x)
        return self._run(x)

    def _record(self, x: Tensor) -> None:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # that this way of recording is old, and that shapes are kept
                self._run = torch.jit.trace(lambda value: self.module(value), x, check_trace=False)
        except (RuntimeError, AttributeError) as error:  # a torch without it
            _LOG.debug("%s stays unrecorded: %s", type(self.module).__name__, error)


def load_network(name: str) -> Network:
    """One of ``NETWORKS``, ready to infer on the CPU; the same one every time, for all threads.

    Raises:
        WeightsError: Its weights are missing or damaged.
    """
    with _LOADING:
        return _load(name, WEIGHTS / f"{name}.safetensors")


@cache
def _load(name: str, file: Path) -> Network:
    module = NETWORKS[name]()
    try:
        module.load_state_dict(load_file(file))
    except (OSError, SafetensorError, RuntimeError) as error:
        raise WeightsError(f"the weights at {file} are missing or damaged ({error}); install facediff anew") from error
    module = module.eval().requires_grad_(False).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return Network(module)


@contextmanager
def inference() -> Iterator[None]:
    """No gradients, and one thread."""
    with one_thread(), torch.inference_mode():
        yield
