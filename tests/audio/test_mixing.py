"""Speech is heard in whatever channels, tracks and levels it comes."""

from __future__ import annotations

import logging
import wave as wavefile

import av
import numpy as np
import pytest
from av.stream import Disposition

from facediff.audio.wave import load_wave, stream_wave
from facediff.errors import AudioError

RATE = 48000


def level(wave: np.ndarray) -> float:
    """Loudness in dB of what is not silent."""
    power = (wave[: len(wave) // 480 * 480].reshape(-1, 480).astype(np.float64) ** 2).mean(axis=1)
    return float(10 * np.log10(power[power > power.max() / 1000].mean() + 1e-20))


def likeness(heard: np.ndarray, meant: np.ndarray) -> float:
    """Correlation of two waves that begin together, give or take 30 ms, whatever their sign."""
    size = 1 << int(np.ceil(np.log2(len(heard) + len(meant))))
    product = np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(meant, size)), size)
    near = np.r_[product[:1440], product[-1440:]]
    return float(np.abs(near).max() / (np.linalg.norm(heard) * np.linalg.norm(meant) + 1e-12))


def sound(channels, codec="pcm_s16le", layout="stereo", rate=RATE) -> dict:
    return {"samples": np.asarray(channels, np.float32), "rate": rate, "codec": codec, "layout": layout}


@pytest.fixture(scope="module")
def noise() -> np.ndarray:
    return (0.05 * np.random.default_rng(8).normal(size=(8, 96000))).astype(np.float32)


@pytest.mark.parametrize("share", [-1.0, -0.97, -0.8, -0.5])
@pytest.mark.parametrize(("name", "codec"), [("a.wav", "pcm_s16le"), ("a.flac", "flac"), ("a.m4a", "aac")])
def test_channels_that_cancel_are_heard(tmp_path, write_film, bursts, caplog, share, name, codec):
    path = write_film(tmp_path / name, [sound([bursts, share * bursts], codec)], seconds=0)
    with caplog.at_level(logging.WARNING):
        wave = load_wave(path, sample_rate=RATE)
    assert level(wave) == pytest.approx(level(bursts), abs=3) and likeness(wave, bursts) > 0.95
    assert "cancel" in caplog.text


def test_channels_that_cancel_for_a_part_of_the_time_are_heard_all_the_time(tmp_path, write_film, bursts):
    other = bursts * np.where(np.arange(len(bursts)) < 48000, 1, -1)
    path = write_film(tmp_path / "a.wav", [sound([bursts, other])], seconds=0)
    wave = load_wave(path, sample_rate=RATE)
    for half in (slice(0, 45000), slice(52000, 95000)):
        assert level(wave[half]) == pytest.approx(level(bursts[half]), abs=1.5)


def test_noise_of_each_channel_does_not_hide_that_they_cancel(tmp_path, write_film, bursts, noise):
    path = write_film(tmp_path / "a.wav", [sound([bursts + 0.1 * noise[0], 0.1 * noise[1] - bursts])], seconds=0)
    assert likeness(load_wave(path, sample_rate=RATE), bursts) > 0.95


@pytest.mark.parametrize("lag", [0, 7, 30])
def test_two_people_at_two_microphones_are_both_heard(tmp_path, write_film, bursts, lag):
    times = np.arange(len(bursts))
    one, two = bursts * (times < 70000), np.roll(bursts, 500) * (times >= 70000)
    pair = [one + 0.15 * np.roll(two, lag), two + 0.15 * np.roll(one, lag)]
    wave = load_wave(write_film(tmp_path / "a.wav", [sound(pair)], seconds=0), sample_rate=RATE)
    for part in (slice(0, 68000), slice(72000, 95000)):
        assert level(wave[part]) > level((one + two)[part]) - 7, "nobody is left out"


@pytest.mark.parametrize("layout", ["5.1", "5.1(side)", "7.1", "3.0"])
@pytest.mark.parametrize("codec", ["ac3", "pcm_s16le", "aac", "eac3"])
def test_speech_in_the_centre_is_as_loud_as_it_is(tmp_path, write_film, bursts, noise, layout, codec):
    if layout == "7.1" and codec in ("ac3", "eac3"):
        pytest.skip("these codecs hold six channels at most here")
    names = [channel.name for channel in av.AudioLayout(layout).channels]
    for around in (0.0, 0.3):  # alone, and with something all around
        channels = around * noise[: len(names)]
        channels[names.index("FC")] = bursts
        path = write_film(tmp_path / "a.mkv", [sound(channels, codec, layout)], seconds=0)
        wave = load_wave(path, sample_rate=RATE)
        assert level(wave) == pytest.approx(level(bursts), abs=3) and likeness(wave, bursts) > 0.8


@pytest.mark.parametrize("live", range(8))
@pytest.mark.parametrize("floor", [0.0, 0.002])
def test_one_microphone_of_eight_is_as_loud_as_it_is(tmp_path, bursts, noise, live, floor):
    channels = floor * noise
    channels[live] += bursts
    with wavefile.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setparams((8, 2, RATE, 0, "NONE", ""))
        file.writeframes((channels.T * 32767).astype("<i2").tobytes())
    wave = load_wave(tmp_path / "a.wav", sample_rate=RATE)
    assert level(wave) == pytest.approx(level(bursts), abs=1) and likeness(wave, bursts) > 0.99


@pytest.mark.parametrize("count", [8, 16])
def test_many_channels_beside_one_another_in_memory_are_read(tmp_path, write_film, bursts, count):
    """PyAV 18 reads past the end of the planes of frames that have 8 or more."""
    codec, name, layout = ("aac", "a.m4a", "7.1") if count == 8 else ("pcm_f32le", "a.wav", "hexadecagonal")
    path = write_film(tmp_path / name, [sound([bursts] * count, codec, layout)], seconds=0)
    assert level(load_wave(path, sample_rate=RATE)) == pytest.approx(level(bursts), abs=1)


def test_speech_in_one_ear_alone_is_as_loud_as_it_is(tmp_path, write_film, bursts):
    for pair in ([bursts, 0 * bursts], [0 * bursts, bursts], [bursts, bursts]):
        path = write_film(tmp_path / "a.wav", [sound(pair)], seconds=0)
        assert level(load_wave(path, sample_rate=RATE)) == pytest.approx(level(bursts), abs=0.1)


@pytest.mark.parametrize("codec", ["pcm_f32le", "pcm_f64le"])
@pytest.mark.parametrize("layout", ["mono", "stereo", "5.1"])
@pytest.mark.parametrize("factor", [4.0, 20.0, 3.4])
def test_what_is_louder_than_full_scale_is_turned_down(tmp_path, write_film, bursts, codec, layout, factor):
    count = {"mono": 1, "stereo": 2, "5.1": 6}[layout]
    path = write_film(tmp_path / "a.wav", [sound([factor * bursts] * count, codec, layout)], seconds=0)
    for rate in (16000, RATE):
        wave = load_wave(path, sample_rate=rate)
        assert np.abs(wave).max() == pytest.approx(1, abs=1e-5) and (np.abs(wave) > 0.999).mean() < 1e-3
        np.testing.assert_array_equal(np.concatenate(list(stream_wave(path, sample_rate=rate))), wave)
    assert likeness(wave, bursts) > 0.9999


def test_a_lossy_file_that_is_hot_is_turned_down_and_one_that_merely_touches_full_scale_is_not(
    tmp_path, write_film, bursts
):
    loud = bursts / np.abs(bursts).max()
    hot = load_wave(write_film(tmp_path / "a.m4a", [sound([2 * loud], "aac", "mono")], seconds=0))
    assert (np.abs(hot) > 0.999).mean() < 1e-3
    full = load_wave(write_film(tmp_path / "b.m4a", [sound([0.98 * loud], "aac", "mono")], seconds=0))
    assert np.abs(full).max() > 0.9


@pytest.mark.parametrize("name", ["a.mkv", "a.mp4"])
@pytest.mark.parametrize("dust", [0.0, 1e-4])
def test_a_silent_first_track_gives_way_to_one_with_sound(tmp_path, write_film, bursts, noise, caplog, name, dust):
    tracks = [
        sound([dust * noise[0]], "aac", "mono"),
        sound([0 * bursts], "aac", "mono"),
        sound([bursts], "aac", "mono"),
    ]
    path = write_film(tmp_path / name, tracks)
    with caplog.at_level(logging.WARNING):
        assert likeness(load_wave(path, sample_rate=RATE), bursts) > 0.9
    assert "track 3 is the first with sound in it" in caplog.text


@pytest.mark.parametrize("is_silent", [False, True])
def test_the_track_that_a_file_calls_its_default_is_heard_unless_it_is_silent(
    tmp_path, write_film, bursts, caplog, is_silent
):
    tracks = [
        {**sound([bursts[::-1].copy()], "flac", "mono"), "disposition": Disposition(0)},
        {**sound([(not is_silent) * bursts], "flac", "mono"), "disposition": Disposition.default},
    ]
    path = write_film(tmp_path / "a.mkv", tracks)
    heard = load_wave(path, sample_rate=RATE)
    assert likeness(heard, bursts[::-1] if is_silent else bursts) > 0.99
    assert ("track 2 is the file's default" in caplog.text) == (not is_silent)
    assert likeness(load_wave(path, sample_rate=RATE, track=1), bursts[::-1]) > 0.99


def test_a_track_can_be_chosen(tmp_path, write_film, bursts):
    other = bursts[::-1].copy()
    path = write_film(tmp_path / "a.mkv", [sound([bursts], "flac", "mono"), sound([other], "flac", "mono")])
    assert likeness(load_wave(path, sample_rate=RATE), bursts) > 0.99
    assert likeness(load_wave(path, sample_rate=RATE, track=1), bursts) > 0.99
    assert likeness(load_wave(path, sample_rate=RATE, track=2), other) > 0.99
    with pytest.raises(AudioError, match="has 2 sound tracks; there is no track 3"):
        load_wave(path, track=3)
    with pytest.raises(AudioError, match="counted from 1"):
        load_wave(path, track=0)
    one = write_film(tmp_path / "b.mkv", [sound([bursts], "flac", "mono")])
    with pytest.raises(AudioError, match="has one sound track; there is no track 2"):
        load_wave(one, track=2)


def test_where_all_is_silent_there_is_silence(tmp_path, write_film, bursts):
    path = write_film(tmp_path / "a.mkv", [sound([0 * bursts], "flac", "mono"), sound([0 * bursts] * 2, "flac")])
    wave = load_wave(path)
    assert len(wave) == 32000 and not wave.any()
