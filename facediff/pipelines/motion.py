"""Moved to ``facediff.pipelines.speech_motion``; this name goes with the next release."""

from __future__ import annotations

from typing import Any

from facediff.system.moved import find_moved


def __getattr__(name: str) -> Any:
    return find_moved(name, __name__, "facediff.pipelines.speech_motion")
