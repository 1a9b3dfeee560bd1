"""Errors in plain words."""

from __future__ import annotations

import errno
import logging
import threading

import gradio as gr
import pytest

from facediff.demo.words import duration, noted, plain_errors, sentence
from facediff.errors import InputError, MediaError


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (InputError("choose a video first"), "Choose a video first."),
        (MediaError("/tmp/x/a b.png cannot be\n read."), "a b.png cannot be read."),
        (OSError(errno.ENOSPC, "No space left on device", "/tmp/x/secret"), "No space left on device."),
        (MemoryError(), "There is not enough memory; give a smaller picture or video."),
        (InputError("<img src=x> is no file"), "&lt;img src=x&gt; is no file."),
    ],
)
def test_sentences(error, said):
    assert sentence(error, "/tmp/x/a b.png", None) == said


def test_where_we_work_is_not_told(tmp_path):
    error = InputError(f"{tmp_path / '0a1b' / 'Footage' / '000.mp4'} is dark, {tmp_path / '2c' / 'Footage'} too")
    assert sentence(error, private=tmp_path) == "Footage/000.mp4 is dark, Footage too."


def test_foreseen_failures_are_shown():
    with pytest.raises(gr.Error, match="Choose a video first"), plain_errors():
        raise InputError("choose a video first")


def test_mistakes_of_ours_are_not_hidden():
    with pytest.raises(ZeroDivisionError), plain_errors():
        _ = 1 // 0


def test_what_is_warned_of_is_noted_and_nothing_after_it():
    log = logging.getLogger("facediff.somewhere")
    with noted() as notes:
        log.warning("%s is %d s long", "film.mp4", 3)
        log.info("nothing to speak of")
        other = threading.Thread(target=log.warning, args=("another's call",))
        other.start()
        other.join()
    log.warning("too late")
    assert notes == ["film.mp4 is 3 s long"]


@pytest.mark.parametrize(("seconds", "said"), [(0, "0 s"), (41.6, "42 s"), (59.7, "1 min 00 s"), (185, "3 min 05 s")])
def test_lengths_of_time(seconds, said):
    assert duration(seconds) == said
