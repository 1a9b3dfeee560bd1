"""A hub's model of pictures, opened as the painter of a clip."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from diffusers import ControlNetModel

from facediff.errors import WeightsError
from facediff.models.checkpoints import explain_damage
from facediff.models.inflation import InflatedUNet
from facediff.pipelines.structured_video import StructuredVideoPipeline
from facediff.system.device import choose_device, choose_dtype


def load_painter(
    painter: str | Path,
    *,
    controlnet: str | Path | None = None,
    tuned: str | Path | None = None,
    device: str | None = None,
    dtype: torch.dtype | None = None,
) -> StructuredVideoPipeline:
    """A Stable Diffusion from safetensors, where it is to run and as precise as that place allows.

    Args:
        painter: Its folder, or its name on a hub.
        controlnet: The same of a ControlNet that was trained with it.
        tuned: A folder of temporal layers that were tuned in it; see ``facediff.training.one_shot``.
        device: Where to run; the best there is by default.
        dtype: How precisely; float32 where it is to be trained.

    Raises:
        WeightsError: A part is missing or damaged, or the layers were tuned in another model.
        ConfigError: There is no such device, or it is no model of diffusion.
    """
    place = choose_device(device)
    more = {}
    if controlnet is not None:
        with _explain_absence("ControlNet", controlnet):
            more["controlnet"] = ControlNetModel.from_pretrained(controlnet, use_safetensors=True)
    with _explain_absence("painter", painter):
        opened = StructuredVideoPipeline.from_pretrained(
            painter, safety_checker=None, feature_extractor=None, use_safetensors=True, **more
        )
    if tuned is not None:
        if not Path(tuned).is_dir():
            raise WeightsError(f"there is no folder {tuned}; give one that 'facediff adapt --method one-shot' wrote")
        # Before it is made less precise, as layers know the network that they were tuned in by its very weights.
        opened.register_modules(unet=InflatedUNet.from_pretrained(tuned, opened.unet))
    opened.set_progress_bar_config(disable=True)
    return opened.to(place, dtype or choose_dtype(place))


@contextmanager
def _explain_absence(kind: str, name: str | Path) -> Iterator[None]:
    """What libraries raise at a model that is not there, here or on a hub, becomes a sentence."""
    with explain_damage(name):
        try:
            yield
        except (OSError, ValueError) as error:
            if Path(name).is_dir() and not isinstance(error, OSError):
                raise  # it is there, and damaged
            raise WeightsError(
                f"the {kind} {name} cannot be loaded: give a folder as diffusers writes it, with safetensors, or a "
                "name on a hub that can be reached"
            ) from error


def hash_painter(pipeline: StructuredVideoPipeline) -> str:
    """SHA-256 of the weights of all networks of a pipeline, as they run; hexadecimal."""
    digest = hashlib.sha256()
    for name in sorted(pipeline.components):
        part = pipeline.components[name]
        if isinstance(part, torch.nn.Module):
            for key, weight in sorted(part.state_dict().items()):
                digest.update(f"{name}.{key}".encode())
                digest.update(weight.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
