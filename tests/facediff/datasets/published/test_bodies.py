import pytest

from facediff.datasets.published.catalog import open_dataset
from facediff.errors import InputError


def test_taichi_counts_frames_at_the_rate_of_its_list(read):
    whole = read("taichi")["whole#000005#000010"]
    assert (whole.start, whole.end, whole.split, whole.crop.left) == (0.2, 0.4, "test", 0.5)


def test_the_first_list_of_taichi_has_no_partition_and_folders_tell(tmp_path, tiny_clip):
    (tmp_path / "taichi-metadata.csv").write_text("video_id,start,end,bbox,fps,width,height\na,0,5,0-0-9-9,25,64,48\n")
    (tmp_path / "test").mkdir()
    (tmp_path / "test" / "a#000000#000005.mp4").write_bytes(tiny_clip.read_bytes())
    assert next(iter(open_dataset("taichi", tmp_path))).split == "test"


def test_calibrations_of_human36m_are_left_out_and_takes_are_one_action(read):
    assert [clip.labels["action"] for clip in read("human36m").values()] == ["Directions", "Walking"]


def test_mpii_reads_the_table_of_matlab(read, tmp_path):
    pictures = read("mpii")
    assert {picture.kind for picture in pictures.values()} == {"still"}
    assert pictures["015601860.jpg"].labels == {"action": "curling"}
    assert pictures["015601860.jpg"].identity == "video 1"
    (tmp_path / "mpii_human_pose_v1_u12_1.mat").write_bytes(b"none" * 99)
    with pytest.raises(InputError, match="is not the table of MPII"):
        list(open_dataset("mpii", tmp_path))


def test_ucf101_finds_the_class_that_is_spelt_in_two_ways(read):
    assert read("ucf101")["v_HandstandPushups_g08_c01"].split == "train"


def test_kth_stretches_are_counted_from_one(read):
    films = read("kth")
    assert (films["person01_boxing_d1/1"].first, films["person01_boxing_d1/1"].last) == (5, 10)
    assert films["person12_boxing_d2/0"].is_whole


def test_odd_subjects_of_mhad_are_trained_on(read):
    assert {clip.identity: clip.split for clip in read("mhad").values()} == {"1": "train", "2": "test"}
