import av
import numpy as np
import pytest

from facediff.audio.wave import LevelledWave, load_wave, normalise_loudness, read_samples, stream_wave
from facediff.errors import AudioError


def tone(rate: int, seconds: float = 1.0, hz: float = 440.0, level: float = 0.5) -> np.ndarray:
    return (level * np.sin(2 * np.pi * hz * np.arange(round(rate * seconds)) / rate)).astype(np.float32)


def write_sound(path, channels: np.ndarray, rate: int, codec: str, layout: str, picture: bool = False):
    """A sound file, or a video when a picture is wanted; channels (C, N)."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, layout=layout)
        if picture:
            video = container.add_stream("mpeg4", rate=25)
            video.width = video.height = 32
            frame = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")
            container.mux(video.encode(frame))
            container.mux(video.encode(None))
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(channels, np.float32), format="fltp", layout=layout)
        frame.sample_rate, frame.pts = rate, 0  # without time stamps, mp4 forgets that aac begins with padding
        convert = av.AudioResampler(
            format=stream.format, layout=layout, rate=rate, frame_size=stream.frame_size or None
        )
        for piece in [*convert.resample(frame), *convert.resample(None), None]:
            container.mux(stream.encode(piece))
    return path


@pytest.mark.parametrize("rate", [8000, 22050, 44100, 48000])
@pytest.mark.parametrize(("layout", "count"), [("mono", 1), ("stereo", 2), ("5.1", 6)])
def test_every_rate_and_channel_count_becomes_16_khz_mono(tmp_path, rate, layout, count):
    path = write_sound(tmp_path / "a.wav", np.stack([tone(rate)] * count), rate, "pcm_s16le", layout)
    wave = load_wave(path)
    assert wave.dtype == np.float32
    assert abs(len(wave) - 16000) <= 1
    np.testing.assert_allclose(wave[200:15800], tone(16000)[200:15800], atol=0.01)


@pytest.mark.parametrize(("name", "codec"), [("a.mp3", "libmp3lame"), ("a.flac", "flac"), ("a.m4a", "aac")])
def test_compressed_files_keep_their_length_and_phase(tmp_path, name, codec):
    wave = load_wave(write_sound(tmp_path / name, tone(44100, 2.0)[None], 44100, codec, "mono"))
    assert abs(len(wave) - 32000) <= 16000 * 0.03  # mp3 and aac end with a part of a block
    np.testing.assert_allclose(wave[2000:30000], tone(16000, 2.0)[2000:30000], atol=0.05)


def test_the_sound_of_a_video_is_read(tmp_path):
    wave = load_wave(write_sound(tmp_path / "a.mp4", np.stack([tone(48000)] * 2), 48000, "aac", "stereo", picture=True))
    np.testing.assert_allclose(wave[2000:15000], tone(16000)[2000:15000], atol=0.03)


@pytest.mark.parametrize("layout", ["stereo", "5.1"])
def test_loud_channels_do_not_clip_when_they_are_mixed(tmp_path, layout):
    loud = np.stack([tone(16000, level=0.95)] * (2 if layout == "stereo" else 6))
    wave = load_wave(write_sound(tmp_path / "a.flac", loud, 16000, "flac", layout))
    np.testing.assert_allclose(wave, loud[0], atol=1e-3)


def test_another_sample_rate_can_be_asked_for(tmp_path):
    path = write_sound(tmp_path / "a.wav", tone(8000)[None], 8000, "pcm_s16le", "mono")
    assert abs(len(load_wave(path, sample_rate=48000)) - 48000) <= 3


def test_pieces_put_together_are_the_whole(tmp_path):
    path = write_sound(tmp_path / "a.flac", tone(44100, 3.0)[None], 44100, "flac", "mono")
    pieces = list(stream_wave(path))
    assert len(pieces) > 10
    np.testing.assert_array_equal(np.concatenate(pieces), load_wave(path))


def test_what_follows_damage_is_left_out(tmp_path):
    path = write_sound(tmp_path / "a.mp3", tone(44100, 4.0)[None], 44100, "libmp3lame", "mono")
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    assert 1.0 < len(load_wave(path)) / 16000 < 3.0


def test_a_sound_that_is_too_long_is_refused_before_all_of_it_is_read(tmp_path):
    path = write_sound(tmp_path / "a.flac", tone(16000, 5.0)[None], 16000, "flac", "mono")
    taken = 0
    with pytest.raises(AudioError, match="longer than 1 seconds"):
        for piece in stream_wave(path, max_seconds=1.0):
            taken += len(piece)
    assert taken <= 16000


def test_arrays_of_any_scale_are_heard_alike():
    wave = tone(16000)
    assert read_samples(wave) is wave
    for scaled in ((wave * 2**15).astype(np.int16), (wave * 2.0**31).astype(np.int32), wave.astype(np.float64)):
        heard = read_samples(scaled)
        assert heard.dtype == np.float32
        np.testing.assert_allclose(heard, wave, atol=2**-14)
    np.testing.assert_allclose(read_samples(wave * 2**15), wave / wave.max(), atol=1e-6)


@pytest.mark.parametrize(
    ("samples", "said"),
    [
        (np.zeros((2, 100), np.float32), "mono and not empty"),
        (np.zeros(0, np.float32), "mono and not empty"),
        (np.full(100, 128, np.uint8), "not of uint8"),
        (np.array([0.0, np.nan]), "no numbers"),
        (np.array([0.0, -np.inf], np.float32), "no numbers"),
    ],
)
def test_arrays_that_are_no_wave_are_refused(samples, said):
    with pytest.raises(AudioError, match=said):
        read_samples(samples)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(AudioError, match="no sound file"):
        load_wave(tmp_path / "none.wav")


@pytest.mark.parametrize("content", [b"", b"not a sound at all" * 100, bytes(5000)])
def test_a_file_that_is_no_sound_is_refused(tmp_path, content):
    (tmp_path / "a.wav").write_bytes(content)
    with pytest.raises(AudioError, match="cannot be read as sound"):
        load_wave(tmp_path / "a.wav")


def test_a_video_without_sound_is_refused(tmp_path):
    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        video = container.add_stream("mpeg4", rate=25)
        video.width = video.height = 32
        frame = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")
        container.mux(video.encode(frame))
        container.mux(video.encode(None))
    with pytest.raises(AudioError, match="has no sound"):
        load_wave(tmp_path / "a.mp4")


def test_a_sound_of_zero_length_is_refused(tmp_path):
    header = write_sound(tmp_path / "b.wav", tone(16000, 0.1)[None], 16000, "pcm_s16le", "mono").read_bytes()
    start = header.index(b"data")
    (tmp_path / "a.wav").write_bytes(header[: start + 4] + bytes(4))
    with pytest.raises(AudioError, match="zero length"):
        load_wave(tmp_path / "a.wav")


@pytest.mark.parametrize("level", [0.003, 0.1, 0.9])
@pytest.mark.parametrize("target", [-30.0, -23.0])
def test_the_voiced_part_gets_the_loudness_asked_for(level, target):
    wave = np.concatenate([np.zeros(16000, np.float32), tone(16000, 2.0, level=level), np.zeros(16000, np.float32)])
    voiced = normalise_loudness(wave, target)[16000:48000]
    assert 10 * np.log10(np.mean(voiced.astype(np.float64) ** 2)) == pytest.approx(target, abs=0.1)


@pytest.mark.parametrize("offset", [0.05, 0.3, -0.3])
def test_a_constant_that_a_microphone_adds_changes_neither_loudness_nor_silence(bursts, offset):
    plain = normalise_loudness(bursts - bursts.mean())
    assert np.abs(normalise_loudness(bursts + np.float32(offset)) - plain).max() < 1e-3
    assert np.abs(normalise_loudness(np.full(16000, offset, np.float32))).max() < 1e-6


@pytest.mark.parametrize("offset", [0.0, 0.3])
@pytest.mark.parametrize("bang", [0.0, 0.9])
def test_parts_of_a_levelled_wave_are_those_of_the_whole(bursts, offset, bang):
    wave = 0.05 * bursts + np.float32(offset)
    wave[20000:20003] += np.float32(bang)
    before, levelled = wave.copy(), LevelledWave(wave)
    parts = [levelled[start : start + 7001] for start in range(0, len(levelled), 7001)]
    np.testing.assert_array_equal(np.concatenate(parts), normalise_loudness(wave))
    np.testing.assert_array_equal(wave, before)
    assert np.abs(np.concatenate(parts)).max() <= 1 and len(levelled) == len(wave)


def test_silence_stays_silence():
    for silence in (np.zeros(5000, np.float32), np.zeros(0, np.float32), np.full(3, 1e-5, np.float32)):
        np.testing.assert_array_equal(normalise_loudness(silence), silence)


def test_a_bang_is_turned_down_and_neither_clips_nor_quiets_the_speech():
    wave = tone(16000, 3.0, level=0.01)
    wave[20000:20004] = [0.0, 0.5, -0.4, 0.2]
    result = normalise_loudness(wave)
    np.testing.assert_allclose(result[20000:20004], [0.0, 1.0, -0.8, 0.4], atol=5e-3)  # its shape is kept
    assert np.abs(result).max() <= 1
    speech = result[:16000]
    assert 10 * np.log10(np.mean(speech.astype(np.float64) ** 2)) > -25
    np.testing.assert_allclose(result[:19000], wave[:19000] * (speech[100] / wave[100]), rtol=1e-4, atol=1e-6)
