"""OpenVINO in torch's place: networks compiled for this processor, for the shapes that are asked for.

Nothing of this module is needed, and nothing fails with it: what OpenVINO cannot do is said once, and torch does it.
"""

from __future__ import annotations

import logging
import platform
import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock, local
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from facediff.backends.choice import openvino_version
from facediff.backends.ranges import Ranges, round_layers
from facediff.backends.serving import copy_network
from facediff.backends.store import hash_weights, keep_entry, name_entry, read_entry

log = logging.getLogger(__name__)

BATCHES = (8, 4, 1)  # sizes that are compiled; others are put together of them
_TELEMETRY = "openvino_telemetry"
_REVISION = 1  # of how networks are converted here, for those that are kept


@lru_cache(maxsize=1)
def open_core() -> Any:
    """OpenVINO's core, its telemetry off.

    Raises:
        ImportError, RuntimeError: It is not here, or does not run on this machine.
    """
    absent = _TELEMETRY not in sys.modules
    if absent:
        sys.modules[_TELEMETRY] = None  # type: ignore[assignment]  # importing it would report to a server, unasked
    try:
        import openvino
    finally:
        if absent:
            del sys.modules[_TELEMETRY]
    return openvino.Core()


@lru_cache(maxsize=1)
def multiplies_bfloat16() -> bool:
    """Whether OpenVINO has bfloat16 on this processor."""
    return "BF16" in open_core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


@dataclass(frozen=True)
class Plan:
    """How one network is to be run.

    Attributes:
        name: What it is called where it is spoken of.
        ranges: Of its layers' inputs, where it may run in whole numbers.
        adapt: Makes what is converted of a copy of the network, in float32.
    """

    name: str
    ranges: Ranges | None = None
    adapt: Callable[[nn.Module], nn.Module] = staticmethod(lambda module: module)


class Compiled:
    """A network that OpenVINO runs: takes and gives tensors (B, ...) as the network does, in their own type.

    It may be called by several threads at once, each of which it gives one thread of the processor. Shapes are
    compiled when they come first.

    Args:
        module: The network, which stays as it is.
        plan: How it is to be run.
        threads: Of the processor, in all.
    """

    def __init__(self, module: nn.Module, plan: Plan, threads: int) -> None:
        self._module, self._plan, self._threads = module, plan, threads
        self._weights, self._dtype = hash_weights(module), str(next(module.parameters()).dtype)
        self._graph: tuple[tuple[tuple[int, ...], ...], Any] | None = None
        self._ready: dict[tuple[tuple[int, ...], ...], Any] = {}
        self._compiling, self._own = Lock(), local()

    @property
    def precision(self) -> str:
        """What it multiplies: ``int8``, ``bf16`` or ``f32``."""
        return "int8" if self._plan.ranges is not None else self._floating

    @property
    def _floating(self) -> str:
        return "bf16" if multiplies_bfloat16() else "f32"

    def __call__(self, *inputs: Tensor) -> Tensor:
        """What the network gives for tensors (B, ...)."""
        rows, dtype, parts, done = len(inputs[0]), inputs[0].dtype, [], 0
        arrays = [given.detach().to(torch.float32, memory_format=torch.contiguous_format).numpy() for given in inputs]
        for size in BATCHES:
            while rows - done >= size:
                parts.append(self._run([array[done : done + size] for array in arrays]))
                done += size
        return torch.from_numpy(parts[0] if len(parts) == 1 else np.concatenate(parts)).to(dtype)

    def _run(self, arrays: Sequence[np.ndarray]) -> np.ndarray:
        shapes = tuple(array.shape for array in arrays)
        requests = self._own.__dict__.setdefault("requests", {})
        if shapes not in requests:
            with self._compiling:
                if shapes not in self._ready:
                    self._ready[shapes] = self._compile(shapes)
            requests[shapes] = self._ready[shapes].create_infer_request()
        return np.array(requests[shapes].infer(list(arrays), share_inputs=True, share_outputs=True)[0])

    def _compile(self, shapes: tuple[tuple[int, ...], ...]) -> Any:
        core, threads = open_core(), min(self._threads, 8)
        config = {
            "INFERENCE_PRECISION_HINT": self._floating,
            "PERFORMANCE_HINT": "THROUGHPUT",
            "NUM_STREAMS": threads,
            "INFERENCE_NUM_THREADS": threads,
        }
        name = name_entry(
            {
                "weights": self._weights, "dtype": self._dtype, "ranges": self._plan.ranges, "shapes": shapes,
                "revision": _REVISION,
                "openvino": openvino_version(), "torch": torch.__version__, "network": self._plan.name, **config,
                "machine": (platform.machine(), core.get_property("CPU", "FULL_DEVICE_NAME")),
                "capabilities": sorted(core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")),
            }
        )  # fmt: skip
        kept = read_entry(name)
        if kept is not None:
            try:
                return core.import_model(kept, "CPU", config)
            except Exception as error:  # whatever is odd about it, it can be made anew
                log.debug("a compiled %s is made anew: %s", self._plan.name, error)
        converted = self._converted(shapes).clone()
        converted.reshape({port: list(shape) for port, shape in zip(converted.inputs, shapes, strict=True)})
        compiled = core.compile_model(converted, "CPU", config)
        keep_entry(name, bytes(compiled.export_model().getvalue()))
        return compiled

    def _converted(self, shapes: tuple[tuple[int, ...], ...]) -> Any:
        """The network as OpenVINO's graph, for any batch of these shapes."""
        sizes = tuple(shape[1:] for shape in shapes)
        if self._graph is None or self._graph[0] != sizes:
            import openvino

            network = self._plan.adapt(copy_network(self._module).float().eval())
            if self._plan.ranges is not None:
                network = round_layers(network, self._plan.ranges)
            example = tuple(torch.zeros(2, *size) for size in sizes)
            with torch.no_grad(), warnings.catch_warnings():
                warnings.simplefilter("ignore")  # a trace holds for one size, which is what is wanted
                graph = openvino.convert_model(network, example_input=example, input=[[-1, *size] for size in sizes])
            self._graph = sizes, graph
        return self._graph[1]
