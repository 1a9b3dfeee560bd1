"""The command line: reads arguments, calls the library, shows progress. Knows how to do nothing itself."""

import os

# Matrices of a face are small: a second thread of numpy's has little to do, and turns in circles until it has, which
# took a quarter of what a live session computes. It is read when numpy is imported, so it stands here.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from facediff.cli import talk, animate, live, extend, edit, drag, enhance, style  # noqa: F401, I001, E402  (in the order of the help)
from facediff.cli import adapt, batch, motion, train  # noqa: F401, E402  (its second part)
from facediff.cli import dataset, study, demo, doctor, evaluate, provenance  # noqa: F401, E402  (its third)
from facediff.cli.app import app  # noqa: E402


def main() -> None:
    """Runs the command line."""
    app()
