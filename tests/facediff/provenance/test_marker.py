"""Pictures are marked as clips are; what a clip gives as an array is not."""

from __future__ import annotations

import shlex
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut
from typer.testing import CliRunner

from facediff.cli import app
from facediff.errors import ConfigError, InputError, OutputError
from facediff.media import read_image
from facediff.options.marks import MarkOptions
from facediff.provenance import ManifestState, detect, embed, verify
from facediff.provenance.marker import frame_marker, write_marked
from tests.signed import PICTURE, clip_of, record_of


def test_a_saved_frame_carries_all_that_a_video_carries(tmp_path):
    clip = clip_of(record_of())
    found = verify(clip.save_frame(tmp_path / "a.png"))
    assert found.watermark.is_found and found.manifest.state is ManifestState.valid and found.record == clip.record
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), embed(PICTURE))
    bare = verify(clip.save_frame(tmp_path / "b.png", watermark=False))
    assert not bare.watermark.is_found and not bare.record.is_watermarked
    assert [p.name for p in sorted(tmp_path.iterdir())] == ["a.png", "b.png"]


def test_frames_as_arrays_and_previews_carry_nothing():
    clip = clip_of(record_of())
    for frame in (clip.preview(), next(iter(clip)), next(clip.frames(2, 3))):
        np.testing.assert_array_equal(frame, PICTURE)
        assert not detect([frame]).is_found


def test_any_frame_can_be_saved_by_its_number(tmp_path):
    pictures = [np.roll(PICTURE, 9 * k, 1) for k in range(6)]
    clip = replace(clip_of(None), render=lambda part: iter(pictures[part]))
    for index, shown in ((0, 0), (5, 5), (-1, 5), (None, 3)):
        path = clip.save_frame(tmp_path / "a.png", index, watermark=False)
        np.testing.assert_array_equal(read_image(path), pictures[shown])
    for index in (6, -7):
        with pytest.raises(InputError, match=f"there is no frame {index}; the clip has 6"):
            clip.save_frame(tmp_path / "a.png", index)


def test_marking_leaves_the_frame_as_it_is():
    before = PICTURE.copy()
    marked = frame_marker(MarkOptions(label="AI"), (256, 256)).mark(PICTURE)
    np.testing.assert_array_equal(PICTURE, before)
    assert detect([marked]).is_found and (marked != PICTURE).any()
    assert frame_marker(MarkOptions(watermark=False), (256, 256)).mark(PICTURE) is PICTURE


def test_what_cannot_be_written_leaves_nothing(tmp_path):
    with pytest.raises(InputError, match="must end in one of"):
        clip_of(record_of()).save_frame(tmp_path / "a.gif")
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be written"):
        write_marked(tmp_path / "file" / "a.png", PICTURE, record_of(), MarkOptions())
    for name, given in (("aigc", "x"), ("timestamp", "http://127.0.0.1:9/")):
        with pytest.raises(ConfigError, match=f"^{name} is for clips with a record"):
            clip_of(None).save(tmp_path / "a.mp4", **{name: given})
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def run(*arguments) -> str:
    result = CliRunner().invoke(app, [str(one) for one in arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.mark.parametrize(
    "words",
    [["edit", "-o", "a.png", "-a", "smile=0.5"], ["edit", "-o", "a.jpg", "-a", "smile=0.5", "--label", "fr"],
     ["edit", "-o", "a.png", "-a", "mouth_open=0.5", "--sweep"], ["edit", "-o", "a.png", "-a", "smile=1", "--preview"]],
)  # fmt: skip
def test_pictures_and_strips_of_the_command_line_are_marked_and_can_be_made_again(tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    Image.fromarray(astronaut()).save("her.png")
    run(words[0], "her.png", *words[1:], "--device", "cpu")
    made = tmp_path / words[2]
    found = verify(made)
    assert found.watermark.is_found and found.manifest.state is ManifestState.valid and found.xmp_source_type
    assert found.record.task == "edit" and found.manifest.ingredients == ("her.png",)
    again = shlex.split(run("info", made).splitlines()[-1].removeprefix("again"))
    assert ("--sweep" in again, "--preview" in again) == ("--sweep" in words, "--preview" in words)
    run(*again[1:])
    np.testing.assert_array_equal(read_image(f"again{made.suffix}"), read_image(made))
