import tarfile

import pytest

from facediff.datasets.published.catalog import open_dataset
from facediff.datasets.published.record import Segment
from facediff.datasets.published.shards import read_shards, write_shards
from facediff.errors import InputError, OutputError
from facediff.media import VideoReader


def test_segments_come_back_cut_cropped_and_described(miniatures, tmp_path):
    written = write_shards(open_dataset("celebvhq", miniatures["celebvhq"]), tmp_path / "out", megabytes=0.001)
    assert (written.shards, written.segments, written.failed) == (2, 2, ())
    whole, cut = read_shards(tmp_path / "out")
    assert (cut.segment.name, cut.segment.identity, cut.segment.labels) == (
        "M2Ohb0FAaJU_2", "M2Ohb0FAaJU", {"appearance:blurry": "1"},
    )  # fmt: skip
    assert whole.has_sound and not cut.segment.commercial and cut.segment.split
    cut.extract(tmp_path / "cut.mp4")
    info = VideoReader(tmp_path / "cut.mp4").info
    assert (info.width, info.height, info.has_audio) == (32, 24, True)
    assert len(list(VideoReader(tmp_path / "cut.mp4"))) == 10


def test_a_shard_is_as_webdataset_has_them(miniatures, tmp_path):
    write_shards(open_dataset("laion", miniatures["laion"]), tmp_path / "out")
    with tarfile.open(tmp_path / "out" / "00000.tar") as archive:
        names = archive.getnames()
    keys = [name.split(".")[0] for name in names]
    assert keys[::2] == keys[1::2] and len(set(keys)) == 3, "the files of a key follow one another"
    assert {name.split(".", 1)[1] for name in names} == {"png", "json"}


def test_what_cannot_be_read_is_left_out_by_name_and_nothing_is_half_written(tiny_clip, tmp_path):
    broken = tmp_path / "broken.avi"
    broken.write_bytes(b"none" * 99)
    segments = [Segment(dataset="x", name=name, path=path) for name, path in (("a", broken), ("b", tiny_clip))]
    written = write_shards(segments, tmp_path / "out")
    assert written.segments == 1 and written.failed[0].startswith("a: ")
    with pytest.raises(OutputError, match="out is there already"):
        write_shards(segments, tmp_path / "out")
    with pytest.raises(InputError, match="none of the segments can be read: a: "):
        write_shards(segments[:1], tmp_path / "none")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["broken.avi", "out"]


def test_a_folder_without_shards_or_with_others_is_named(miniatures, tmp_path):
    with pytest.raises(InputError, match="there are no shards"):
        list(read_shards(tmp_path))
    with pytest.raises(InputError, match="write it again"):
        list(read_shards(miniatures["laion"]))
    (tmp_path / "0.tar").write_bytes(b"none" * 200)
    with pytest.raises(InputError, match=r"0\.tar is not a whole shard of facediff"):
        list(read_shards(tmp_path))
