"""Sound files to mono waves at 16 kHz, through PyAV."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np

from facediff.errors import AudioError
from facediff.types import Wave

SAMPLE_RATE = 16000
MAX_SECONDS = 2 * 3600.0


def load_wave(path: str | Path, *, sample_rate: int = SAMPLE_RATE, max_seconds: float = MAX_SECONDS) -> Wave:
    """The sound of a file, mono, float32 in [-1, 1], at 16 kHz unless told otherwise.

    Args:
        path: A sound file, or a video with sound; any rate and channel count that PyAV opens.
        sample_rate: Samples per second wanted.
        max_seconds: Longer sounds are refused.

    Raises:
        AudioError: No such file, not readable, no sound in it, empty, or too long.
    """
    path = Path(path)
    if not path.is_file():
        raise AudioError(f"there is no sound file at {path}")
    parts: list[np.ndarray] = []
    total = 0
    try:
        with av.open(str(path)) as container:
            if not container.streams.audio:
                raise AudioError(f"{path} has no sound; give a file with speech in it")
            resampler = av.AudioResampler(format="flt", layout="mono", rate=sample_rate)
            for frame in (*_decoded(container, path), None):
                for piece in resampler.resample(frame):
                    parts.append(piece.to_ndarray()[0])
                    total += parts[-1].size
                if total > max_seconds * sample_rate:
                    raise AudioError(f"{path} is longer than {max_seconds:g} seconds; cut it into parts")
    except (av.FFmpegError, ValueError) as error:
        if isinstance(error, AudioError):
            raise
        raise AudioError(f"{path} cannot be read as sound: it is corrupt or of an unknown kind") from error
    if not total:
        raise AudioError(f"{path} holds a sound of zero length")
    wave = np.concatenate(parts).astype(np.float32)
    return np.nan_to_num(np.clip(wave, -1.0, 1.0))


def _decoded(container: av.container.InputContainer, path: Path):
    """Decoded frames; what follows damage in mid-file is left out, a file without any good frame is refused."""
    good = 0
    try:
        for frame in container.decode(container.streams.audio[0]):
            good += 1
            frame.pts = None  # gaps in time stamps are the container's affair; samples are counted
            yield frame
    except av.FFmpegError:
        if not good:
            raise


def normalise_loudness(wave: Wave, target_db: float = -23.0) -> Wave:
    """The wave at a given loudness; silence stays silence.

    Loudness is the level (RMS, dB of full scale) of the 20 ms blocks that are not silent: those less than 20 dB under
    the mean of the blocks above -60 dB, as in the two gates of ITU-R BS.1770 without its ear filter.
    """
    block = SAMPLE_RATE // 50
    whole = wave[: len(wave) // block * block].reshape(-1, block) if len(wave) >= block else wave[None]
    power = (whole.astype(np.float64) ** 2).mean(axis=1)
    loud = power[power > 1e-6]
    if not loud.size:
        return wave.copy()
    level = 10 * np.log10(loud[loud > loud.mean() / 100].mean())
    gain = 10 ** ((target_db - level) / 20)
    return np.clip(wave * gain, -1.0, 1.0).astype(np.float32)
