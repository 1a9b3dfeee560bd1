"""The process that renders for a live session: how it begins and ends."""

from __future__ import annotations

import os
import subprocess
import sys

from facediff.live.channel import Messages, PictureRing

_MAIN = "from facediff.live.worker import main; main()"


def start_process() -> subprocess.Popen[bytes]:
    """A fresh interpreter that finds what this one finds; scripts without a main guard are not run again."""
    found = os.pathsep.join(path or os.getcwd() for path in sys.path)
    # Threads that spin while they wait for one another take the cores from whoever has sound to play; a machine with
    # other work on it is four times slower then.
    quiet = {"OMP_WAIT_POLICY": "PASSIVE", "OPENBLAS_NUM_THREADS": "1"}
    environment = {**quiet, **os.environ, "PYTHONPATH": found}
    command = [sys.executable, "-c", _MAIN]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)


def end_process(process: subprocess.Popen[bytes], messages: Messages, ring: PictureRing) -> None:
    """Ends a process, kindly at first, and frees what was shared with it."""
    messages.send(None)
    messages.close(0.5)
    try:
        process.wait(2.0)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    messages.join()
    ring.close(unlink=True)
