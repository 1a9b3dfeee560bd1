"""Packets of sound, and their rate."""

from __future__ import annotations

import numpy as np
import pytest

from facediff.audio.packets import StreamResampler, read_packet
from facediff.errors import AudioError


def test_bytes_and_arrays_of_integers_and_floats_say_the_same():
    samples = np.array([0, 1, -32768, 32767, 1200], np.int16)
    wanted = samples / np.float32(32768)
    for packet in (samples.tobytes(), bytearray(samples.tobytes()), samples, wanted, wanted.astype(np.float64)):
        np.testing.assert_array_equal(read_packet(packet, 16000), wanted)


def test_empty_packets_hold_nothing():
    for packet in (b"", np.zeros(0, np.int16), np.zeros(0), []):
        assert read_packet(packet, 24000).shape == (0,)


@pytest.mark.parametrize(
    ("packet", "said"),
    [
        (b"\0\0\0", "half a sample"),
        (np.zeros((4, 2), np.float32), "mono"),
        (None, "not NoneType"),
        ("speech.wav", "not str"),
        (np.array([0.0, np.nan]), "NaN"),
        (np.array([0.0, np.inf], np.float32), "NaN or infinite"),
        (np.array([0.0, 12000.0]), "int16"),
        (np.zeros(4, np.int32), "int32"),
    ],
)
def test_what_is_no_packet_is_refused(packet, said):
    with pytest.raises(AudioError, match=said):
        read_packet(packet, 16000)


@pytest.mark.parametrize("rate", [0, -1, 3999, 192_001, 16000.0, "16000", True, None])
def test_what_is_no_rate_is_refused(rate):
    with pytest.raises(AudioError, match="sample_rate"):
        read_packet(b"", rate)


@pytest.mark.parametrize(("source", "target"), [(24000, 16000), (44100, 16000), (8000, 16000), (16000, 48000)])
def test_pieces_are_resampled_as_the_whole_is_and_in_place(source, target):
    time = np.arange(source) / source
    wave = (0.5 * np.sin(2 * np.pi * 300 * time) * np.hanning(source)).astype(np.float32)
    resample = StreamResampler(source, target)
    pieces = [resample(part) for part in np.array_split(wave, 37)]
    out = np.concatenate([*pieces, resample.finish()])
    assert len(out) == target
    there = np.arange(target) / target
    wanted = np.interp(there, time, wave)
    assert np.abs(out - wanted).max() < 0.01


def test_a_rate_that_is_kept_changes_no_sample():
    wave = np.random.default_rng(0).normal(size=999).astype(np.float32)
    resample = StreamResampler(22050, 22050)
    np.testing.assert_array_equal(resample(wave), wave)
    assert not len(resample.finish())
