import tempfile
import tracemalloc
import wave

import numpy as np
import pytest

from facediff.audio.wave import load_wave, stream_wave
from facediff.audio.wave_store import WaveStore

PIECES = [np.random.default_rng(n).uniform(-1, 1, count).astype(np.float32) for n, count in enumerate((7, 300, 1, 512))]


def store(long: int) -> np.ndarray:
    kept = WaveStore(long)
    for piece in PIECES:
        kept.append(piece)
    return kept.join()


def is_filed(wave: np.ndarray) -> bool:
    return isinstance(wave.base, np.memmap)


@pytest.mark.parametrize(("long", "filed"), [(1, True), (300, True), (820, True), (821, False)])
def test_a_wave_is_its_pieces_wherever_it_lies(long, filed):
    made = store(long)
    assert type(made) is np.ndarray and made.dtype == np.float32 and is_filed(made) == filed
    np.testing.assert_array_equal(made, np.concatenate(PIECES))
    made *= np.float32(0.5)  # as a wave in memory
    np.testing.assert_array_equal(made, np.concatenate(PIECES) * np.float32(0.5))


def test_nothing_is_an_empty_wave():
    assert WaveStore().join().shape == (0,)


@pytest.mark.parametrize("room", [0, 1, 2, 3])
def test_a_disk_without_room_leaves_a_wave_in_memory(monkeypatch, room):
    """As many pieces are written as there is room for, and of the next a half."""
    real, written = tempfile.TemporaryFile, []

    class Full:
        def __init__(self, **more) -> None:
            if room == 0:
                raise OSError("no space left")
            self._file = real(**more)

        def write(self, data) -> int:
            written.append(data)
            return self._file.write(data if len(written) <= room else data[: len(data) // 2])

        def __getattr__(self, name):
            return getattr(self._file, name)

    monkeypatch.setattr(tempfile, "TemporaryFile", Full)
    made = store(1)
    np.testing.assert_array_equal(made, np.concatenate(PIECES))
    assert not is_filed(made) and len(written) == min(room + 1, room * 2)


@pytest.mark.parametrize("rate", [16000, 48000])
def test_a_long_sound_is_not_held_in_memory(tmp_path, rate):
    path, seconds = tmp_path / "long.wav", 240
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes(np.random.default_rng(0).integers(-9999, 9999, seconds * 16000, np.int16).tobytes())
    load_wave(path, max_seconds=seconds)  # whatever is made once
    tracemalloc.start()
    try:
        heard = load_wave(path, sample_rate=rate)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(heard) == seconds * rate and is_filed(heard)
    assert peak < 8 << 20 < heard.nbytes / 1.5
    np.testing.assert_array_equal(heard, np.concatenate(list(stream_wave(path, sample_rate=rate))))
