"""What a name's ending says of how a video is coded."""

from __future__ import annotations

from pathlib import Path

import pytest

from facediff.errors import InputError
from facediff.media.codings import PRORES_4444, VP9, check_suffix, transparent_coding


@pytest.mark.parametrize("name", ["a.mp4", "a.m4v", "a.mkv", "a.gif", "a.png"])
def test_what_holds_no_transparency_is_refused_with_what_does(name):
    with pytest.raises(
        InputError, match=rf"{name} holds no transparency; give a .webm \(VP9\), a .mov \(ProRes 4444\)"
    ):
        check_suffix(Path(name), is_transparent=True)


@pytest.mark.parametrize("name", ["a.webm", "a.MOV", "frames"])
def test_what_holds_transparency_is_taken_for_it(name):
    check_suffix(Path(name), is_transparent=True)


def test_a_webm_that_is_not_transparent_is_refused_with_what_to_do():
    with pytest.raises(InputError, match=r"one of .mp4, .*; .webm is written where background=transparent"):
        check_suffix(Path("a.webm"))


@pytest.mark.parametrize("name", ["frames", "a.txt"])
def test_other_videos_are_of_the_usual_kinds(name):
    with pytest.raises(InputError, match="must end in one of .mp4, .mov, .m4v, .mkv"):
        check_suffix(Path(name))


def test_webm_is_vp9_and_mov_is_prores():
    assert transparent_coding(Path("a.webm")) is VP9 and transparent_coding(Path("a.mov")) is PRORES_4444
