"""What the pages named before the move is found under its old name for one release."""

from __future__ import annotations

import subprocess
import sys
import warnings
from importlib import import_module

import pytest

MOVED = [
    ("facediff.landmarks.motion", "ANGLES", "facediff.motion.coefficients", "ANGLES"),
    ("facediff.landmarks.motion", "usual_pose", "facediff.motion.rig", "fit_mean_pose"),
    ("facediff.landmarks.motion", "encode", "facediff.motion.rig", "encode_motion"),
    ("facediff.landmarks.templates", "load_template", "facediff.motion.template", "load_template"),
    ("facediff.landmarks.templates", "MotionTemplate", "facediff.motion.template", "MotionTemplate"),
    ("facediff.edits", "attribute_names", "facediff.tasks.identity", "attribute_names"),
    ("facediff.pipelines.motion", "MotionPipeline", "facediff.pipelines.speech_motion", "MotionPipeline"),
]


@pytest.mark.parametrize(("old", "name", "new", "now"), MOVED, ids=lambda value: value)
def test_old_names_give_the_same_thing_and_say_where_it_is(old, name, new, now) -> None:
    with pytest.warns(DeprecationWarning, match=f"{old}.{name} is now {new}.{now}") as told:
        value = getattr(import_module(old), name)
    assert value is getattr(import_module(new), now)
    assert told[0].filename == __file__  # the line that must change, not ours


@pytest.mark.slow
def test_the_forms_in_which_the_pages_imported_them_work_and_warn_where_they_stand() -> None:
    code = (
        "from facediff.landmarks import motion as layout; layout.ANGLES\n"
        "from facediff.landmarks.templates import load_template\n"
        "from facediff.edits import attribute_names\n"
    )
    run = [sys.executable, "-W", "always::DeprecationWarning:__main__", "-c", code]
    done = subprocess.run(run, capture_output=True, text=True, check=True)
    places = [line.split(": ")[0] for line in done.stderr.splitlines() if "is now facediff." in line]
    assert places == [f"<string>:{line}" for line in (1, 2, 3)], done.stderr


def test_importing_an_old_module_alone_neither_warns_nor_loads_the_new_one() -> None:
    code = "import sys, facediff.landmarks.templates; print('facediff.motion.template' in sys.modules)"
    run = [sys.executable, "-W", "error::DeprecationWarning:facediff", "-c", code]
    assert subprocess.run(run, capture_output=True, text=True, check=True).stdout.strip() == "False"


def test_a_name_that_never_was_is_an_attribute_error_that_names_the_new_place() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(AttributeError, match=r"no attribute 'nonsense'; it moved to facediff\.tasks\.identity"):
            _ = import_module("facediff.edits").nonsense
        assert not hasattr(import_module("facediff.edits"), "__path__")
