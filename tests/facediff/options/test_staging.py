"""What is behind a person, and what part of the picture is shown, as text."""

from __future__ import annotations

import pytest

from facediff.errors import ConfigError
from facediff.options import TASKS, TalkOptions, options_of
from facediff.options.live import IdleOptions
from facediff.options.staging import (
    Background,
    StagingOptions,
    hide_background,
    is_staged,
    place_background,
    read_background,
    read_size,
)


def read(text):
    return read_background(StagingOptions(background=text))


@pytest.mark.parametrize("record", [*TASKS.values(), IdleOptions])
def test_every_task_and_idle_clips_have_a_stage(record):
    assert set(options_of(StagingOptions)) <= set(options_of(record))
    assert not is_staged(record()) and is_staged(record(background="blur")) and is_staged(record(size=320))
    assert is_staged(record(upscale=2))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (None, None),
        ("blur", Background(is_blurred=True)),
        ("transparent", Background(is_transparent=True)),
        ("#00b140", Background(colour=(0, 177, 64))),
        ("00b140", Background(colour=(0, 177, 64))),
        ("#fff", Background(colour=(255, 255, 255))),
        ("white", Background(colour=(255, 255, 255))),
        ("office.jpg", Background(picture="office.jpg")),
    ],
)
def test_backgrounds_are_words_colours_or_pictures(text, wanted):
    assert read(text) == wanted


def test_a_picture_that_is_there_is_meant_and_not_the_colour_of_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "white").touch()
    assert read("white") == Background(picture="white")


@pytest.mark.parametrize(("text", "said"), [("#00b14", "colour as #rrggbb, not '#00b14'"), ("  ", "it is empty")])
def test_what_is_none_is_refused(text, said):
    with pytest.raises(ConfigError, match=said):
        StagingOptions(background=text)


@pytest.mark.parametrize(
    ("size", "wanted"), [(None, None), (720, None), ("1080x1920", (1080, 1920)), ("64X64", (64, 64))]
)
def test_sizes(size, wanted):
    assert read_size(StagingOptions(size=size).size) == wanted


def test_one_number_is_the_longer_side_also_as_text():
    assert TalkOptions(size="720").size == 720


@pytest.mark.parametrize("size", ["1080", "1080x", "1081x1920", "63x64", "x", "9000x64", 63, 4097, 1.5])
def test_sizes_that_cannot_be_are_refused(size):
    if size == "1080":
        size = "1080 px"
    with pytest.raises(ConfigError, match="^size is WIDTHxHEIGHT with even sides from 64 to 4096, or the longer side"):
        StagingOptions(size=size)


def test_framings_are_few():
    with pytest.raises(ConfigError, match="framing is one of head, shoulders, full, not 'knees'"):
        StagingOptions(framing="knees")


def test_pictures_count_from_a_folder_and_words_do_not(tmp_path):
    (tmp_path / "blue").touch()
    assert place_background("office.jpg", tmp_path) == str(tmp_path / "office.jpg")
    assert place_background("blue", tmp_path) == str(tmp_path / "blue")
    assert [place_background(word, tmp_path) for word in ("blur", "#123456", "green")] == ["blur", "#123456", "green"]


def test_records_hide_where_pictures_lie():
    assert hide_background({"background": "/home/me/office.jpg"}) == {"background": "office.jpg"}
    assert hide_background({"background": "blur"}) == {} == hide_background({})
