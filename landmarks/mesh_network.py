"""478 landmarks of a face crop: the attention mesh (Grishchenko et al. 2020, arXiv 2006.10962), as MediaPipe ships it.

One network reads 468 points from the whole face. Around the lips and the eyes that it finds, features are cropped
upright, and networks of their own read these anew, and the irises. The five run side by side, as groups of channels.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from facediff.landmarks.blaze import BlazeBlock, Pointwise, pad_for_stride
from facediff.landmarks.mesh import ALL_POINTS, MESH_POINTS

INPUT_SIDE = 192  # pixels of a crop; points are given in them
FEATURE_STEP, CROP_SIDE, CROP_SCALE = 4, 16, 1.5  # pixels a feature; features of a region's crop; its room around it

# What the networks of the regions read, in their order: mediapipe's tensors_to_face_landmarks_with_attention.pbtxt.
LIPS = [61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 185, 40, 39, 37, 0, 267, 269, 270, 409,
        78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 191, 80, 81, 82, 13, 312, 311, 310, 415,
        76, 77, 90, 180, 85, 16, 315, 404, 320, 307, 306, 184, 74, 73, 72, 11, 302, 303, 304, 408,
        62, 96, 89, 179, 86, 15, 316, 403, 319, 325, 292, 183, 42, 41, 38, 12, 268, 271, 272, 407]  # fmt: skip
RIGHT_EYE = [33, 7, 163, 144, 145, 153, 154, 155, 133, 246, 161, 160, 159, 158, 157, 173,
             130, 25, 110, 24, 23, 22, 26, 112, 243, 247, 30, 29, 27, 28, 56, 190,
             226, 31, 228, 229, 230, 231, 232, 233, 244, 113, 225, 224, 223, 222, 221, 189,
             35, 124, 46, 53, 52, 65,
             143, 111, 117, 118, 119, 120, 121, 128, 245, 156, 70, 63, 105, 66, 107, 55, 193]  # fmt: skip
LEFT_EYE = [263, 249, 390, 373, 374, 380, 381, 382, 362, 466, 388, 387, 386, 385, 384, 398,
            359, 255, 339, 254, 253, 252, 256, 341, 463, 467, 260, 259, 257, 258, 286, 414,
            446, 261, 448, 449, 450, 451, 452, 453, 464, 342, 445, 444, 443, 442, 441, 413,
            265, 353, 276, 283, 282, 295,
            372, 340, 346, 347, 348, 349, 350, 357, 465, 383, 300, 293, 334, 296, 336, 285, 417]  # fmt: skip
RIGHT_IRIS, LEFT_IRIS = list(range(468, 473)), list(range(473, 478))
LIDS = 16  # an eye's first points lie on the lids; the iris takes their mean depth

REGIONS = (LIPS, RIGHT_EYE, LEFT_EYE)
ENDS = ((61, 291), (33, 133), (362, 263))  # corners of each that are level in its crop
PARTS = (LIPS, RIGHT_EYE, RIGHT_IRIS, LEFT_EYE, LEFT_IRIS)  # what is read, and from the crop of which region:
REGION_OF = (0, 1, 1, 2, 2)
PART_WIDTH = 32  # channels of each part's features


class AttentionMesh(nn.Module):
    """Landmarks of a face that fills two thirds of a crop and stands upright in it.

    Its parts are listed in the order in which the published graph is walked from its outputs; see ``conversion``.
    """

    ends: Tensor
    outlines: Tensor
    lids: Tensor
    region_of: Tensor
    order: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 16, 3, 2), nn.PReLU(16))
        self.fine = nn.Sequential(BlazeBlock(16, 16), BlazeBlock(16, 16), BlazeBlock(16, 32, stride=2))
        self.coarse = nn.Sequential(
            BlazeBlock(32, 32), BlazeBlock(32, 32),
            BlazeBlock(32, 64, stride=2), BlazeBlock(64, 64), BlazeBlock(64, 64),
            BlazeBlock(64, 128, stride=2), BlazeBlock(128, 128), BlazeBlock(128, 128),
            BlazeBlock(128, 128, stride=2), BlazeBlock(128, 128), BlazeBlock(128, 128),
            BlazeBlock(128, 128, stride=2), BlazeBlock(128, 128), BlazeBlock(128, 128),
            nn.Conv2d(128, 32, 1), nn.PReLU(32), BlazeBlock(32, 32),
        )  # fmt: skip
        self.mesh = nn.Conv2d(32, 3 * MESH_POINTS, 3)
        self.regions = nn.Sequential(*_region_blocks(len(REGIONS)))
        self.parts = nn.Sequential(*_part_blocks(len(PARTS)))
        self.points = nn.ModuleList(nn.Conv2d(PART_WIDTH, 2 * len(part), 2) for part in PARTS)
        self.presence = nn.Conv2d(32, 1, 3)
        for name, index in _indices().items():
            self.register_buffer(name, torch.from_numpy(index), persistent=False)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Points (478, 3) in pixels of the crop, depth growing away from the camera, and the logit of a face.

        Args:
            x: (1, 3, 192, 192) in [0, 1].
        """
        fine = self.fine(self.stem(pad_for_stride(x)))
        coarse = self.coarse(fine)
        mesh = self.mesh(coarse).flatten()
        middle, axes = self._place_regions(mesh.view(MESH_POINTS, 3)[:, :2])
        crops = self._crop_regions(fine, middle / FEATURE_STEP, axes / FEATURE_STEP)
        features = self.regions(crops).unflatten(1, (len(REGIONS), -1))[:, self.region_of].flatten(1, 2)
        features = self.parts(features.contiguous(memory_format=torch.channels_last))
        weights, biases = self._heads
        pixels = features.permute(0, 2, 3, 1).reshape(-1, len(PARTS), PART_WIDTH).transpose(0, 1)
        read = torch.baddbmm(biases, pixels.reshape(len(PARTS), 1, -1), weights).view(len(PARTS), -1, 2)
        unit = read / (CROP_SIDE * FEATURE_STEP) - 0.5
        points = torch.baddbmm(middle[self.region_of, None], unit, 2 * axes[self.region_of].transpose(1, 2))
        depths = mesh[self.lids].mean(1)
        return torch.cat([mesh, points.flatten(), depths])[self.order].view(ALL_POINTS, 3), self.presence(
            coarse
        ).flatten()

    @cached_property
    def _heads(self) -> tuple[Tensor, Tensor]:
        """Weights and biases of ``points`` in one, each filled up with zeros to as many points as the most have."""
        heads = [head for head in self.points if isinstance(head, nn.Conv2d)]
        most = max(head.out_channels for head in heads)
        weights, biases = [], []
        for head in heads:
            missing = (0, most - head.out_channels)
            weights.append(F.pad(head.weight.permute(2, 3, 1, 0).flatten(0, 2), missing))
            biases.append(F.pad(torch.as_tensor(head.bias), missing))
        return torch.stack(weights), torch.stack(biases)[:, None]

    def _place_regions(self, mesh: Tensor) -> tuple[Tensor, Tensor]:
        """Where the regions' crops lie: their middles (3, 2) and half axes (3, 2, 2), the columns."""
        one, other = mesh[self.ends].unbind(1)
        way = other - one
        angle = torch.atan2(way[:, 1], way[:, 0])
        cos, sin = torch.cos(angle), torch.sin(angle)
        turn = torch.stack([torch.stack([cos, -sin], 1), torch.stack([sin, cos], 1)], 1)
        upright = mesh[self.outlines] @ turn
        high, low = upright.amax(1), upright.amin(1)
        middle = (turn @ ((high + low) / 2)[:, :, None])[:, :, 0]
        return middle, turn * (CROP_SCALE / 2 * (high - low))[:, None]

    @staticmethod
    def _crop_regions(features: Tensor, middle: Tensor, axes: Tensor) -> Tensor:
        """(1, 3 * C, 16, 16): what lies in each region of features (1, C, H, W), upright; zeros beyond the edges."""
        unit = 2 / features.shape[-1]
        placed = torch.cat([axes * unit, (middle * unit - 1)[:, :, None]], 2)
        size = [len(placed), features.shape[1], CROP_SIDE, CROP_SIDE]
        grid = F.affine_grid(placed, size, align_corners=False)
        crops = F.grid_sample(features.expand(len(placed), -1, -1, -1), grid, align_corners=False)
        return crops.flatten(0, 1)[None].contiguous(memory_format=torch.channels_last)


def _region_blocks(groups: int) -> list[nn.Module]:
    """What reads a region's crop, before irises part from eyes."""
    widths = ((32, 32, 1), (32, 32, 1), (32, 64, 2), (64, 64, 1), (64, 64, 1), (64, 128, 2))
    return [BlazeBlock(groups * a, groups * b, stride=s, groups=groups) for a, b, s in widths]


def _part_blocks(groups: int) -> list[nn.Module]:
    wide, narrow = 128 * groups, PART_WIDTH * groups
    return [
        *(BlazeBlock(wide, wide, stride=s, groups=groups) for s in (1, 1, 2, 1, 1)),
        Pointwise(wide, narrow, groups), nn.PReLU(narrow), BlazeBlock(narrow, narrow, groups=groups),
    ]  # fmt: skip


def _indices() -> dict[str, np.ndarray]:
    """Where to find things: see the names."""
    longest = max(map(len, REGIONS))
    starts = 3 * MESH_POINTS + 2 * longest * np.arange(len(PARTS) + 1)
    order = np.zeros((ALL_POINTS, 3), np.int64)
    order[:MESH_POINTS] = np.arange(3 * MESH_POINTS).reshape(-1, 3)
    for start, part in zip(starts, PARTS, strict=False):
        order[part, :2] = start + np.arange(2 * len(part)).reshape(-1, 2)
    order[RIGHT_IRIS, 2], order[LEFT_IRIS, 2] = starts[-1], starts[-1] + 1
    return {
        "ends": np.array(ENDS),
        "outlines": np.array([[*region, *region[:1] * (longest - len(region))] for region in REGIONS]),
        "lids": 3 * np.array([RIGHT_EYE[:LIDS], LEFT_EYE[:LIDS]]) + 2,
        "region_of": np.array(REGION_OF),
        "order": order.ravel(),
    }
