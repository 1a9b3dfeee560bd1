"""The embedded codec with a decoder that knows time, so that what is decoded does not tremble."""

from __future__ import annotations

from collections.abc import Sequence

from diffusers.configuration_utils import register_to_config
from torch import Tensor, nn

from facediff.errors import ConfigError
from facediff.models.codec import FaceCodec, ResidualBlock
from facediff.models.temporal_layers import Layout, MixedConvolution, lay_out


class ClipCodec(FaceCodec):
    """A ``FaceCodec`` whose decoder has convolutions along time, mixed in behind each residual block.

    A fresh one decodes frames as the codec that it was made of; its latents are always that one's.

    Args:
        latent_channels: See ``FaceCodec``, as all but the last.
        fine_channels: See above.
        coarse_channels: See above.
        encoder_blocks: See above.
        decoder_blocks: See above.
        latents_mean: See above.
        latents_std: See above.
        groups: Of the norms of the temporal layers.

    Source: Blattmann et al., "Align your Latents" (CVPR 2023), section 3.1.1.
    """

    knows_clips = True

    @register_to_config
    def __init__(
        self,
        latent_channels: int = 12,
        fine_channels: int = 64,
        coarse_channels: int = 160,
        encoder_blocks: tuple[int, int] = (1, 2),
        decoder_blocks: tuple[int, int] = (2, 3),
        latents_mean: Sequence[float] | None = None,
        latents_std: Sequence[float] | None = None,
        groups: int = 8,
    ) -> None:
        super().__init__(
            latent_channels, fine_channels, coarse_channels, encoder_blocks, decoder_blocks, latents_mean, latents_std
        )
        self.temporal = nn.ModuleDict(
            {
                name: MixedConvolution(module.conv1.in_channels, groups)
                for name, module in self.decoder.named_children()
                if isinstance(module, ResidualBlock)
            }
        )

    @classmethod
    def from_codec(cls, codec: FaceCodec) -> ClipCodec:
        """A fresh one with the weights of a codec of pictures."""
        config = {name: value for name, value in codec.config.items() if name[0] != "_"}
        made = cls(**config).to(codec.decoder[0].weight)
        made.load_state_dict({**made.state_dict(), **codec.state_dict()})
        return made

    def decode(self, latents: Tensor, clips: int = 1) -> Tensor:
        """Pictures (B·F, 3, 8h, 8w), about in [-1, 1], of latents (B·F, latent_channels, h, w) of so many clips.

        Raises:
            ConfigError: The latents are not so many clips of equal length.
        """
        if clips < 1 or len(latents) % clips:
            raise ConfigError(f"{len(latents)} frames are not {clips} clips of equal length; decode them one by one")
        x = latents * self.std.to(latents.dtype) + self.mean.to(latents.dtype)
        with lay_out(Layout(len(latents) // clips)):
            for name, module in self.decoder.named_children():
                x = module(x)
                if name in self.temporal:
                    x = self.temporal[name](x)
        return x

    def freeze_pictures(self) -> ClipCodec:
        """The same, with gradients for the temporal layers alone."""
        self.requires_grad_(False)
        self.temporal.requires_grad_(True)
        return self
