"""A label is legible on any ground, as large as it is asked to be, and on every frame that is written."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from PIL import features

from facediff.errors import ConfigError
from facediff.media import VideoReader
from facediff.options.marks import CORNERS, MarkOptions
from facediff.provenance import label, read_record, verify
from facediff.provenance.label import WORDS, make_label
from tests.signed import PICTURE, clip_of, record_of

SIZE = (320, 240)
EU = set("bg cs da de el en es et fi fr ga hr hu it lt lv mt nl pl pt ro sk sl sv".split())  # noqa: SIM905
GROUNDS = {
    "black": np.zeros((240, 320, 3), np.uint8),
    "white": np.full((240, 320, 3), 255, np.uint8),
    "noise": np.random.default_rng(0).integers(0, 256, (240, 320, 3), dtype=np.uint8),
}


def luminance(picture: np.ndarray) -> np.ndarray:
    """Relative luminance, WCAG 2.2."""
    light = picture / 255
    light = np.where(light <= 0.04045, light / 12.92, ((light + 0.055) / 1.055) ** 2.4)
    return light @ [0.2126, 0.7152, 0.0722]


def drawn(ground: np.ndarray, **options) -> np.ndarray:
    return make_label(MarkOptions(**options), (ground.shape[1], ground.shape[0])).draw(ground)


@pytest.mark.parametrize("ground", GROUNDS)
def test_letters_stand_out_from_what_lies_around_them_on_any_ground(ground):
    letters = drawn(GROUNDS["black"], label="AI", label_size=12)[..., 0]
    shown = luminance(drawn(GROUNDS[ground], label="AI", label_size=12))
    left, top, width, height = make_label(MarkOptions(label="AI", label_size=12), SIZE).box
    inside = np.zeros((240, 320), bool)
    inside[top : top + height, left : left + width] = True
    ink, plate = shown[letters > 250], shown[inside & (letters == 0)]
    assert len(ink) > 100 and (ink.min() + 0.05) / (plate.max() + 0.05) > 7


@pytest.mark.parametrize("percent", [5, 8, 20])
def test_capitals_are_as_high_as_is_asked_of_the_shorter_side(percent):
    for ground in (GROUNDS["black"], GROUNDS["black"].transpose(1, 0, 2)):
        rows = np.flatnonzero((drawn(ground, label="HI", label_size=percent)[..., 0] > 128).any(1))
        assert 1.0 <= (rows[-1] + 1 - rows[0]) / (percent / 100 * 240) < 1.15  # whole pixels, never less


@pytest.mark.parametrize("corner", CORNERS)
def test_it_stands_in_its_corner_and_the_rest_of_the_frame_is_left(corner):
    ground = GROUNDS["noise"]
    before = ground.copy()
    rows, columns = np.nonzero((drawn(ground, label="AI", label_corner=corner) != ground).any(-1))
    assert (rows.max() < 60) if corner.startswith("top") else (rows.min() > 180)
    assert (columns.max() < 100) if corner.endswith("left") else (columns.min() > 220)
    assert min(rows.min(), columns.min(), 239 - rows.max(), 319 - columns.max()) >= 4
    np.testing.assert_array_equal(ground, before)


def test_the_words_of_the_eus_languages_are_there_can_be_drawn_and_fit_a_square():
    assert set(WORDS) >= EU and len(EU) == 24
    for language in EU:
        assert drawn(np.zeros((256, 256, 3), np.uint8), label=language).max() > 200, language
    different = {drawn(GROUNDS["black"], label=one).tobytes() for one in ("en", "de", "el", "bg", "AI-generated")}
    assert len(different) == 4  # a code stands for its words, and any other text for itself


def test_letters_that_no_font_has_are_named_instead_of_boxes(monkeypatch):
    monkeypatch.setattr("matplotlib.font_manager.findSystemFonts", lambda: [])
    label._font_for.cache_clear()
    with pytest.raises(ConfigError) as refused:
        drawn(GROUNDS["black"], label="zh")
    assert str(refused.value) == (
        "label is 'AI生成', and no font on this machine has 生, 成: install one that does, such as Noto Sans CJK, or "
        "take another language"
    )
    label._font_for.cache_clear()


def test_a_script_whose_letters_join_takes_what_joins_them(monkeypatch):
    label._font_for.cache_clear()
    monkeypatch.setattr(features, "check", lambda name: False)
    with pytest.raises(ConfigError, match="^label is in a script whose letters join"):
        drawn(GROUNDS["black"], label="مصنوع")
    label._font_for.cache_clear()


def test_what_cannot_be_drawn_is_refused_before_anything_is_rendered(tmp_path):
    with pytest.raises(ConfigError, match=r"^label is \d+ pixels wide, and the frames are 256: give a shorter text"):
        clip_of(record_of()).save(tmp_path / "a.mp4", label="by artificial intelligence", label_size=20)
    for options in ({"label_size": 8}, {"label_corner": "top-left"}):
        with pytest.raises(ConfigError, match="is that of a label, and none is wanted: give a label too"):
            clip_of(record_of()).save(tmp_path / "a.mp4", **options)
    assert not list(tmp_path.iterdir())


def test_every_frame_has_it_below_the_watermark_which_is_found_nevertheless(tmp_path):
    clip, options = clip_of(record_of()), {"label": "de", "label_corner": "top-left", "label_size": 8}
    path = clip.save(tmp_path / "a.mp4", **options)
    expected = drawn(PICTURE, label="de", label_corner="top-left", label_size=8).astype(int)
    for frame in VideoReader(path):
        assert np.abs(frame[:60, :200].astype(int) - expected[:60, :200]).mean() < 6
    assert np.abs(PICTURE[:60, :200].astype(int) - expected[:60, :200]).mean() > 30
    assert verify(path).watermark.is_found
    assert read_record(path).options == options  # so that the command of info makes it again


def test_without_one_no_frame_is_touched_and_no_font_is_looked_for():
    assert make_label(MarkOptions(), SIZE) is None
    code = "import sys, facediff.clip; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
