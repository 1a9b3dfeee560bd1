"""Exit codes and sentences, of a small program."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

import facediff
from facediff.cli.console import Commands, progress_bar, quiet_native_code, say, stages_bar
from facediff.errors import ConfigError, MissingExtra, OutputError


@pytest.fixture(autouse=True)
def kept_handler():
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def run(raised: BaseException | None, *options: str) -> tuple[int, str]:
    """Exit code and stderr of a command that raises."""
    app = typer.Typer(cls=Commands)

    @app.callback()
    def options_of_all(debug: bool = False) -> None: ...

    @app.command()
    def work() -> None:
        if raised is not None:
            raise raised

    result = CliRunner().invoke(app, [*options, "work"])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stderr


@pytest.mark.parametrize(
    ("raised", "code", "said"),
    [
        (None, 0, ""),
        (ConfigError("steps must be\n   at least 1"), 2, "facediff: steps must be at least 1\n"),
        (OutputError("a.mp4 cannot be written"), 2, "facediff: a.mp4 cannot be written\n"),
        (MissingExtra("lib", "ext", "this"), 2, "facediff: this needs lib: pip install 'facediff[ext]'\n"),
        (OSError(errno.ENOSPC, "No space left"), 2, "facediff: No space left\n"),
        (FileNotFoundError(errno.ENOENT, "No such file", "a.png"), 2, "facediff: a.png: No such file\n"),
        (OSError("something"), 2, "facediff: something\n"),
        (MemoryError(), 2, "facediff: there is not enough memory; give a smaller picture or video\n"),
        (KeyboardInterrupt(), 130, "facediff: stopped; nothing was written\n"),
        (ConfigError("[red]" + "long " * 60 + "end"), 2, "facediff: [red]" + "long " * 60 + "end\n"),
        (typer.Exit(7), 7, ""),
    ],
)
def test_how_a_command_ends(raised, code, said) -> None:
    assert run(raised) == (code, said)


@pytest.mark.parametrize("raised", [ConfigError("no"), OSError("no"), MemoryError()])
def test_debug_shows_where_it_came_from(raised) -> None:
    with pytest.raises(type(raised)):
        run(raised, "--debug")


def test_mistakes_of_the_program_itself_are_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        run(ZeroDivisionError())


def test_a_line_is_never_wrapped_or_marked_up(capsys) -> None:
    say("[b]x[/b] " + "y" * 300)
    assert capsys.readouterr().err == "facediff: [b]x[/b] " + "y" * 300 + "\n"


def test_progress_tells_how_far_it_came(capsys) -> None:
    with progress_bar("painting", 3) as report:
        for done in range(1, 4):
            report(done, 3)
    said = capsys.readouterr().err
    assert "painting" in said and "3/3" in said


def test_each_stage_of_a_long_work_has_a_bar_of_its_own(capsys) -> None:
    with stages_bar() as advance:
        for done in (1, 2):
            advance("reading", done, 2)
        advance("training", 3, 7)
    said = capsys.readouterr().err.splitlines()
    lines = [next(line for line in reversed(said) if what in line) for what in ("reading", "training")]
    assert "2/2" in lines[0] and "3/7" in lines[1]


def test_a_long_work_that_is_refused_before_its_first_stage_shows_no_bar(capsys) -> None:
    with pytest.raises(ConfigError), stages_bar():
        raise ConfigError("no")
    assert capsys.readouterr().err == ""


def test_native_code_is_silent_and_then_heard_again(capfd) -> None:
    with pytest.raises(KeyError), quiet_native_code():
        os.write(2, b"native")
        raise KeyError
    os.write(2, b"after")
    assert capfd.readouterr().err == "after"


def test_pythons_own_stderr_stays_while_native_code_is_silent() -> None:
    code = """if True:
        import os, sys
        from facediff.cli.console import quiet_native_code, say
        before = sys.stderr
        with quiet_native_code():
            os.write(2, b"native")
            say("python")
            print("plain", file=sys.stderr)
        os.write(2, b"after")
        assert sys.stderr is before
    """
    environment = {**os.environ, "PYTHONPATH": str(Path(facediff.__file__).parents[1])}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert (done.stdout, done.stderr) == ("", "facediff: python\nplain\nafter")
