"""Clips as folders of frames."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from facediff.audio.wave import load_wave
from facediff.errors import InputError, OutputError
from facediff.media.images import frame_numbers, list_pictures
from facediff.media.sequences import SOUND_NAME, SequenceWriter

SIZE = (16, 8)


def frame(level: int) -> np.ndarray:
    rgba = np.full((8, 16, 4), level, np.uint8)
    rgba[:, :8, 3] = 0
    return rgba


def test_frames_are_numbered_keep_their_opacity_and_have_their_sound_beside_them(tmp_path):
    sound = np.sin(np.arange(48000) / 20).astype(np.float32)
    with SequenceWriter(tmp_path / "out", SIZE, Fraction(25), audio=sound) as writer:
        for level in (10, 20, 30):
            writer.write(frame(level))
    files = list_pictures(tmp_path / "out")
    assert frame_numbers(files) == [1, 2, 3] and files[0].name == "000001.png"
    np.testing.assert_array_equal(np.asarray(Image.open(files[1])), frame(20))
    heard = load_wave(tmp_path / "out" / SOUND_NAME, sample_rate=48000)
    assert len(heard) == pytest.approx(3 * 48000 / 25, abs=2)
    np.testing.assert_allclose(heard[:1000], sound[:1000], atol=1e-3)


def test_each_frame_is_sealed(tmp_path):
    sealed = []
    with SequenceWriter(tmp_path / "out", SIZE, Fraction(25), seal=lambda path: sealed.append(path.name)) as writer:
        writer.write(frame(1))
    assert sealed == ["000001.png"] and not (tmp_path / "out" / SOUND_NAME).exists()


def test_what_goes_wrong_leaves_nothing(tmp_path):
    with pytest.raises(RuntimeError), SequenceWriter(tmp_path / "out", SIZE, Fraction(25)) as writer:
        writer.write(frame(1))
        raise RuntimeError("in mid-render")
    with pytest.raises(OutputError, match="no frame was made"), SequenceWriter(tmp_path / "out", SIZE, Fraction(25)):
        pass
    with (
        pytest.raises(InputError, match="a frame of 4x4"),
        SequenceWriter(tmp_path / "a", SIZE, Fraction(25)) as writer,
    ):
        writer.write(np.zeros((4, 4, 4), np.uint8))
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_there_is_left_alone(tmp_path):
    with pytest.raises(OutputError, match="is there already"):
        SequenceWriter(tmp_path, SIZE, Fraction(25))
