"""espeak-ng through its library, that of the system or that of the package ``espeakng-loader``."""

from __future__ import annotations

import ctypes
import ctypes.util
import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from facediff.audio.voices import Spoken
from facediff.errors import AudioError, ConfigError, MissingExtra
from facediff.types import Word

USUAL = "en-us"
_SYNCHRONOUS, _DO_NOT_EXIT, _UTF8, _CHARACTER, _OK = 2, 0x8000, 1, 1, 0  # espeak-ng/speak_lib.h
_END, _WORD = 0, 1  # kinds of events
LONGEST_S = 120.0  # a text of the greatest length takes a second or two
_PROGRAM = (
    "import json, sys; asked = sys.stdin.buffer.read(); sys.path[:] = json.loads(asked)[0]; "
    "from facediff.audio.espeak import serve; serve(asked)"
)
_BUSY = Lock()  # the library has one voice and one text at a time


class _Id(ctypes.Union):
    _fields_ = [("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8)]


class _Event(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_int), ("unique", ctypes.c_uint), ("text_position", ctypes.c_int), ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int), ("sample", ctypes.c_int), ("user_data", ctypes.c_void_p), ("id", _Id),
    ]  # fmt: skip


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


class Espeak:
    """A ``Voice`` of espeak-ng, which tells when it says which word.

    Args:
        name: A language, perhaps with a variant: ``en-us``, ``de``, ``en-us+f3``; American English by default.

    Raises:
        MissingExtra: There is no espeak-ng.
        ConfigError: It knows no such voice.
    """

    def __init__(self, name: str = "") -> None:
        self._name = name or USUAL
        _choose(self._name)

    def say(self, text: str) -> Spoken:
        """The text as speech, with the time of each word; the same each time.

        It is said in a process of its own: the library goes on with the noise of what it has said last, so that twice
        the same is not the same.
        """
        asked = json.dumps([sys.path, self._name, text]).encode()
        command = [sys.executable, "-c", _PROGRAM]
        try:
            done = subprocess.run(command, input=asked, capture_output=True, check=True, timeout=LONGEST_S)
            head, _, samples = done.stdout.partition(b"\n")
            rate, begun = json.loads(head)
        except (subprocess.SubprocessError, ValueError) as error:
            raise AudioError(f"espeak fails at this text in the voice {self._name}; give another voice") from error
        wave = np.frombuffer(samples, np.int16).astype(np.float32) / np.float32(32768)
        return Spoken(wave, rate, _words(text, begun, len(wave) / rate))


def serve(asked: bytes) -> None:
    """Says one text, JSON of where modules are, a voice and the text; writes a line of JSON, and samples."""
    _, name, text = json.loads(asked)
    wave, rate, begun = _say(name, text)
    sys.stdout.buffer.write(json.dumps([rate, begun]).encode() + b"\n" + wave.tobytes())


def _choose(name: str) -> ctypes.CDLL:
    library, _ = _library()
    with _BUSY:
        if library.espeak_SetVoiceByName(name.encode()) != _OK:
            raise ConfigError(f"espeak knows no voice {name!r}; 'espeak-ng --voices' lists them, as en-us and de")
    return library


def _say(name: str, text: str) -> tuple[NDArray[np.int16], int, list[tuple[int, int, float]]]:
    """Samples, how many a second, and where in the text and when each word begins."""
    pieces: list[NDArray[np.int16]] = []
    begun: list[tuple[int, int, float]] = []

    def take(samples: ctypes._Pointer[ctypes.c_short], count: int, events: ctypes._Pointer[_Event]) -> int:
        if samples and count > 0:
            pieces.append(np.ctypeslib.as_array(samples, (count,)).copy())
        place = 0
        while events[place].type != _END:
            event = events[place]
            if event.type == _WORD:
                begun.append((event.text_position - 1, event.length, event.audio_position / 1000))
            place += 1
        return 0

    coded, kept, library = text.encode(), _Callback(take), _choose(name)
    with _BUSY:
        library.espeak_SetSynthCallback(kept)
        library.espeak_Synth(coded, len(coded) + 1, 0, _CHARACTER, 0, _UTF8, None, None)
    return (np.concatenate(pieces) if pieces else np.zeros(0, np.int16)), _library()[1], begun


def _words(text: str, begun: list[tuple[int, int, float]], seconds: float) -> tuple[Word, ...]:
    """Words as they are written, with what stands behind them, from when they begin to when the next one does.

    Of a number the engine tells each word that it says, all at the same place of the text; they are one here.
    """
    written = [(place.start(), place.end()) for place in re.finditer(r"\S+", text)]
    starts, ends = [start for start, _ in written], [end for _, end in written]
    words: list[Word] = []
    last = -1
    for position, _, start in begun:
        index = int(np.searchsorted(ends, position, side="right"))
        if index >= len(ends) or index <= last:
            continue
        if words:
            words[-1] = replace(words[-1], end=start)
        words.append(Word(text[starts[max(0, last + 1)] : ends[index]], start, seconds))
        last = index
    return tuple(words)


@cache
def _library() -> tuple[ctypes.CDLL, int]:
    """The library, made ready, and its samples a second."""
    for path, data in _places():
        try:
            library = ctypes.CDLL(path)
            library.espeak_Initialize.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_char_p, ctypes.c_int]
            rate = library.espeak_Initialize(_SYNCHRONOUS, 0, data and os.fsencode(data), _DO_NOT_EXIT)
        except (OSError, AttributeError):
            continue
        if rate > 0:
            library.espeak_Synth.argtypes = [
                ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint, ctypes.c_int, ctypes.c_uint, ctypes.c_uint,
                ctypes.c_void_p, ctypes.c_void_p,
            ]  # fmt: skip
            return library, rate
    raise MissingExtra("espeak-ng, of the system or of espeakng-loader", "espeak", "the voice espeak")


def _places() -> list[tuple[str, str | None]]:
    """Where the library may be, and its data."""
    found: list[tuple[str, str | None]] = []
    if find_spec("espeakng_loader") is not None:
        import espeakng_loader

        data = espeakng_loader.get_data_path()
        found.append((espeakng_loader.get_library_path(), str(Path(data))))
    system = ctypes.util.find_library("espeak-ng")
    return [*found, *((name, None) for name in (system, "libespeak-ng.so.1") if name)]
