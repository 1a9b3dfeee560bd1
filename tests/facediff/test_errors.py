import ast
import pickle
import sys
from pathlib import Path

import pytest

import facediff
from facediff import errors
from facediff.errors import FaceDiffError, MissingExtra

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(facediff.__file__).parent
SOURCES = [p for part in (ROOT, ROOT / "audio", ROOT / "landmarks") for p in part.glob("**/*.py")]
TREE = {
    "InputError": ValueError,
    "MediaError": errors.InputError,
    "AudioError": errors.MediaError,
    "NoFaceFound": errors.InputError,
    "SeveralFaces": errors.InputError,
    "OutputError": OSError,
    "ConfigError": ValueError,
    "WeightsError": OSError,
    "LiveError": RuntimeError,
    "MissingExtra": ImportError,
}


@pytest.mark.parametrize("name", TREE)
def test_the_tree_and_what_callers_may_catch(name: str) -> None:
    """Callers who know only Python's own errors catch them too."""
    error = getattr(errors, name)
    assert issubclass(error, FaceDiffError) and issubclass(error, TREE[name])


def test_no_error_is_outside_of_the_tree_or_of_the_picture_of_it() -> None:
    raised = [v for v in vars(errors).values() if isinstance(v, type) and issubclass(v, BaseException)]
    assert {e.__name__ for e in raised} == {*TREE, "FaceDiffError"}
    assert [e.__name__ for e in raised if e.__name__ not in str(errors.__doc__)] == []


@pytest.mark.parametrize("name", [n for n in TREE if n != "MissingExtra"])
def test_a_message_is_kept_as_it_is(name: str) -> None:
    error = getattr(errors, name)("got this, wanted that")
    assert str(error) == "got this, wanted that"
    assert str(pickle.loads(pickle.dumps(error))) == str(error)  # as when it comes out of another process


def test_a_missing_extra_says_how_to_install_it() -> None:
    error = MissingExtra("some-library", "some-extra", "the detector")
    assert str(error) == "the detector needs some-library: pip install 'facediff[some-extra]'"


def test_extras_that_are_named_can_be_installed() -> None:
    named = {
        call.args[1].value
        for path in SOURCES
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "MissingExtra"
        if isinstance(call.args[1], ast.Constant)  # metrics name theirs where they are registered
    }
    settings = tomllib.loads((ROOT.parent / "pyproject.toml").read_text(encoding="utf-8"))
    assert named and named <= set(settings["project"]["optional-dependencies"])


def test_what_others_errors_say_is_told_in_a_line() -> None:
    assert errors.take_first_line(OSError("  no such thing\nlook here")) == "no such thing"
    assert errors.take_first_line(KeyError()) == "KeyError"
