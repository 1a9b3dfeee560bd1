"""How near pictures are to the truth's to the eye: distances of features of networks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from facediff.evaluation.fidelity import face_crop
from facediff.evaluation.frame_choice import read_chosen, thin
from facediff.evaluation.networks import embedded
from facediff.evaluation.registry import Best, Curve, Need, metric
from facediff.models.codec import FaceCodec
from facediff.types import Frame

if TYPE_CHECKING:
    from facediff.evaluation.cases import Case

FRAMES = 16  # about so many are looked at
LONGEST = 256  # pixels of whole frames
Features = Callable[[Tensor], Sequence[Tensor]]


def perceptual_distance(
    one: Sequence[Tensor], other: Sequence[Tensor], weights: Sequence[Tensor] | None = None
) -> NDArray[np.float64]:
    """Distance (B,) of features (B, C, h, w) of several layers.

    The sum over layers of the mean over places of Σ_c w_c (φ_c - φ'_c)², φ of length 1 over the channels; w is 1 by
    default, and the layers are then averaged.

    Source: Zhang et al., "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric" (CVPR 2018).
    """
    total = torch.zeros(len(one[0]))
    for layer, (a, b) in enumerate(zip(one, other, strict=True)):
        a, b = (f / (f.square().sum(dim=1, keepdim=True) + 1e-20).sqrt() for f in (a, b))
        apart = (a - b).square()
        if weights is not None:
            apart = apart * weights[layer].view(1, -1, 1, 1)
        total += apart.sum(dim=1).mean(dim=(1, 2)).cpu() / (1 if weights is not None else len(one))
    return total.double().numpy()


def codec_features(codec: FaceCodec) -> Features:
    """What gives features of four depths of a codec's encoder, of pictures in [-1, 1]."""

    def features(pictures: Tensor) -> list[Tensor]:
        found, x = [], pictures
        for layer in codec.encoder:
            x = layer(x)
            if x.shape[1] in (codec.config["fine_channels"], codec.config["coarse_channels"]):
                found.append(x)
        return [found[0], found[len(found) // 2 - 1], found[-2], x]

    return features


@torch.inference_mode()
def _distances(case: Case, features: Features, weights: Sequence[Tensor] | None, *, is_of_face: bool) -> Curve:
    truth = case.against()
    count = min(case.length, truth.length)
    both = case.track.seen[:count] & truth.track.seen[:count] if is_of_face else np.ones(count, bool)
    found = np.full(count, np.nan)
    for row, ours, theirs in read_chosen(thin(both, FRAMES), case.frames, truth.frames):
        if is_of_face:
            places = truth.track if ours.shape == theirs.shape else case.track
            pair = [face_crop(ours, places.points[row]), face_crop(theirs, truth.track.points[row])]
        else:
            pair = _alike(ours, theirs)
        shown = torch.from_numpy(np.stack(pair)).permute(0, 3, 1, 2).float() / 127.5 - 1
        layers = features(shown)
        found[row] = perceptual_distance([f[:1] for f in layers], [f[1:] for f in layers], weights)[0]
    return Curve.mean(found)


def _alike(ours: Frame, theirs: Frame) -> list[Frame]:
    """Both as large as the truth, and at most 256 pixels long."""
    shrink = min(1.0, LONGEST / max(theirs.shape[:2]))
    size = round(theirs.shape[1] * shrink), round(theirs.shape[0] * shrink)
    return [one if one.shape[1::-1] == size else cv2.resize(one, size, interpolation=cv2.INTER_AREA)
            for one in (ours, theirs)]  # fmt: skip


def _by_codec(case: Case) -> Curve:
    return _distances(case, codec_features(embedded.load_codec(case.kit.model)), None, is_of_face=True)


def _by_alexnet(case: Case) -> Curve:
    from facediff.evaluation.networks import alexnet

    trunk, heads = case.kit.network("alexnet", lambda path: (alexnet.load_trunk(path), alexnet.load_heads()))
    return _distances(case, trunk, heads, is_of_face=False)


@metric("lpips_facediff", best=Best.LOW, needs=Need.TRUTH, views=_by_codec)
def _lpips_facediff(case: Case) -> Curve:
    """Distance of the aligned face from the truth's by features of our codec: LPIPS-facediff.

    Formula: mean over four layers of the encoder and over places of Σ_c (φ_c - φ'_c)², φ of length 1 over the channels,
    all channels alike; face at 256x256, mean over some 16 frames
    Source: Zhang et al. (CVPR 2018), with an embedded network that nobody's judgement has tuned
    Range: 0 to 4; a strong blur reaches 0.2
    """
    return case.once(_by_codec)


@metric(
    "lpips", best=Best.LOW, needs=Need.TRUTH, views=_by_alexnet, weights="alexnet", library=("torchmetrics", "eval")
)
def _lpips(case: Case) -> Curve:
    """LPIPS of whole frames, at most 256 pixels long.

    Formula: as Zhang's version 0.1 with AlexNet: the sum over five layers, channels weighed as people judge
    Source: Zhang et al. (CVPR 2018); trunk of torchvision, weights over it from torchmetrics
    Range: 0 to about 1
    """
    return case.once(_by_alexnet)
