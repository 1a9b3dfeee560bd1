from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut

from facediff import Avatar
from facediff.errors import MediaError, OutputError
from facediff.media import VideoWriter

WORDS = "She agreed on 3 May to a greeting for the museum's page."
WAVE = (0.3 * np.sin(np.arange(3200) / 9)).astype(np.float32)


@pytest.fixture(scope="module")
def portrait(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("portrait") / "her.png"
    Image.fromarray(astronaut()).save(path)
    return path


@pytest.fixture
def saved(portrait, tmp_path) -> Path:
    return Avatar.from_image(portrait, device="cpu", consent=WORDS).save(tmp_path / "her")


def test_a_saved_portrait_is_the_same_avatar(portrait, saved) -> None:
    before = Avatar.from_image(portrait, device="cpu", consent=WORDS).talk(WAVE, paint=False)
    after = Avatar.load(saved, device="cpu").talk(WAVE, paint=False)
    np.testing.assert_array_equal(list(before), list(after))
    assert before.record == after.record
    assert after.record.consent == WORDS and after.record.inputs[0].name == "her.png"
    assert {p.name for p in saved.iterdir()} == {"avatar.json", "source.png", "track.safetensors"}


def test_a_saved_video_is_the_same_avatar_without_its_file(tmp_path) -> None:
    video = tmp_path / "me.mp4"
    with VideoWriter(video, (512, 512), Fraction(25)) as writer:
        for shift in range(5):
            writer.write(np.roll(astronaut(), shift, axis=1))
    avatar = Avatar.from_video(video, device="cpu", on_missing_face="hold")
    before = list(avatar.talk(WAVE, paint=False))
    avatar.save(tmp_path / "me")
    video.unlink()
    kept = Avatar.load(tmp_path / "me", device="cpu")
    clip = kept.talk(WAVE, paint=False)
    np.testing.assert_array_equal(before, list(clip))
    assert clip.record.options["on_missing_face"] == "hold" and kept.consent is None


def test_nothing_is_written_over_and_nothing_half(saved, tmp_path) -> None:
    avatar = Avatar.load(saved)
    with pytest.raises(OutputError, match="is there already; choose another name"):
        avatar.save(saved)
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        avatar.save(tmp_path / "file" / "her")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "her"]


@pytest.mark.parametrize(
    "change",
    [
        {"source": "../her.png"},
        {"source": "/etc/passwd"},
        {"source": "gone.png"},
        {"version": 99},
        {"format": "another"},
        {"size": "large"},
        {"face": [1]},
    ],
)
def test_a_folder_that_was_tampered_with_is_refused(saved, change) -> None:
    about = saved / "avatar.json"
    about.write_text(json.dumps({**json.loads(about.read_text()), **change}))
    with pytest.raises(MediaError, match="is no avatar of this version of facediff, or is damaged"):
        Avatar.load(saved)


def test_a_source_that_is_a_link_and_landmarks_of_another_shape_are_refused(saved, portrait) -> None:
    (saved / "source.png").unlink()
    (saved / "source.png").symlink_to(portrait)
    with pytest.raises(MediaError, match="its source is not in it"):
        Avatar.load(saved)
    (saved / "track.safetensors").write_bytes(b"\x80\x04pickle")
    with pytest.raises(MediaError, match="or is damaged"):
        Avatar.load(saved)
    with pytest.raises(MediaError, match="there is no avatar in"):
        Avatar.load(saved / "elsewhere")
