"""The command line: reads arguments, calls the library, shows progress. Knows how to do nothing itself."""

from facediff.cli import talk, animate, live, extend, edit, adapt, batch, motion, train  # noqa: F401, I001  (in the order of the help)
from facediff.cli import dataset, study, demo, doctor, evaluate, provenance  # noqa: F401  (its second half)
from facediff.cli.app import app


def main() -> None:
    """Runs the command line."""
    app()
