"""A clip as a folder of numbered pictures, and its sound beside them. Knows no face."""

from __future__ import annotations

import wave
from collections.abc import Callable
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from types import TracebackType

import numpy as np

from facediff.errors import InputError, OutputError
from facediff.media.images import write_image
from facediff.system.files import atomic_folder, follow_links
from facediff.types import Frame, Wave

SOUND_NAME = "sound.wav"
_FULL_SCALE = 32767


def frame_name(index: int) -> str:
    """The file of a frame, counted from 0; its name counts from 1, as programs that read sequences do."""
    return f"{index + 1:06d}.png"


class SequenceWriter:
    """Writes PNG frames ``000001.png``, ... into a folder that is there when it is whole, and must not be there before.

    Args:
        folder: Where to.
        size: Width and height in pixels.
        fps: Frames per second.
        audio: Mono sound, float32 in [-1, 1], or None; it is cut to the length of the picture.
        audio_rate: Its samples per second.
        xmp: A packet of metadata that goes into each frame.
        seal: Called with each finished frame, to change it in place.

    Raises:
        OutputError: The folder is there already, or cannot be written to.
    """

    def __init__(
        self,
        folder: Path,
        size: tuple[int, int],
        fps: Fraction,
        *,
        audio: Wave | None = None,
        audio_rate: int = 48_000,
        xmp: bytes | None = None,
        seal: Callable[[Path], object] | None = None,
    ) -> None:
        self.folder, self._size, self._fps, self._count = folder, size, Fraction(fps), 0
        self._audio, self._audio_rate, self._xmp, self._seal = audio, audio_rate, xmp, seal
        self._stack = ExitStack()
        self._place = self._stack.enter_context(atomic_folder(follow_links(folder), "the frames"))

    def write(self, frame: Frame) -> None:
        """Write one frame (H, W, 3 or 4) uint8 of the size promised."""
        if (frame.shape[1], frame.shape[0]) != self._size:
            raise InputError(f"a frame of {frame.shape[1]}x{frame.shape[0]} pixels came to a sequence of {self._size}")
        path = self._place / frame_name(self._count)
        write_image(path, frame, xmp=self._xmp)
        if self._seal is not None:
            self._seal(path)
        self._count += 1

    def _finish(self) -> None:
        if not self._count:
            raise OutputError(f"no frame was made, so {self.folder} was not written")
        if self._audio is None:
            return
        levels = np.rint(np.clip(self._audio, -1, 1) * _FULL_SCALE).astype("<i2")
        with wave.open(str(self._place / SOUND_NAME), "wb") as sound:
            sound.setparams((1, 2, self._audio_rate, 0, "NONE", ""))
            sound.writeframes(levels[: round(self._count / self._fps * self._audio_rate)].tobytes())

    def __enter__(self) -> SequenceWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        if kind is not None:
            self._stack.__exit__(kind, value, tb)  # nothing is left
            return
        with self._stack:
            self._finish()
