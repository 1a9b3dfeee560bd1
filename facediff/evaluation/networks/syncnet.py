"""SyncNet as its authors published it: five frames of a face and a fifth of a second of sound in one space.

Source: Chung and Zisserman, "Out of Time: Automated Lip Sync in the Wild" (ACCV 2016). The layers are those of the
published weights, ``syncnet_v2.model``, in whose terms LSE-C and LSE-D are defined.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from scipy.fft import dct
from torch import Tensor, nn

from facediff.errors import InputError, WeightsError
from facediff.evaluation.networks.alexnet import load_state
from facediff.landmarks.mesh import MESH_POINTS
from facediff.media import VideoReader
from facediff.types import FaceTrack, Frame, Wave

FPS, SPAN, SIDE = 25, 5, 224  # frames a second, frames of a glance, and pixels square
COLUMNS = 20  # of MFCC, 10 ms apart, that go with a glance
COEFFICIENTS, FILTERS, LIFTER, FFT, WINDOW, HOP = 13, 26, 22, 512, 400, 160
MARGIN = 0.4  # of the face's box that is added on either side
BATCH = 8


def _block(kind: type, norm: type, sizes: tuple[int, int], kernel, stride=1, padding=0) -> list[nn.Module]:
    return [kind(*sizes, kernel, stride, padding), norm(sizes[1]), nn.ReLU()]


def _head() -> nn.Sequential:
    return nn.Sequential(nn.Linear(512, 512), nn.BatchNorm1d(512), nn.ReLU(), nn.Linear(512, 1024))


class SyncNetV2(nn.Module):
    """The two towers, named as in the published weights."""

    def __init__(self) -> None:
        super().__init__()
        flat, deep = (nn.Conv2d, nn.BatchNorm2d), (nn.Conv3d, nn.BatchNorm3d)
        self.netcnnaud = nn.Sequential(
            *_block(*flat, (1, 64), 3, 1, 1), nn.MaxPool2d(1, 1),
            *_block(*flat, (64, 192), 3, 1, 1), nn.MaxPool2d(3, (1, 2)),
            *_block(*flat, (192, 384), 3, 1, 1), *_block(*flat, (384, 256), 3, 1, 1),
            *_block(*flat, (256, 256), 3, 1, 1), nn.MaxPool2d(3, 2),
            *_block(*flat, (256, 512), (5, 4)),
        )  # fmt: skip
        self.netcnnlip = nn.Sequential(
            *_block(*deep, (3, 96), (5, 7, 7), (1, 2, 2)), nn.MaxPool3d((1, 3, 3), (1, 2, 2)),
            *_block(*deep, (96, 256), (1, 5, 5), (1, 2, 2), (0, 1, 1)), nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1)),
            *(layer for _ in range(3) for layer in _block(*deep, (256, 256), (1, 3, 3), 1, (0, 1, 1))),
            nn.MaxPool3d((1, 3, 3), (1, 2, 2)),
            *_block(*deep, (256, 512), (1, 6, 6)),
        )  # fmt: skip
        self.netfcaud, self.netfclip = _head(), _head()

    def hear(self, columns: Tensor) -> Tensor:
        """Vectors (B, 1024) of MFCC (B, 1, 13, 20)."""
        return self.netfcaud(self.netcnnaud(columns).flatten(1))

    def see(self, glances: Tensor) -> Tensor:
        """Vectors (B, 1024) of faces (B, 3, 5, 224, 224), BGR, 0 to 255."""
        return self.netfclip(self.netcnnlip(glances).flatten(1))


def mfcc(wave: Wave) -> NDArray[np.float64]:
    """Mel-frequency cepstra (T, 13) of a wave at 16 kHz, one each 10 ms: those of python_speech_features 0.6.

    Of the wave's 16-bit levels, pre-emphasised by 0.97, in windows of 25 ms without a taper.
    """
    levels = np.rint(np.asarray(wave, np.float64) * 32767)
    levels = np.append(levels[:1], levels[1:] - 0.97 * levels[:-1])
    count = 1 + max(0, -(-(len(levels) - WINDOW) // HOP))
    levels = np.pad(levels, (0, max(0, (count - 1) * HOP + WINDOW - len(levels))))
    frames = np.lib.stride_tricks.sliding_window_view(levels, WINDOW)[::HOP][:count]
    power = np.square(np.abs(np.fft.rfft(frames, FFT))) / FFT
    bands = _logarithm(power @ _filters().T)
    cepstra = dct(bands, type=2, axis=1, norm="ortho")[:, :COEFFICIENTS]
    cepstra *= 1 + LIFTER / 2 * np.sin(np.pi * np.arange(COEFFICIENTS) / LIFTER)
    cepstra[:, 0] = _logarithm(power.sum(axis=1))
    return cepstra


def _logarithm(power: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.log(np.where(power == 0, np.finfo(float).eps, power))


def _filters() -> NDArray[np.float64]:
    """(26, 257) triangles, evenly spread over mels up to 8 kHz."""
    mels = np.linspace(0, 2595 * np.log10(1 + 8000 / 700), FILTERS + 2)
    bins = np.floor((FFT + 1) * 700 * (10 ** (mels / 2595) - 1) / 16000)
    banks = np.zeros((FILTERS, FFT // 2 + 1))
    for band, (left, top, right) in enumerate(zip(bins, bins[1:], bins[2:], strict=False)):
        up, down = np.arange(int(left), int(top)), np.arange(int(top), int(right))
        banks[band, up], banks[band, down] = (up - left) / (top - left), (right - down) / (right - top)
    return banks


class Expert:
    """Embeds lips and speech.

    Args:
        path: Of the published weights.

    Raises:
        WeightsError: They are another network's.
    """

    def __init__(self, path: str) -> None:
        self._network = SyncNetV2()
        try:
            self._network.load_state_dict(load_state(path, "SyncNet"))
        except RuntimeError as error:
            raise WeightsError(f"{path} is not SyncNet: {str(error).splitlines()[0]}") from error
        self._network.eval()

    @torch.inference_mode()
    def embed(self, video: Path, track: FaceTrack, wave: Wave) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Vectors (1024, T) of lips and of speech, a glance at each frame of 1/25 s.

        Raises:
            InputError: A face is seen, or something heard, for less than six frames.
        """
        columns = mfcc(wave).T
        count = min(int(len(track) / track.fps * FPS), len(wave) // 640) - SPAN
        if count < 1 or not track.seen.any():
            raise InputError(f"{video.name} has no six frames with a face and sound, which SyncNet needs")
        lips, speech = [], []
        for start, glances in self._glances(video, track, count):
            lips.append(self._network.see(glances).numpy())
            heard = [columns[:, 4 * k : 4 * k + COLUMNS] for k in range(start, start + len(glances))]
            speech.append(self._network.hear(torch.from_numpy(np.stack(heard))[:, None].float()).numpy())
        return np.concatenate(lips).T, np.concatenate(speech).T

    def _glances(self, video: Path, track: FaceTrack, count: int) -> Iterator[tuple[int, Tensor]]:
        """Up to eight glances (B, 3, 5, 224, 224) at a time, and the frame of the first."""
        crops: list[Frame] = []
        start = 0
        for number, frame in enumerate(VideoReader(video, Fraction(FPS))):
            crops.append(_cut(frame, track, min(round(number / FPS * track.fps), len(track) - 1)))
            ready = len(crops) - SPAN + 1
            if ready == BATCH or start + ready == count:
                stack = torch.from_numpy(np.stack(crops)).permute(3, 0, 1, 2).float()
                yield start, torch.stack([stack[:, k : k + SPAN] for k in range(ready)])
                start, crops = start + ready, crops[ready:]
            if start >= count:
                return


def _cut(frame: Frame, track: FaceTrack, row: int) -> Frame:
    """The face (224, 224, 3), BGR, of a frame: the square around it at the nearest row that shows one."""
    rows = np.flatnonzero(track.seen)
    points = track.points[rows[np.abs(rows - row).argmin()], :MESH_POINTS, :2]
    low, high = points.min(axis=0), points.max(axis=0)
    half = (high - low).max() / 2 * (1 + MARGIN)
    centre = (low + high) / 2
    zoom = SIDE / (2 * half)
    matrix = np.array([[zoom, 0, SIDE / 2 - zoom * centre[0]], [0, zoom, SIDE / 2 - zoom * centre[1]]])
    crop = cv2.warpAffine(frame, matrix, (SIDE, SIDE), flags=cv2.INTER_AREA, borderValue=(110, 110, 110))
    return cv2.cvtColor(crop, cv2.COLOR_RGB2BGR)
