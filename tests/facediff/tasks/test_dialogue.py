"""Several people of one picture speak."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from facediff import Avatar
from facediff.audio.wave import load_wave
from facediff.clip import SOUND_RATE
from facediff.errors import ConfigError
from facediff.landmarks.detection import eye_distance
from facediff.landmarks.tracker import track_still
from facediff.tasks.dialogue import _share_out
from tests.facediff.tasks.test_talk import HELLO
from tests.portraits import plain

LEFT, RIGHT = np.s_[:, :256], np.s_[:, 256:]


@pytest.fixture(scope="module")
def pair() -> Avatar:
    return Avatar.from_image(np.hstack([plain(), plain()[:, ::-1]]), face="largest", device="cpu")


@pytest.fixture(scope="module")
def sounds(tmp_path_factory):
    """A word, and one that comes later, as files."""
    import wave

    folder = tmp_path_factory.mktemp("sounds")
    word = (32000 * load_wave(HELLO)[8000:12800]).astype("<i2")
    for name, samples in (("anna", word), ("ben", np.concatenate([np.zeros(3200, "<i2"), word]))):
        with wave.open(str(folder / f"{name}.wav"), "wb") as file:
            file.setparams((1, 2, 16000, 0, "NONE", ""))
            file.writeframes(samples.tobytes())
    return folder


def moved(frames, side) -> float:
    return float(np.mean([np.abs(frame[side].astype(int) - frames[0][side]).mean() for frame in frames]))


def test_each_says_their_own_and_the_sounds_are_mixed(pair, sounds):
    both = pair.talk(speakers=f"left={sounds}/anna.wav, right={sounds}/ben.wav", paint=False)
    frames = list(both)
    assert len(frames) == pytest.approx(25 * 8000 / 16000, abs=1) and frames[0].shape == (256, 512, 3)
    anna, ben = (load_wave(sounds / f"{name}.wav", sample_rate=SOUND_RATE) for name in ("anna", "ben"))
    mixed = ben.copy()
    mixed[: len(anna)] += anna
    np.testing.assert_allclose(both.audio[: len(mixed)], mixed / max(1, np.abs(mixed).max()), atol=1e-4)
    alone = list(pair.talk(speakers=f"0={sounds}/anna.wav", paint=False, still=True))
    mouth = np.s_[120:180]
    assert moved([f[mouth] for f in alone], LEFT) > 3 * moved([f[mouth] for f in alone], RIGHT)
    assert both.record.options["speakers"] == "left=anna.wav, right=ben.wav"
    assert [part.role for part in both.record.inputs] == ["source", "speech left", "speech right"]


def test_a_dialogue_is_staged(pair, sounds):
    clip = pair.talk(speakers=f"left={sounds}/anna.wav", paint=False, background="white", size="192x64", framing="head")
    frame = clip.preview()
    assert frame.shape == (64, 192, 3) and (frame.min(axis=2) == 255).mean() > 0.1
    assert all((frame[20:60, half].min(axis=2) < 200).mean() > 0.3 for half in (slice(0, 96), slice(96, 192)))


def test_what_cannot_be_said_is_refused(pair, sounds, video):
    with pytest.raises(ConfigError, match="to 1 here, not 2"):
        pair.talk(speakers=f"2={sounds}/anna.wav")
    with pytest.raises(ConfigError, match="two voices for one face"):
        pair.talk(speakers=f"left={sounds}/anna.wav, 0={sounds}/ben.wav")
    with pytest.raises(ConfigError, match="speech is given twice, for all that is heard and for each speaker"):
        pair.talk(sounds / "anna.wav", speakers=f"left={sounds}/anna.wav")
    with pytest.raises(ConfigError, match="speakers are the people of one picture, and this is a video"):
        video.talk(speakers=f"left={sounds}/anna.wav")


def test_a_large_head_stays_whole_beside_a_small_one():
    """Its hair ends nearer to the small face than to its own middle."""
    large, small = (track_still(plain(), None, where="the picture") for _ in range(2))
    small = replace(small, points=small.points * 0.3 + np.float32([[[190, 0, 0]]]))
    shares = _share_out([large, small])
    np.testing.assert_allclose(sum(shares), 1, atol=1e-5)
    (cx, cy), unit = large.points[0, :, :2].mean(axis=0), eye_distance(large.points[0])
    small_x, small_y = np.rint(small.points[0, :, :2].mean(axis=0)).astype(int)
    at = round(cy + (small_y - cy) * unit / (small_x - cx)), round(cx + unit)  # on the way, where hair ends
    assert shares[0][at] > 0.95 and shares[1][small_y, small_x] > 0.95
