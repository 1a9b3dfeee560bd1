"""High dynamic range and wide gamut as sRGB: what codes mean in light, and that light within a usual screen's reach.

The transfer functions of PQ, and of HLG with its system gamma, are those of ITU-R BT.2100. What is bright is rolled off
by the EETF of BT.2390 (section 5.4.1), on the largest of the three channels, so that hues stay; white lies at 203 nits
(BT.2408). Colours beyond BT.709 are mixed with the grey of their own luminance until they are within. Knows no file.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

WHITE_NITS = 203.0
HLG_PEAK_NITS = 1000.0
PQ, HLG = 16, 18  # ITU-T H.273, as all that follow
_HLG_GAMMA = 1.2  # of a screen of 1000 nits
_A, _B, _C = 0.17883277, 0.28466892, 0.55991073  # HLG
_M1, _M2, _C1, _C2, _C3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128  # PQ
_D65, _DCI_WHITE = (0.3127, 0.3290), (0.314, 0.351)
_PRIMARIES = {  # x and y of red, green, blue and white
    1: ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060), _D65),
    9: ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046), _D65),
    11: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), _DCI_WHITE),
    12: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), _D65),
}
WIDE = frozenset(_PRIMARIES) - {1}
_NODES = 36  # a channel of the table; natural colours are less than half a level of 255 off between them


@dataclass(frozen=True)
class Light:
    """What the codes of a film mean that is not made for a usual screen.

    Attributes:
        primaries: As H.273 counts them.
        transfer: Likewise; all but PQ and HLG are taken for the curve of sRGB.
        peak_nits: The brightest that it shows.
    """

    primaries: int
    transfer: int
    peak_nits: float = HLG_PEAK_NITS


def to_srgb(codes: NDArray[np.floating], light: Light) -> NDArray[np.float64]:
    """Codes (..., 3) of a film, 0 to 1, as those of sRGB, 0 to 1."""
    exact: NDArray[np.float64] = np.asarray(codes, np.float64)
    if light.transfer in (PQ, HLG):
        nits = _nits_of_pq(exact) if light.transfer == PQ else _nits_of_hlg(exact, light.primaries)
        brightest = nits.max(axis=-1, keepdims=True)
        linear = nits * _rolled_off(brightest, light.peak_nits) / np.maximum(brightest, 1e-9) / WHITE_NITS
    else:
        linear = np.where(exact <= 0.04045, exact / 12.92, ((exact + 0.055) / 1.055) ** 2.4)
    linear = _within(linear @ (np.linalg.inv(_to_xyz(1)) @ _to_xyz(light.primaries)).T)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


@lru_cache(maxsize=4)
def cube(light: Light) -> bytes:
    """``to_srgb`` as a table of colours, in the text that the file format .cube is (Adobe, version 1.0).

    It takes 16 bits as swscale gives them, 256 for a level of 255, and gives 128 more: the high byte is then rounded.
    """
    steps = np.minimum(np.arange(_NODES) / (_NODES - 1) * 65535 / (256 * 255), 1)
    blue, green, red = np.meshgrid(steps, steps, steps, indexing="ij")  # red changes fastest
    levels = 255 * to_srgb(np.stack([red, green, blue], axis=-1), light).reshape(-1, 3)
    rows = "\n".join(f"{r:.6f} {g:.6f} {b:.6f}" for r, g, b in ((256 * levels + 128) / 65535).clip(0, 1).tolist())
    return f"LUT_3D_SIZE {_NODES}\n{rows}\n".encode()


def _nits_of_pq(codes: NDArray[np.float64]) -> NDArray[np.float64]:
    power = codes ** (1 / _M2)
    return 10000 * (np.maximum(power - _C1, 0) / (_C2 - _C3 * power)) ** (1 / _M1)


def _pq_of_nits(nits: NDArray[np.float64]) -> NDArray[np.float64]:
    power = (np.maximum(nits, 0) / 10000) ** _M1
    return ((_C1 + _C2 * power) / (1 + _C3 * power)) ** _M2


def _nits_of_hlg(codes: NDArray[np.float64], primaries: int) -> NDArray[np.float64]:
    scene = np.where(codes <= 0.5, codes**2 / 3, (np.exp((codes - _C) / _A) + _B) / 12)
    luminance = scene @ _to_xyz(primaries)[1]
    return HLG_PEAK_NITS * scene * np.maximum(luminance, 1e-12)[..., None] ** (_HLG_GAMMA - 1)


def _rolled_off(nits: NDArray[np.float64], peak: float) -> NDArray[np.float64]:
    """Nits at which a screen of ``WHITE_NITS`` shows those of one that reaches ``peak``."""
    if peak <= WHITE_NITS:
        return np.minimum(nits, WHITE_NITS)
    whole = _pq_of_nits(np.array(peak))
    top = _pq_of_nits(np.array(WHITE_NITS)) / whole
    knee = 1.5 * top - 0.5
    code = np.minimum(_pq_of_nits(nits) / whole, 1)
    t = np.maximum(code - knee, 0) / (1 - knee)
    spline = (2 * t**3 - 3 * t**2 + 1) * knee + (t**3 - 2 * t**2 + t) * (1 - knee) + (3 * t**2 - 2 * t**3) * top
    return _nits_of_pq(np.where(code < knee, code, spline) * whole)


def _within(linear: NDArray[np.float64]) -> NDArray[np.float64]:
    """Linear RGB of BT.709 within 0 to 1, as colourful as that allows."""
    grey = np.clip(linear @ _to_xyz(1)[1], 0, 1)[..., None]
    low, high = linear.min(axis=-1, keepdims=True), linear.max(axis=-1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.minimum(np.where(low < 0, grey / (grey - low), 1), np.where(high > 1, (1 - grey) / (high - grey), 1))
    return np.clip(grey + (linear - grey) * share, 0, 1)


@lru_cache(maxsize=8)
def _to_xyz(primaries: int) -> NDArray[np.float64]:
    """(3, 3) linear RGB to XYZ, its white at a luminance of 1."""
    *colours, white = _PRIMARIES.get(primaries, _PRIMARIES[1])
    columns = np.array([[x / y, 1, (1 - x - y) / y] for x, y in colours]).T
    x, y = white
    strengths: NDArray[np.float64] = np.linalg.solve(columns, [x / y, 1, (1 - x - y) / y])
    return columns * strengths
