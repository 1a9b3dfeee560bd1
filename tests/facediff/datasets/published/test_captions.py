import pytest

from facediff.datasets.published.catalog import open_dataset, summarise
from facediff.errors import InputError


def test_webvid_titles_may_hold_commas(read):
    assert read("webvid")["1066674784"].text == ("Merida, mexico",)


def test_times_of_msrvtt_are_not_those_of_its_clips(read):
    clip = read("msrvtt")["video0"]
    assert clip.is_whole and clip.text == ("a car", "a fast car")


def test_hdvila_cuts_whole_videos(read):
    clips = read("hdvila")
    assert clips["QMi8x8o55Ns.2.mp4"].is_whole
    assert (clips["QMi8x8o55Ns.1.mp4"].start, clips["QMi8x8o55Ns.1.mp4"].end) == (0.2, 0.6)


def test_a_line_that_is_not_of_hdvila_is_named(tmp_path):
    (tmp_path / "meta.jsonl").write_text('{"video_id": "a", "clip": []}\nnone\n')
    with pytest.raises(InputError, match=r"line 2 of .*meta\.jsonl is not one of HD-VILA-100M"):
        list(open_dataset("hdvila", tmp_path))


def test_laion_is_shards_or_folders_and_says_which_links_are_dead(read, miniatures):
    pictures = read("laion")
    assert pictures["000000001"].member == "000000001.jpg" and pictures["000000001"].text == ("picture 000000001",)
    assert pictures["000010000"].labels == {"NSFW": "UNLIKELY"}
    assert summarise(open_dataset("laion", miniatures["laion"])).missed[0].startswith("3 pictures could not be fetched")


def test_a_shard_that_is_cut_off_is_named(tmp_path):
    (tmp_path / "00000.tar").write_bytes(b"none" * 99)
    with pytest.raises(InputError, match=r"00000\.tar is not a whole shard"):
        list(open_dataset("laion", tmp_path))
