"""Sound is heard where its time stamps say: late, early, with holes; what is plain is heard as it always was."""

from __future__ import annotations

import logging
from fractions import Fraction

import av
import numpy as np
import pytest

from facediff.audio.wave import load_sound, load_wave, stream_wave

RATE = 48000
KINDS = [
    ("a.mp4", "aac"), ("a.mov", "pcm_s16le"), ("a.mkv", "aac"), ("a.mkv", "flac"),
    ("a.webm", "libopus"), ("a.ts", "aac"), ("a.ts", "ac3"), ("a.mkv", "libmp3lame"), ("a.mp4", "libopus"),
]  # fmt: skip


def sound(samples, codec="aac", layout="mono", **where) -> dict:
    return {"samples": np.atleast_2d(samples), "rate": RATE, "codec": codec, "layout": layout, **where}


def delay(heard: np.ndarray, meant: np.ndarray) -> float:
    """By how many seconds what is heard comes after what was meant, both at 48 kHz."""
    size = 1 << int(np.ceil(np.log2(len(heard) + len(meant))))
    product = np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(meant, size)), size)
    best = int(product.argmax())
    return (best if best < size // 2 else best - size) / RATE


@pytest.mark.parametrize(("name", "codec"), KINDS)
@pytest.mark.parametrize("start", [0.536, 1.2])
def test_late_sound_is_late(tmp_path, write_film, bursts, name, codec, start):
    path = write_film(tmp_path / name, [sound(bursts, codec, start=start)], seconds=4)
    wave = load_wave(path, sample_rate=RATE)
    assert delay(wave, bursts) == pytest.approx(start, abs=0.008)
    assert np.abs(wave[: round((start - 0.03) * RATE)]).max() < 1e-3
    assert len(wave) / RATE == pytest.approx(start + 2, abs=0.1)
    assert delay(load_wave(path).repeat(3), bursts) == pytest.approx(start, abs=0.008), "at 16 kHz as well"


@pytest.mark.parametrize(("name", "codec"), [kind for kind in KINDS if kind[0] != "a.mov"])  # PCM there has none
def test_holes_are_silent_and_what_follows_is_in_time(tmp_path, write_film, bursts, name, codec):
    film = [sound(bursts, codec, keeps=lambda time: not 0.6 <= time < 1.1)]
    wave = load_wave(write_film(tmp_path / name, film), sample_rate=RATE)
    assert np.abs(wave[round(0.7 * RATE) : round(1.0 * RATE)]).max() < 1e-3
    for part in (slice(0, round(0.6 * RATE)), slice(round(1.2 * RATE), None)):
        assert delay(wave[part], bursts[part]) == pytest.approx(0, abs=0.008)
    assert len(wave) / RATE == pytest.approx(2, abs=0.08)


@pytest.mark.parametrize(("name", "codec"), KINDS)
@pytest.mark.parametrize("picture_from", [0.4, 0.92])
def test_what_is_heard_before_the_picture_is_cut(tmp_path, write_film, bursts, name, codec, picture_from):
    path = write_film(tmp_path / name, [sound(bursts, codec)], picture_from=picture_from)
    wave = load_wave(path, sample_rate=RATE)
    assert delay(wave, bursts) == pytest.approx(-picture_from, abs=0.008)
    assert len(wave) / RATE == pytest.approx(2 - picture_from, abs=0.08)


@pytest.mark.parametrize("codec", ["aac", "alac"])
def test_what_an_edit_list_cuts_away_is_not_heard(tmp_path, write_film, bursts, codec):
    path = write_film(tmp_path / "a.mp4", [sound(bursts, codec, start=-0.3)])
    assert b"elst" in path.read_bytes()
    assert delay(load_wave(path, sample_rate=RATE), bursts) == pytest.approx(-0.3, abs=0.003)


@pytest.mark.parametrize(("name", "codec"), [("a.mka", "flac"), ("a.m4a", "aac"), ("a.webm", "libopus")])
def test_a_sound_alone_begins_with_its_own_first_sample_and_keeps_its_holes(tmp_path, write_film, bursts, name, codec):
    film = [sound(bursts, codec, start=3.0, keeps=lambda time: not 3.6 <= time < 4.1)]
    wave = load_wave(write_film(tmp_path / name, film, seconds=0), sample_rate=RATE)
    assert delay(wave, bursts) == pytest.approx(0, abs=0.022) and len(wave) / RATE == pytest.approx(2, abs=0.08)


def test_the_cover_of_an_album_is_no_picture_that_sound_would_be_late_for(tmp_path, bursts):
    path = tmp_path / "a.m4a"
    with av.open(str(path), "w", format="mp4") as container:
        cover = container.add_stream("png", rate=1)
        cover.width = cover.height = 32
        cover.pix_fmt = "rgb24"
        cover.disposition = av.stream.Disposition.attached_pic
        stream = container.add_stream("aac", rate=RATE, layout="mono")
        container.mux(cover.encode(av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")))
        frame = av.AudioFrame.from_ndarray(bursts[None], format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE, 24000, Fraction(1, RATE)
        convert = av.AudioResampler("fltp", "mono", RATE, frame_size=1024)
        for piece in [*convert.resample(frame), *convert.resample(None), None]:
            container.mux(stream.encode(piece))
    assert delay(load_wave(path, sample_rate=RATE), bursts) == pytest.approx(0, abs=0.022)  # AAC's own delay


def test_time_stamps_that_tremble_as_a_browsers_do_change_no_sample(tmp_path, write_film, bursts):
    """Chromium 156 stamps packets of 60 ms when they come, up to 8 ms from where they belong."""
    trembling = np.random.default_rng(5).uniform(-0.003, 0.008, 400)
    plain = write_film(tmp_path / "a.webm", [sound(bursts, "libopus")])
    shaken = [sound(bursts, "libopus", shake=lambda time: time + trembling[round(time * 50)] * (time > 0.01))]
    shaken = write_film(tmp_path / "b.webm", shaken)
    np.testing.assert_array_equal(load_wave(plain), load_wave(shaken))


def test_a_browsers_mp4_whose_sound_begins_80_ms_late_is_in_time(tmp_path, write_film, bursts):
    """Chromium 156 tells decoders of Opus to drop 3840 samples and writes no edit list: the rest stays in its place."""
    path = write_film(tmp_path / "a.mp4", [sound(bursts, "libopus")])
    before, _, after = path.read_bytes().rpartition(b"edts")  # the last is the sound's
    data = before + b"free" + after
    place = data.index(b"dOps") + 6
    path.write_bytes(data[:place] + (3840).to_bytes(2, "big") + data[place + 2 :])
    wave = load_wave(path, sample_rate=RATE)
    assert not wave[:3800].any() and wave[3900:4800].any()
    assert delay(wave, bursts) == pytest.approx(0.0065, abs=0.002), "Opus's own delay is not cut away any more"


def test_a_recording_that_is_written_as_it_goes_is_in_time(tmp_path, write_film, bursts):
    whole = write_film(tmp_path / "a.webm", [sound(bursts, "libopus", start=0.4)], seconds=3)
    for name, options in (("b.webm", {"live": "1"}), ("b.mp4", {"movflags": "empty_moov+frag_keyframe"})):
        with (
            av.open(str(whole)) as source,
            av.open(str(tmp_path / name), "w", options=options) as container,
        ):
            copies = {}
            for stream in source.streams.audio if name == "b.mp4" else source.streams:
                copies[stream.index] = container.add_stream_from_template(stream)
            if name == "b.mp4":
                video = container.add_stream("libx264", rate=25)
                video.width, video.height, video.pix_fmt = 64, 64, "yuv420p"
                grey = np.full((64, 64, 3), 90, np.uint8)
                for frame in [*[av.VideoFrame.from_ndarray(grey, format="rgb24") for _ in range(75)], None]:
                    container.mux(video.encode(frame))
            for packet in source.demux(list(copies)):
                if packet.pts is not None:
                    packet.stream = copies[packet.stream_index]
                    container.mux(packet)
        assert delay(load_wave(tmp_path / name, sample_rate=RATE), bursts) == pytest.approx(0.4, abs=0.008)


def test_a_clock_that_drifts_is_followed(tmp_path, write_film, bursts):
    long = np.tile(bursts, 5)  # ten seconds, of which the file says that they took 10.5
    path = write_film(tmp_path / "a.mkv", [sound(long, "flac", shake=lambda time: time * 1.05)], seconds=11)
    wave = load_wave(path, sample_rate=RATE)
    assert delay(wave[9 * RATE :], long[9 * RATE :]) == pytest.approx(0.45, abs=0.04)


def test_recordings_that_were_joined_follow_one_another(tmp_path, write_film, bursts):
    one = write_film(tmp_path / "a.ts", [sound(bursts, "ac3")]).read_bytes()
    (tmp_path / "b.ts").write_bytes(one + one)
    wave = load_wave(tmp_path / "b.ts", sample_rate=RATE)
    assert len(wave) / RATE == pytest.approx(4, abs=0.2)
    assert delay(wave[2 * RATE :], bursts) == pytest.approx(0, abs=0.1)


def test_sound_whose_time_stamps_have_nothing_to_do_with_the_picture_is_heard_from_the_start(
    tmp_path, write_film, bursts, caplog
):
    for name, start, picture in (("a.mkv", 300.0, 0.0), ("b.mkv", 0.0, 300.0)):
        path = write_film(tmp_path / name, [sound(bursts, "flac", start=start)], picture_from=picture)
        with caplog.at_level(logging.WARNING):
            wave = load_wave(path, sample_rate=RATE)
        assert delay(wave, bursts) == pytest.approx(0, abs=0.002) and len(wave) / RATE == pytest.approx(2, abs=0.05)
        assert "lies outside the picture" in caplog.text
        caplog.clear()


@pytest.mark.parametrize(("name", "codec"), KINDS)
@pytest.mark.parametrize("layout", ["mono", "stereo"])
@pytest.mark.parametrize("has_picture", [True, False])
def test_what_is_plain_and_in_time_is_what_its_samples_are(
    tmp_path, write_film, bursts, name, codec, layout, has_picture
):
    channels = np.stack([bursts, 0.5 * np.roll(bursts, 40)])[: 1 if layout == "mono" else 2]
    path = write_film(tmp_path / name, [sound(channels, codec, layout)], seconds=2 * has_picture)
    with av.open(str(path)) as container:
        frames = list(container.decode(audio=0))
        begun = frames[0].time
    for rate in (16000, RATE):
        resampler = av.AudioResampler("s32", "mono", rate)
        pieces = []
        for frame in [*frames, None]:
            if frame is not None:
                frame.pts = None
            pieces += resampler.resample(frame)
        counted = np.concatenate([(piece.to_ndarray()[0] / np.float32(2**31)).astype(np.float32) for piece in pieces])
        wave = load_wave(path, sample_rate=rate)
        if has_picture:  # whose first frame may be a little later, by the coder's delay
            with av.open(str(path)) as container:
                early = next(container.decode(video=0)).time - begun
            assert early == 0 or name.endswith((".ts", ".mkv", ".webm", ".mp4"))
            if abs(early) > 0.002:
                assert abs(len(counted) - len(wave) - early * rate) <= 2
                continue
        np.testing.assert_array_equal(wave, counted)


def test_where_it_was_heard_is_told(tmp_path, write_film, bursts):
    path = write_film(tmp_path / "a.ts", [sound(bursts, "ac3")], picture_from=0.4)
    found = load_sound(path, sample_rate=RATE)
    with av.open(str(path)) as container:
        assert found.stream == container.streams.audio[0].index
        assert found.zero == pytest.approx(next(container.decode(video=0)).time, abs=1e-6)
    assert found.path == path and len(found.wave) == len(np.concatenate(list(stream_wave(path, sample_rate=RATE))))
