"""Weights of MediaPipe's networks, out of the .tflite files of its 0.10 wheels, for our modules.

    python -m facediff.landmarks.conversion [FOLDER]

writes them into a folder, the embedded one by default. They stay what they are, number by number, in half precision;
only their axes are put in torch's order, sparse ones are written out, and the five networks of the mesh's regions are
joined where they run side by side. Needs mediapipe (0.10 line); nothing else here does.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

from facediff.errors import MissingExtra, WeightsError
from facediff.landmarks.mesh_network import REGION_OF
from facediff.landmarks.networks import NETWORKS, WEIGHTS

SOURCES = {
    "mesh": "face_landmark/face_landmark_with_attention.tflite",
    "short_range": "face_detection/face_detection_short_range.tflite",
    "full_range": "face_detection/face_detection_full_range_sparse.tflite",
    "segmenter": "selfie_segmentation/selfie_segmentation.tflite",
}
# Outputs in the order in which our modules list what leads to them.
MESH_OUTPUTS = ("output_mesh_identity", "output_lips", "output_left_eye", "output_left_iris",
                "output_right_eye", "output_right_iris", "conv_faceflag")  # fmt: skip

Weights = NDArray[np.floating]


def convert(folder: Path) -> list[Path]:
    """Files with the weights of every network, written into a folder.

    Raises:
        MissingExtra: mediapipe's 0.10 line is not installed.
        WeightsError: A network of it is not the one that we know.
    """
    written = []
    for name, source in SOURCES.items():
        file = folder / f"{name}.safetensors"
        file.write_bytes(save(state_of(name, _wheel() / source)))
        written.append(file)
    return written


def state_of(name: str, file: Path) -> dict[str, Weights]:
    """The state dict of one of our networks, from the .tflite file of its original.

    Raises:
        WeightsError: The file holds another network.
    """
    wanted = {key: tuple(value.shape) for key, value in NETWORKS[name]().state_dict().items()}
    graph = Graph(file.read_bytes())
    outputs = MESH_OUTPUTS if name == "mesh" else tuple(graph.outputs)
    found = list(graph.weights(outputs)) if set(outputs) <= set(graph.outputs) else []
    if found and name == "mesh":
        found = _join_regions(found, list(wanted))
    if [value.shape for value in found] != list(wanted.values()):
        raise WeightsError(f"{file} is not the network {name!r} that is known here; take it from mediapipe 0.10.21")
    return {key: np.ascontiguousarray(value, np.float16) for key, value in zip(wanted, found, strict=True)}


class Graph:
    """A .tflite file as a graph of operations.

    Attributes:
        outputs: Tensors by name.
    """

    def __init__(self, content: bytes) -> None:
        schema = _schema()
        self._model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(content, 0))
        self._graph = self._model.subgraphs[0]
        self._kinds = {value: name for name, value in vars(schema.BuiltinOperator).items() if name[0] != "_"}
        self._makers = {int(out): operation for operation in self._graph.operators for out in operation.outputs}
        self.outputs = {self._graph.tensors[i].name.decode(): int(i) for i in self._graph.outputs}

    def weights(self, outputs: tuple[str, ...]) -> Iterator[Weights]:
        """Weights of the layers, each once, in torch's order of axes, walking to outputs from what leads to them."""
        seen: set[int] = set()
        for name in outputs:
            yield from self._walk(self.outputs[name], seen)

    def _walk(self, tensor: int, seen: set[int]) -> Iterator[Weights]:
        maker = self._makers.get(tensor)
        if maker is None or int(maker.outputs[0]) in seen:
            return
        seen.add(int(maker.outputs[0]))
        kind, inputs = self._kind(maker), [int(i) for i in maker.inputs]
        for one in inputs:
            yield from self._walk(one, seen)
        if kind in LAYOUTS:
            weight, *bias = [self._constant(one) for one in inputs[1:]]
            yield LAYOUTS[kind](weight)
            yield from bias

    def _kind(self, operation: Any) -> str:
        code = self._model.operatorCodes[operation.opcodeIndex]
        if code.customCode:
            return code.customCode.decode()
        return self._kinds[max(code.builtinCode, code.deprecatedBuiltinCode)]

    def _constant(self, index: int) -> Weights:
        """A constant tensor, also one that is unpacked when the graph runs."""
        while index in self._makers:
            index = int(self._makers[index].inputs[0])
        tensor = self._graph.tensors[index]
        kind = {0: np.float32, 1: np.float16}[tensor.type]
        values = np.frombuffer(bytes(self._model.buffers[tensor.buffer].data), kind)
        if tensor.sparsity is not None:
            values = _densify(values, tensor.sparsity, tensor.shape)
        return values.reshape(tuple(tensor.shape))


LAYOUTS: dict[str, Callable[[Weights], Weights]] = {
    "CONV_2D": lambda w: w.transpose(0, 3, 1, 2),
    "DEPTHWISE_CONV_2D": lambda w: w.transpose(3, 0, 1, 2),
    "Convolution2DTransposeBias": lambda w: w.transpose(3, 0, 1, 2),
    "PRELU": lambda w: w.ravel(),
}


def _densify(values: Weights, sparsity: Any, shape: Any) -> Weights:
    """A tensor of which only the last axis is sparse, written out."""
    *outer, last = sparsity.dimMetadata
    if any(axis.format for axis in outer) or not last.format or sparsity.blockMap is not None:
        raise WeightsError("a tensor is sparse in a way that is not known here; take mediapipe 0.10.21")
    ends, places = np.asarray(last.arraySegments.values), np.asarray(last.arrayIndices.values)
    dense = np.zeros((len(ends) - 1, int(shape[-1])), values.dtype)
    dense[np.repeat(np.arange(len(dense)), np.diff(ends)), places] = values[: len(places)]
    return dense


def _join_regions(found: list[Weights], keys: list[str]) -> list[Weights]:
    """The same with the layers joined that run side by side as groups of channels."""
    rest = iter(found)

    def take(prefix: str) -> list[Weights]:
        return [next(rest) for key in keys if key.startswith(prefix)]

    whole = [next(rest) for key in keys[: keys.index("regions.0.depthwise.weight")]]
    regions: list[list[Weights]] = []
    parts, points = [], []
    for region in REGION_OF:
        if region == len(regions):
            regions.append(take("regions."))
        parts.append(take("parts."))
        points += take("points.0.")
    joined = [np.concatenate(layer) for layer in (*zip(*regions, strict=True), *zip(*parts, strict=True))]
    return [*whole, *joined, *points, *rest]


def _wheel() -> Path:
    """The folder of mediapipe's modules."""
    try:
        import mediapipe
    except ImportError as error:
        raise MissingExtra("mediapipe 0.10", "mediapipe", "conversion of its weights") from error
    return Path(mediapipe.__file__).parent / "modules"


def _schema() -> Any:
    try:
        from mediapipe.tasks.metadata import schema_py_generated
    except ImportError as error:
        raise MissingExtra("mediapipe 0.10", "mediapipe", "conversion of its weights") from error
    return schema_py_generated


if __name__ == "__main__":
    convert(Path(sys.argv[1]) if len(sys.argv) > 1 else WEIGHTS)
