"""Films of high dynamic range and wide gamut come in the colours of a usual screen; what cannot be right is said."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
from skimage.data import astronaut

from facediff.errors import MediaError
from facediff.media import VideoReader
from facediff.media.tone_mapping import HLG, PQ, Light, to_srgb

from .films import RGB_TO_2020, RGB_TO_P3, dolby_vision, hlg, insert, levels, linear, planes, pq, write

PICTURE = np.ascontiguousarray(astronaut()[:256, 100:356]).astype(np.float64)
BT2020 = {"pq": (9, 16, 9), "hlg": (9, 18, 9)}
CURVES = {"pq": pq, "hlg": hlg}
DIM_NITS = 80.0  # so that the picture's white lies below where what is bright is rolled off


def first(path: Path) -> np.ndarray:
    return next(iter(VideoReader(path))).astype(np.float64)


def far(frame: np.ndarray, expected: np.ndarray) -> float:
    return float(np.abs(frame - expected).mean())


@pytest.mark.parametrize("curve", CURVES)
@pytest.mark.parametrize(
    ("name", "codec", "pixel_format"),
    [
        ("phone.mov", "libx265", "yuv420p10le"),
        ("phone.mp4", "libx265", "yuv420p10le"),
        ("web.webm", "libsvtav1", "yuv420p10le"),
        ("camera.mov", "prores_ks", "yuv422p10le"),
        ("stream.ts", "libx265", "yuv420p10le"),
        ("film.mkv", "libx265", "yuv444p12le"),
    ],
)
def test_high_dynamic_range_looks_as_its_light(tmp_path, name, codec, pixel_format, curve):
    light = linear(PICTURE) * DIM_NITS
    codes = CURVES[curve](light @ RGB_TO_2020.T)
    path = write(tmp_path / name, codes, codec, pixel_format, BT2020[curve])
    expected = levels(light / 203)
    frame = first(path)
    assert far(frame, expected) < 3
    assert np.abs((frame - expected).mean(axis=(0, 1))).max() < 1, "no tint"
    assert VideoReader(path).info.is_tagged


@pytest.mark.parametrize("light", [Light(9, PQ), Light(9, PQ, 4000.0), Light(9, HLG)])
def test_greys_stay_grey_and_in_their_order(light):
    codes = np.linspace(0, 1, 1001)[:, None] * np.ones(3)
    shown = to_srgb(codes, light)
    assert np.ptp(shown, axis=1).max() < 1e-6 and (np.diff(shown[:, 0]) >= -1e-9).all()
    assert shown[0, 0] == 0 and shown[-1, 0] == pytest.approx(1)


def test_anchors_of_the_standards():
    """BT.2408: white of HLG at 0.75 and of PQ at 0.58 is 203 nits; it is near the top and not clipped."""
    white = [float(to_srgb(np.full(3, code), Light(9, curve))[0]) for code, curve in ((0.75, HLG), (0.58, PQ))]
    assert abs(white[0] - white[1]) < 0.02 and 0.86 < min(white) < max(white) < 0.95
    twice = to_srgb(pq(np.full(3, 500.0)), Light(9, PQ))[0]
    assert max(white) < twice < 1
    assert to_srgb(pq(np.full(3, 50.0)), Light(9, PQ))[0] == pytest.approx(levels(np.array(50 / 203)) / 255, abs=1e-3)


def test_colours_beyond_the_screen_keep_their_hue():
    for colour in np.eye(3):
        shown = to_srgb(pq(150 * colour), Light(9, PQ))
        assert shown.argmax() == colour.argmax() and (shown >= 0).all() and shown.max() <= 1
        nearby = to_srgb(pq(150 * (0.98 * colour + 0.02)), Light(9, PQ))
        assert np.abs(shown - nearby).max() < 0.3, "no cliff"


def test_the_brightest_is_what_the_film_says(tmp_path):
    codes = pq(np.full((64, 64, 3), 380.0))
    shown = []
    for most in (
        "",
        "hdr10=1:max-cll=400,200",
        "hdr10=1:master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(40000000,50)",
    ):
        path = write(tmp_path / "v.mp4", codes, "libx265", "yuv420p10le", BT2020["pq"], params=most)
        shown.append(first(path).mean())
    assert shown[2] < shown[0] - 1 < shown[1] - 2 < 255, "of 400 nits it is nearly all, of 1000 less, of 4000 least"


@pytest.mark.parametrize("primaries", [9, 12])
def test_wide_gamut_of_usual_range(tmp_path, primaries):
    to_wide = RGB_TO_2020 if primaries == 9 else RGB_TO_P3
    codes = levels(linear(PICTURE) @ to_wide.T) / 255
    matrix = 9 if primaries == 9 else 1
    path = write(tmp_path / "v.mp4", codes, "libx265", "yuv444p10le", (primaries, 1, matrix))
    assert far(255 * codes, PICTURE) > 1.5
    assert far(first(path), PICTURE) < 1


@pytest.mark.parametrize("is_full", [False, True])
@pytest.mark.parametrize("matrix", [1, 6, 9])
@pytest.mark.parametrize(
    ("codec", "pixel_format"),
    [
        ("libx264", "yuv420p"),
        ("libx265", "yuv420p10le"),
        ("libx265", "yuv422p10le"),
        ("libx265", "yuv444p12le"),
        ("libx264", "yuv444p10le"),
    ],
)
def test_usual_colours_of_any_depth_matrix_and_range(tmp_path, codec, pixel_format, matrix, is_full):
    path = write(tmp_path / "v.mkv", PICTURE / 255, codec, pixel_format, (1, 1, matrix), is_full=is_full)
    frame = first(path)
    assert far(frame, PICTURE) < (2.5 if "420" in pixel_format else 1.5)
    assert np.abs((frame - PICTURE).mean(axis=(0, 1))).max() < 0.6, "neither tint nor shade"


@pytest.mark.parametrize("name", [b"dvcC", b"dvvC"])
@pytest.mark.parametrize(("curve", "profile", "compatible"), [("hlg", 8, 4), ("pq", 8, 1), ("pq", 7, 6)])
@pytest.mark.parametrize("is_told", [True, False])
def test_dolby_vision_is_read_by_its_base_layer(tmp_path, curve, profile, compatible, name, is_told):
    light = linear(PICTURE) * DIM_NITS
    codes = CURVES[curve](light @ RGB_TO_2020.T)
    tags = BT2020[curve] if is_told else (2, 2, 2)
    path = write(tmp_path / "v.mp4", codes, "libx265", "yuv420p10le", tags, matrix=9)
    assert far(first(insert(path, dolby_vision(profile, compatible, name))), levels(light / 203)) < 3


@pytest.mark.parametrize("entry", [b"hvc1", b"dvh1"])
def test_dolby_vision_without_a_base_layer_is_refused(tmp_path, entry):
    path = write(tmp_path / "v.mp4", PICTURE / 255, "libx265", "yuv420p10le", (2, 2, 2), matrix=9)
    with pytest.raises(MediaError, match=r"v\.mp4 is Dolby Vision without a base layer \(profile 5\)"):
        VideoReader(insert(path, dolby_vision(5, 0), name=entry))


def test_dolby_vision_on_a_usual_base_is_usual(tmp_path):
    path = write(tmp_path / "v.mp4", PICTURE / 255, "libx265", "yuv420p10le", (1, 1, 1))
    assert far(first(insert(path, dolby_vision(8, 2))), PICTURE) < 3


def test_codes_that_are_not_read_are_named(tmp_path):
    path = write(tmp_path / "v.mp4", PICTURE / 255, "libx265", "yuv420p10le", (9, 16, 14), matrix=9)
    with pytest.raises(MediaError, match="codes its colours as ICtCp, which is not read"):
        VideoReader(path)


def test_light_that_is_not_known_is_told(tmp_path, caplog):
    path = write(tmp_path / "v.mp4", PICTURE / 255, "libx265", "yuv420p10le", (1, 8, 1))
    with caplog.at_level(logging.WARNING):
        assert len(list(VideoReader(path))) == 3
    assert "codes light in a way (8 of H.273) that is not known" in caplog.text


def test_frames_of_tests_are_what_they_should_be():
    frame = planes(PICTURE / 255, "yuv444p", 6, False)
    assert np.abs(frame.to_ndarray(format="rgb24") - PICTURE).mean() < 2
