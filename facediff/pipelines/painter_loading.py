"""A hub's model of pictures, opened as the painter of a clip."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from diffusers import ControlNetModel
from diffusers.models.attention_processor import Attention
from diffusers.models.embeddings import ImageProjection, IPAdapterFullImageProjection, IPAdapterPlusImageProjection

from facediff.errors import WeightsError
from facediff.models.checkpoints import explain_damage
from facediff.models.frame_attention import CrossFrameProcessor
from facediff.models.inflation import InflatedUNet
from facediff.pipelines.structured_video import StructuredVideoPipeline
from facediff.system.device import choose_device, choose_dtype

_USUAL_ADAPTER = "ip-adapter_sd15.safetensors"  # of h94/IP-Adapter
_SEEN_BY_CLIP = (ImageProjection, IPAdapterPlusImageProjection, IPAdapterFullImageProjection)


def load_painter(
    painter: str | Path,
    *,
    controlnet: str | Path | None = None,
    tuned: str | Path | None = None,
    image_adapter: str | Path | None = None,
    like_strength: float = 1.0,
    device: str | None = None,
    dtype: torch.dtype | None = None,
) -> StructuredVideoPipeline:
    """A Stable Diffusion from safetensors, where it is to run and as precise as that place allows.

    Args:
        painter: Its folder, or its name on a hub.
        controlnet: The same of a ControlNet that was trained with it.
        tuned: A folder of temporal layers that were tuned in it; see ``facediff.training.one_shot``.
        image_adapter: An IP-Adapter that was trained with it; see ``add_image_adapter``.
        like_strength: How much what that is shown counts.
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
    if image_adapter is not None:
        add_image_adapter(opened, image_adapter, like_strength)
    opened.set_progress_bar_config(disable=True)
    return opened.to(place, dtype or choose_dtype(place))


def add_image_adapter(painter: StructuredVideoPipeline, adapter: str | Path, strength: float = 1.0) -> None:
    """Has a painter see pictures, by an IP-Adapter in safetensors with its image encoder beside it.

    Args:
        painter: Changed.
        adapter: Its file, the folder of it, or the folder above, as ``h94/IP-Adapter`` has them; or that name on a hub,
            with or without the file's.
        strength: How much pictures count.

    Raises:
        WeightsError: It is not there or damaged, does not fit the painter, or sees faces by another network than CLIP.
    """
    unet, inflated = painter.painting, painter.unet
    looking = [(one, one.processor) for one in unet.modules() if isinstance(one, Attention)]
    across = [(one, how) for one, how in looking if isinstance(how, CrossFrameProcessor)]
    for one, how in across:  # diffusers makes all processors anew, and knows none that look at other frames
        one.set_processor(how.processor)
    folder, subfolder, name = _find_adapter(adapter)
    painter.register_modules(unet=unet)
    try:
        with _explain_absence("IP-Adapter", adapter):
            painter.load_ip_adapter(folder, subfolder=subfolder, weight_name=name, low_cpu_mem_usage=False)
        painter.set_ip_adapter_scale(strength)
    finally:
        painter.register_modules(unet=inflated)
        for one, how in across:
            one.set_processor(how)
    if not isinstance(unet.encoder_hid_proj.image_projection_layers[0], _SEEN_BY_CLIP):
        raise WeightsError(f"the IP-Adapter {adapter} sees faces by a network of its own; give one that sees by CLIP")


def _find_adapter(adapter: str | Path) -> tuple[str, str, str]:
    """Where an IP-Adapter lies: a folder or a hub's name, the folder within it, and the file."""
    path = Path(adapter)
    if path.is_file():
        return str(path.parent), "", path.name
    if path.is_dir():
        for within in ("", "models"):
            files = sorted(one.name for one in (path / within).glob("*.safetensors"))
            if files:
                if _USUAL_ADAPTER not in files and len(files) > 1:
                    raise WeightsError(
                        f"{path / within} holds several IP-Adapters; give the file of one, as {files[0]}"
                    )
                return str(path), within, _USUAL_ADAPTER if _USUAL_ADAPTER in files else files[0]
        raise WeightsError(
            f"there is no IP-Adapter in {path}; one is a file of safetensors, with a folder image_encoder"
        )
    parts = str(adapter).split("/")
    if parts[-1].endswith(".safetensors") and len(parts) > 2:
        return "/".join(parts[:2]), "/".join(parts[2:-1]), parts[-1]
    return str(adapter), "models", _USUAL_ADAPTER


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
