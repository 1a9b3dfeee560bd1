import base64
import re
from dataclasses import replace
from fractions import Fraction

import av
import numpy as np
import pytest

from facediff import Clip
from facediff.audio.wave import load_sound, load_wave
from facediff.clip import SOUND_RATE
from facediff.errors import ConfigError, InputError
from facediff.media import VideoReader
from facediff.types import Word


def clip(frames: int = 6) -> Clip:
    def render(part: slice):
        return (np.full((16, 16, 3), (40 * k) % 256, np.uint8) for k in range(part.start, part.stop))

    return Clip(Fraction(25), (16, 16), frames, None, render, preview_index=3)


def test_it_is_rendered_as_it_is_read() -> None:
    assert len(clip()) == 6
    assert [int(frame[0, 0, 0]) for frame in clip()] == [0, 40, 80, 120, 160, 200]
    assert int(clip().preview()[0, 0, 0]) == 120


def test_any_stretch_of_it_as_far_as_there_is_one() -> None:
    assert [int(frame[0, 0, 0]) for frame in clip().frames(2, 4)] == [80, 120]
    assert [int(frame[0, 0, 0]) for frame in clip().frames(-2)] == [160, 200]
    assert len(list(clip().frames(4, 99))) == 2 and not list(clip().frames(9, 12)) and not list(clip().frames(3, 3))


def test_it_is_saved_whole_or_not_at_all(tmp_path) -> None:
    steps = []
    clip().save(tmp_path / "a.mp4", progress=lambda done, total: steps.append((done, total)))
    assert steps == [(k, 6) for k in range(1, 7)] and len(list(VideoReader(tmp_path / "a.mp4"))) == 6

    def broken(part: slice):
        yield np.zeros((16, 16, 3), np.uint8)
        raise RuntimeError("in mid-render")

    with pytest.raises(RuntimeError):
        Clip(Fraction(25), (16, 16), 6, None, broken).save(tmp_path / "b.mp4")
    with pytest.raises(InputError, match="must end in"):
        clip().save(tmp_path / "c.txt")
    assert [p.name for p in tmp_path.iterdir()] == ["a.mp4"]


def test_a_preview_renders_one_frame_and_no_other() -> None:
    made = []

    def render(part: slice):
        for k in range(part.start, part.stop):
            made.append(k)
            yield np.full((16, 16, 3), 40 * k, np.uint8)

    seen = Clip(Fraction(25), (16, 16), 6, None, render, preview_index=4)
    np.testing.assert_array_equal(seen.preview(), list(clip())[4])
    assert made == [4]


def test_a_file_has_the_rate_and_the_sound_of_its_clip(tmp_path) -> None:
    time = np.arange(SOUND_RATE) / SOUND_RATE
    sound = (0.5 * np.sin(2 * np.pi * 440 * time)).astype(np.float32)
    rate = Fraction(30000, 1001)
    replace(clip(), fps=rate, audio=sound).save(tmp_path / "a.mkv")
    info = VideoReader(tmp_path / "a.mkv").info
    assert info.fps == rate and info.has_audio and info.is_tagged
    heard = load_wave(tmp_path / "a.mkv")
    assert len(heard) / 16000 == pytest.approx(6 / rate, abs=0.05)  # cut to the length of the picture
    assert np.abs(np.fft.rfft(heard)).argmax() * 16000 / len(heard) == pytest.approx(440, abs=6)
    replace(clip(), is_tagged=False).save(tmp_path / "b.mp4")
    silent = VideoReader(tmp_path / "b.mp4").info
    assert not silent.has_audio and not silent.is_tagged


def test_a_failure_leaves_the_file_that_was_there(tmp_path) -> None:
    before = clip().save(tmp_path / "a.mp4").read_bytes()

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        clip().save(tmp_path / "a.mp4", progress=stop)
    assert (tmp_path / "a.mp4").read_bytes() == before and len(list(tmp_path.iterdir())) == 1


def test_a_notebook_shows_a_short_clip_and_a_frame_of_a_long_one() -> None:
    shown = clip()._repr_html_()
    kind, data = re.fullmatch(r'<video controls .* src="data:(.*);base64,(.*)"></video>', shown).groups()
    assert kind == "video/mp4" and base64.b64decode(data)[4:8] == b"ftyp"
    made = []

    def render(part: slice):
        for k in range(part.start, part.stop):
            made.append(k)
            yield np.zeros((16, 16, 3), np.uint8)

    long = Clip(Fraction(25), (16, 16), 25 * 60, None, render, preview_index=4)._repr_html_()
    assert "image/jpeg" in long and "clip of 60 s" in long and made == [4]


def test_an_opening_is_the_clip_cut_short_and_its_sound_with_it() -> None:
    frames = [np.full((4, 6, 3), k, np.uint8) for k in range(50)]
    sound = np.arange(2 * SOUND_RATE, dtype=np.float32)
    clip = Clip(Fraction(25), (6, 4), 50, sound, lambda part: iter(frames[part]), preview_index=40)
    short = clip.opening(0.4)
    assert len(short) == 10 and [f[0, 0, 0] for f in short] == list(range(10))
    np.testing.assert_array_equal(short.audio, sound[: round(0.4 * SOUND_RATE)])
    assert short.preview()[0, 0, 0] == 9
    assert len(clip.opening(99)) == 50 and len(clip) == 50


@pytest.fixture
def stereo(tmp_path, write_film, bursts) -> Clip:
    """A clip of two seconds that keeps the stereo sound, half a second late, of a video."""
    pair = {
        "samples": np.stack([bursts, bursts[::-1]]),
        "rate": 48000,
        "codec": "aac",
        "layout": "stereo",
        "start": 0.5,
    }
    sound = load_sound(write_film(tmp_path / "own.mp4", [pair], seconds=3), sample_rate=SOUND_RATE)
    return replace(clip(50), audio=sound.wave, sound=sound)


def packets(path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(audio=0) if packet.size and packet.pts is not None]


def test_the_sound_of_a_video_is_kept_as_it_is_and_in_its_place(stereo, tmp_path) -> None:
    own = packets(tmp_path / "own.mp4")
    whole, short = packets(stereo.save(tmp_path / "a.mp4")), packets(stereo.opening(1.0).save(tmp_path / "b.mp4"))
    assert whole == own[: len(whole)] and short == own[: len(short)] and 0 < len(short) < len(whole)
    heard = load_wave(tmp_path / "a.mp4")
    assert not heard[:7500].any() and np.abs(heard[8500:9500]).max() > 0.01
    for number, part in enumerate((slice(0, 20), slice(20, 50))):
        stereo.save_part(tmp_path / f"{number}.mp4", part.start, part.stop)
    stereo.join([tmp_path / "0.mp4", tmp_path / "1.mp4"], tmp_path / "c.mp4")
    assert packets(tmp_path / "c.mp4") == whole
    np.testing.assert_array_equal(load_wave(tmp_path / "c.mp4"), heard)


def test_a_sound_that_was_replaced_or_taken_away_does_not_come_back(stereo, tmp_path) -> None:
    tone = (0.3 * np.sin(np.arange(2 * SOUND_RATE) / 20)).astype(np.float32)
    replace(stereo, audio=tone).save(tmp_path / "a.mp4")
    assert np.corrcoef(load_wave(tmp_path / "a.mp4")[1000:30000], tone[::3][1000:30000])[0, 1] > 0.9
    replace(stereo, audio=None).save(tmp_path / "b.mp4")
    assert not VideoReader(tmp_path / "b.mp4").info.has_audio


def test_captions_lie_beside_the_file_and_only_of_what_was_said(tmp_path) -> None:
    words = (Word("Hello", 0.0, 0.1), Word("there.", 0.1, 0.2))
    said = replace(clip(), words=words, is_captioned=True)
    said.save(tmp_path / "a.mp4")
    assert "00:00:00.000 --> 00:00:00.200\nHello there." in (tmp_path / "a.vtt").read_text()
    assert said.opening(0.08).words == words[:1]
    replace(clip(), words=words).save(tmp_path / "b.mp4")
    assert not (tmp_path / "b.vtt").exists()
    with pytest.raises(ConfigError, match="captions are of a text that is said"):
        clip().save_captions(tmp_path / "c.vtt")
