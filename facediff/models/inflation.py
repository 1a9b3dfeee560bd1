"""Networks of pictures as networks of clips: temporal layers by name, in any ``UNet2DConditionModel`` of diffusers."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers import Transformer2DModel, UNet2DConditionModel
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.attention import BasicTransformerBlock
from diffusers.models.modeling_utils import ModelMixin
from diffusers.models.resnet import ResnetBlock2D
from diffusers.models.unets.unet_2d_condition import UNet2DConditionOutput
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from facediff.errors import ConfigError, WeightsError
from facediff.models.checkpoints import explain_damage, load_network
from facediff.models.frame_attention import SPARSE_CAUSAL, set_view
from facediff.models.temporal_layers import (
    ChannelShift,
    FrameAdaptor,
    FrameAttention,
    FrameCache,
    FrameLayer,
    Layout,
    MixedAttention,
    MixedConvolution,
    TimeConvolution,
    TokenAttention,
    check_layout,
    lay_out,
)


@dataclass(frozen=True)
class Place:
    """Where a layer stands, and what it must fit.

    Attributes:
        kind: ``attention`` or ``block``, behind attention or a residual block; ``tokens``, behind a transformer's
            block, where pictures are tokens; ``convolution``, behind one of the two in a block; ``entrance``, before
            the first of them.
        channels: Of the pictures there.
        heads: Of attention.
        groups: Of norms.
    """

    kind: str
    channels: int
    heads: int
    groups: int


Make = Callable[[Place, float, int], FrameLayer]
METHODS: Mapping[str, Mapping[str, Make]] = {
    "vdm": {"attention": lambda at, share, most: FrameAttention(at.channels, at.heads)},
    "latent-shift": {"entrance": lambda at, share, most: ChannelShift(share)},
    "make-a-video": {
        "convolution": lambda at, share, most: TimeConvolution(at.channels),
        "attention": lambda at, share, most: FrameAttention(at.channels, at.heads),
    },
    "magic-video": {
        "convolution": lambda at, share, most: FrameAdaptor(at.channels, most),
        "attention": lambda at, share, most: FrameAttention(at.channels, at.heads, is_causal=True),
    },
    "align-your-latents": {
        "block": lambda at, share, most: MixedConvolution(at.channels, at.groups),
        "attention": lambda at, share, most: MixedAttention(at.channels, at.heads, at.groups, most),
    },
    "tune-a-video": {"tokens": lambda at, share, most: TokenAttention(at.channels, at.heads)},
}
WHOLE = ("latent-shift",)  # without weights of their own: the network of pictures learns
VIEWS = {"tune-a-video": SPARSE_CAUSAL}  # what self-attention looks at in the place of a frame's own tokens
TAUGHT = {"tune-a-video": ("attn1.to_q", "attn2.to_q")}  # modules of the network of pictures that learn, too
_TAUGHT_FILE = "taught.safetensors"
_MOST = 32


class TemporalLayers(ModelMixin, ConfigMixin):
    """All that a method adds to a network.

    Args:
        method: One of ``METHODS``.
        places: By the name of the module, the fields of a ``Place``.
        share: Of Latent-Shift's channels.
        most: Frames that MagicVideo's and Align Your Latents' know.
        base_sha256: Of the network that it was made for.
    """

    @register_to_config
    def __init__(
        self,
        method: str = "vdm",
        places: Mapping[str, Mapping[str, Any]] | None = None,
        share: float = 0.125,
        most: int = _MOST,
        base_sha256: str = "",
    ) -> None:
        super().__init__()
        check_method(method)
        spots = {name: Place(**place) for name, place in (places or {}).items()}
        self.layers = nn.ModuleDict(
            {name.replace(".", "-"): METHODS[method][at.kind](at, share, most) for name, at in spots.items()}
        )


class InflatedUNet(ModelMixin, ConfigMixin):
    """A denoiser of pictures whose frames know of one another; its config is that of the denoiser.

    Made by ``inflate`` or ``InflatedUNet.from_pretrained``.

    Args:
        base: The denoiser; hooks are put on its modules, so it must be nobody else's.
        temporal: What is added.
    """

    def __init__(self, base: UNet2DConditionModel, temporal: TemporalLayers) -> None:
        super().__init__()
        self.base, self.temporal = base, temporal
        self.register_to_config(**{name: value for name, value in base.config.items() if name[0] != "_"})
        for name, place in temporal.config["places"].items():
            module, layer = base.get_submodule(name), temporal.layers[name.replace(".", "-")]
            if place["kind"] == "entrance":
                module.register_forward_pre_hook(layer.before)
            else:
                module.register_forward_hook(layer.after)
        if temporal.config["method"] in VIEWS:
            set_view(base, VIEWS[temporal.config["method"]])

    def forward(
        self,
        sample: Tensor,
        timestep: Tensor | float,
        encoder_hidden_states: Tensor,
        *,
        images: int = 0,
        cache: FrameCache | None = None,
        return_dict: bool = True,
        **more: Any,
    ) -> UNet2DConditionOutput | tuple[Tensor]:
        """What the network predicts.

        Args:
            sample: Clips (B, C, F, H, W), or one clip as pictures (F, C, H, W).
            timestep: One, or one a clip or a frame.
            encoder_hidden_states: Tokens (B, N, D) of clips, or (B·F, N, D) of frames.
            images: So many of F, the last ones, stand alone.
            cache: Of a clip whose frames come one after the other; filled with those that are given.
            return_dict: As everywhere in diffusers.
            more: For the denoiser of pictures.

        Raises:
            ConfigError: More frames than the layers know, a cache where frames know of those behind them, or more
                images than there are frames.
        """
        is_one = sample.ndim == 4
        clips, total = (1, len(sample)) if is_one else (len(sample), sample.shape[2])
        layout = Layout(total - images, images, cache)
        self._check(layout)
        pictures = sample if is_one else sample.transpose(1, 2).flatten(0, 1)
        if isinstance(timestep, Tensor) and timestep.ndim and len(timestep) == clips:
            timestep = timestep.repeat_interleave(total)
        if len(encoder_hidden_states) == clips:
            encoder_hidden_states = encoder_hidden_states.repeat_interleave(total, dim=0)
        with lay_out(layout):
            made = self.base(pictures, timestep, encoder_hidden_states, return_dict=False, **more)[0]
        if cache is not None:
            cache.frames += total
        if not is_one:
            made = made.unflatten(0, (clips, total)).transpose(1, 2)
        return UNet2DConditionOutput(sample=made) if return_dict else (made,)

    def _check(self, layout: Layout) -> None:
        if not 0 <= layout.images <= layout.frames + layout.images:
            count = layout.frames + layout.images
            raise ConfigError(f"of {count} frames {layout.images} cannot stand alone; give a number from 0 to {count}")
        for layer in self._layers:
            check_layout(layer, layout)

    @property
    def max_frames(self) -> int | None:
        """How long clips may be; None for any length."""
        return min((layer.most for layer in self._layers if layer.most is not None), default=None)

    @property
    def _layers(self) -> list[FrameLayer]:
        return [layer for layer in self.temporal.layers.values() if isinstance(layer, FrameLayer)]

    def freeze_pictures(self) -> InflatedUNet:
        """The same, with gradients for the temporal layers alone.

        Of Latent-Shift, which has none, all learns, and of Tune-A-Video the queries do, too.
        """
        self.base.requires_grad_(self.temporal.config["method"] in WHOLE)
        for weight in self._taught().values():
            weight.requires_grad_(True)
        self.temporal.requires_grad_(True)
        return self

    def _taught(self) -> dict[str, nn.Parameter]:
        """Weights of the network of pictures that learn beside the temporal layers, by name."""
        ends = tuple(f".{part}.weight" for part in TAUGHT.get(self.temporal.config["method"], ()))
        return {name: weight for name, weight in self.base.named_parameters() if ends and name.endswith(ends)}

    def save_pretrained(self, folder: str | Path, **more: Any) -> None:
        """Writes what was added, and says to which network; with what learnt in that, of Latent-Shift all of it."""
        self.temporal.save_pretrained(folder, **more)
        if self.temporal.config["method"] in WHOLE:
            self.base.save_pretrained(Path(folder) / "unet", **more)
        if taught := self._taught():
            weights = {name: weight.detach().cpu().contiguous() for name, weight in taught.items()}
            save_file(weights, Path(folder) / _TAUGHT_FILE)

    @classmethod
    def from_pretrained(cls, folder: str | Path, base: UNet2DConditionModel) -> InflatedUNet:
        """What ``save_pretrained`` wrote, around a copy of the network that it was made for.

        Raises:
            WeightsError: It is missing or damaged, or was made for another network.
        """
        with explain_damage(folder):
            config = TemporalLayers.load_config(folder, local_files_only=True)
            is_whole = config["method"] in WHOLE  # then there is no file of weights
            temporal = TemporalLayers.from_config(config) if is_whole else load_network(TemporalLayers, Path(folder))
            if temporal.config["base_sha256"] != hash_weights(base):
                raise WeightsError(
                    f"the temporal layers in {folder} were made for a network of other weights; give the one that they "
                    "were trained in, read in full or half precision, or train them anew (facediff train video)"
                )
            if is_whole:
                base = load_network(UNet2DConditionModel, Path(folder) / "unet", base.dtype).to(base.device)
            made = cls(copy.deepcopy(base), temporal.to(base.conv_in.weight)).eval()
            if taught := made._taught():
                made._put_taught(load_file(Path(folder) / _TAUGHT_FILE), taught, folder)
        return made

    @staticmethod
    @torch.no_grad()
    def _put_taught(given: Mapping[str, Tensor], taught: Mapping[str, nn.Parameter], folder: str | Path) -> None:
        """Puts what was learnt in the place of the network's own."""
        if {name: weight.shape for name, weight in given.items()} != {n: w.shape for n, w in taught.items()}:
            raise WeightsError(f"{folder} holds other weights than this network has learnt; tune it anew")
        for name, weight in taught.items():
            weight.copy_(given[name])


def inflate(unet: UNet2DConditionModel, method: str, *, share: float = 0.125, max_frames: int = _MOST) -> InflatedUNet:
    """A network of pictures as one of clips, whose frames are what they were until the layers have learnt.

    Latent-Shift changes them at once, as it has no weights that could begin at zero, and so does Tune-A-Video, whose
    frames look at others in the place of themselves.

    Args:
        unet: Of diffusers: ours or a hub's; it is copied.
        method: ``vdm``, ``latent-shift``, ``make-a-video``, ``magic-video``, ``align-your-latents`` or
            ``tune-a-video``.
        share: Channels that Latent-Shift takes of the frame before, and of that behind; at 0 nothing is shifted.
        max_frames: That MagicVideo's and Align Your Latents' layers know; the others take any number.

    Raises:
        ConfigError: There is no such method, a number is out of range, or the network has no place for its layers.
    """
    check_method(method)
    if not 0 <= share <= 0.5:
        raise ConfigError(f"the share of channels that is shifted each way is from 0 to 0.5, not {share:g}")
    if max_frames < 1:
        raise ConfigError(f"temporal layers know at least 1 frame, not {max_frames}")
    places = {name: at for name, at in _find_places(unet) if at.kind in METHODS[method]}
    lacking = sorted(set(METHODS[method]) - {at.kind for at in places.values()})
    if lacking:
        raise ConfigError(f"{method} adds layers behind each {lacking[0]}, and this network has none; take another one")
    told = {name: asdict(at) for name, at in places.items()}
    temporal = TemporalLayers(method, told, share, max_frames, hash_weights(unet))
    return InflatedUNet(copy.deepcopy(unet), temporal.to(unet.conv_in.weight)).eval()


def check_method(method: str) -> None:
    """Refuses a name that is none.

    Raises:
        ConfigError: See above.
    """
    if method not in METHODS:
        raise ConfigError(f"a network of pictures is inflated by one of {', '.join(METHODS)}, not {method!r}")


def hash_weights(network: nn.Module) -> str:
    """SHA-256 of a network's weights in half precision, so that it is the same read in full and in half."""
    digest = hashlib.sha256()
    for name, weight in sorted(network.state_dict().items()):
        digest.update(name.encode())
        digest.update(weight.detach().cpu().to(torch.float16).contiguous().numpy().tobytes())
    return digest.hexdigest()


def _find_places(unet: UNet2DConditionModel) -> Iterator[tuple[str, Place]]:
    """Where layers may stand, by the names of modules."""
    groups = unet.config["norm_num_groups"] or 1
    for name, module in unet.named_modules():
        if isinstance(module, Transformer2DModel):
            channels, heads = module.config["in_channels"], module.config["num_attention_heads"]
            yield name, Place("attention", channels, heads if channels % heads == 0 else 1, groups)
        elif isinstance(module, BasicTransformerBlock):
            yield name, Place("tokens", module.dim, module.num_attention_heads, groups)
        elif isinstance(module, ResnetBlock2D):
            yield name, Place("block", module.out_channels, 1, groups)
            yield f"{name}.conv1", Place("entrance", module.in_channels, 1, groups)
            for convolution in ("conv1", "conv2"):
                yield f"{name}.{convolution}", Place("convolution", module.out_channels, 1, groups)
