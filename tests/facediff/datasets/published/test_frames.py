import numpy as np
import pytest

from facediff.datasets.published.catalog import DATASETS, open_dataset
from facediff.datasets.published.frames import read_frames, read_sound, write_segment
from facediff.datasets.published.record import Crop, Segment
from facediff.errors import MediaError
from facediff.media import VideoReader, read_image


def cut(clip, **what):
    return Segment(dataset="x", name="x", path=clip, sound=clip, **what)


def test_a_segment_is_cut_in_time_and_to_its_window(tiny_clip):
    right = Crop(left=0.5, right=1.0, top=0.0, bottom=0.5)
    frames = list(read_frames(cut(tiny_clip, start=0.2, end=0.4, crop=right)))
    assert [frame.shape for frame in frames] == [(24, 32, 3)] * 5
    assert [round(float(frame[:, 8:].mean())) for frame in frames] == pytest.approx([70, 80, 90, 100, 110], abs=3)


def test_frames_and_sound_are_cut_alike(tiny_clip):
    assert len(list(read_frames(cut(tiny_clip, first=15, last=99)))) == 5
    assert len(read_sound(cut(tiny_clip, start=0.2, end=0.4))) == 3200
    assert read_sound(Segment(dataset="x", name="x", path=tiny_clip)) is None


def test_what_begins_after_the_end_is_named(tiny_clip):
    with pytest.raises(MediaError, match=r"has no frame of x: it ends before 5 s"):
        list(read_frames(cut(tiny_clip, start=5.0)))


def test_a_segment_becomes_a_file_of_its_own(tiny_clip, tmp_path):
    write_segment(cut(tiny_clip, start=0.2, end=0.6), tmp_path / "cut.mp4")
    info = VideoReader(tmp_path / "cut.mp4").info
    assert (info.fps, info.has_audio) == (25, True) and info.seconds == pytest.approx(0.4, abs=0.05)


@pytest.mark.parametrize("name", [name for name in DATASETS if name not in ("hdtf", "avspeech")])
def test_the_first_segment_of_a_set_has_frames(name, miniatures):
    frame = next(read_frames(next(iter(open_dataset(name, miniatures[name])))))
    assert frame.dtype == np.uint8 and frame.ndim == 3 and frame.size


def test_pictures_of_shards_and_of_records_are_read(read, tmp_path):
    (still,) = read_frames(read("laion")["000000001"])
    assert still.shape == (48, 64, 3)
    write_segment(read("laion")["000000001"], tmp_path / "still.png")
    assert read_image(tmp_path / "still.png").shape == (48, 64, 3)
    robot = list(read_frames(read("bair")["train/traj_0_to_255/1"]))
    assert [tuple(frame[0, 0]) for frame in robot] == [(0, 7, 9), (1, 7, 9), (2, 7, 9)]
