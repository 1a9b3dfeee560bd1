"""Processes of a live session: how they begin, serve and end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any

from facediff import errors
from facediff.errors import FaceDiffError, LiveError
from facediff.live.channel import Messages, PictureRing
from facediff.system.allocation import keep_freed_memory


@dataclass(frozen=True)
class Failed:
    """Why a process ends: the error's class and words."""

    kind: str
    message: str

    @property
    def error(self) -> FaceDiffError:
        """The error itself, for whoever started the process to raise."""
        failed: FaceDiffError = getattr(errors, self.kind, LiveError)(self.message)
        return failed


def start_process(module: str) -> subprocess.Popen[bytes]:
    """A fresh interpreter that runs a module's ``main``, and finds what this one finds.

    Scripts without a main guard are not run again.
    """
    found = os.pathsep.join(path or os.getcwd() for path in sys.path)
    # Threads that spin while they wait for one another take the cores from whoever has sound to play; a machine with
    # other work on it is four times slower then.
    quiet = {"OMP_WAIT_POLICY": "PASSIVE", "OPENBLAS_NUM_THREADS": "1"}
    environment = {**quiet, **os.environ, "PYTHONPATH": found}
    command = [sys.executable, "-c", f"from {module} import main; main()"]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)


def serve(run: Callable[[Any, Messages, SimpleQueue[Any]], None]) -> None:
    """Runs in a process that was started: does what its first message asks for, until the other side has gone.

    Args:
        run: Is told the first message, where to send, and the queue of further messages, which ends with None.
    """
    import cv2

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal tells all processes; the session says when to end
    target = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what libraries print is no message
    cv2.setNumThreads(1)  # its threads wait for one another, and for torch's: a watermark takes 1.4 ms instead of 7
    inbox: SimpleQueue[Any] = SimpleQueue()
    messages = Messages(sys.stdin.buffer, target, inbox.put, lambda: inbox.put(None))
    begin = inbox.get()
    if begin is None:
        return
    try:
        with keep_freed_memory():
            run(begin, messages, inbox)
    except FaceDiffError as error:
        messages.send(Failed(type(error).__name__, str(error)))
    except Exception as error:  # the session tells it; a traceback goes to the log
        import traceback

        traceback.print_exc()
        messages.send(Failed("LiveError", f"rendering failed: {type(error).__name__}: {error}"))
    messages.close()
    os._exit(0)  # a thread that waits for input would hold the interpreter


def end_process(process: subprocess.Popen[bytes], messages: Messages, ring: PictureRing | None = None) -> None:
    """Ends a process, kindly at first, and frees what was shared with it."""
    messages.send(None)
    messages.close(0.5)
    try:
        process.wait(2.0)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    messages.join()
    if ring is not None:
        ring.close(unlink=True)
