from fractions import Fraction

import av
import numpy as np
import pytest
from skimage.data import astronaut, coffee

from facediff import Avatar
from facediff.errors import ConfigError, InputError, NoFaceFound
from facediff.media import VideoReader, VideoWriter


@pytest.fixture(scope="module")
def portrait() -> Avatar:
    return Avatar.from_image(astronaut(), device="cpu")


@pytest.fixture(scope="module")
def wave() -> np.ndarray:
    rng = np.random.default_rng(0)
    count = int(0.5 * 16000)
    return (0.2 * np.sin(np.arange(count) / 800) * rng.normal(size=count)).astype(np.float32)


def test_a_portrait_speaks(portrait: Avatar, wave: np.ndarray, tmp_path) -> None:
    clip = portrait.talk(wave, seed=1, steps=1, fps=10)
    assert (len(clip), clip.size, clip.fps) == (5, (512, 512), 10)
    seen = []
    clip.save(tmp_path / "a.mp4", progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (5, 5)
    frames = list(VideoReader(tmp_path / "a.mp4"))
    assert len(frames) == 5
    assert [p.name for p in tmp_path.iterdir()] == ["a.mp4"]
    with av.open(str(tmp_path / "a.mp4")) as box:
        heard = sum(f.samples / f.sample_rate for f in box.decode(audio=0))
    assert abs(heard - 0.5) < 0.04
    assert np.abs(frames[0].astype(int) - astronaut()).mean() < 4  # the first frame is the portrait, hardly moved


def test_equal_seeds_give_equal_frames(portrait: Avatar, wave: np.ndarray) -> None:
    one, other = (list(portrait.talk(wave, seed=5, steps=1, fps=6)) for _ in range(2))
    np.testing.assert_array_equal(one, other)
    different = list(portrait.talk(wave, seed=6, steps=1, fps=6))
    assert not np.array_equal(one, different)


def test_far_from_the_face_nothing_changes(portrait: Avatar, wave: np.ndarray) -> None:
    for frame in portrait.talk(wave, steps=1, fps=4):
        np.testing.assert_array_equal(frame[400:], astronaut()[400:])


def test_a_video_is_dubbed_and_keeps_its_rate_and_loops(wave: np.ndarray, tmp_path) -> None:
    rate = Fraction(30000, 1001)
    with VideoWriter(tmp_path / "in.mp4", (512, 512), rate) as writer:
        for shift in (0, 1, 2, 3, 4, 3, 2, 1):
            writer.write(np.roll(astronaut(), shift, axis=1))
    avatar = Avatar.from_video(tmp_path / "in.mp4", device="cpu")
    clip = avatar.talk(wave, steps=1)
    assert clip.fps == rate
    frames = list(clip)
    assert len(frames) == 15  # longer than the video: it goes there and back
    source = list(VideoReader(tmp_path / "in.mp4"))
    np.testing.assert_array_equal(frames[3][400:], source[3][400:])
    np.testing.assert_array_equal(frames[8][400:], source[6][400:])
    with pytest.raises(ConfigError, match="keeps its own rate"):
        avatar.talk(wave, fps=10)


def test_what_cannot_be_used_is_refused(portrait: Avatar, wave: np.ndarray) -> None:
    with pytest.raises(NoFaceFound, match="no human face"):
        Avatar.from_image(coffee())
    with pytest.raises(InputError, match="mono"):
        portrait.talk(np.zeros((2, 100), np.float32))
    with pytest.raises(ConfigError, match="from 0 to 3"):
        portrait.talk(wave, lips=9)
    with pytest.raises(ConfigError, match="no scheduler"):
        portrait.talk(wave, scheduler="magic")
