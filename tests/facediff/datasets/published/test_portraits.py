import pytest

from facediff.datasets.published.catalog import open_dataset, summarise
from facediff.datasets.published.portraits import shares, speaker
from facediff.datasets.published.record import Crop
from facediff.errors import InputError

from .miniatures import Layer


def test_hdtf_cuts_whole_videos_by_its_tables_and_splits_by_speaker(read):
    clips = read("hdtf")
    whole = clips["WDA_BarackObama_000_000"]
    assert (whole.start, whole.end) == (0.0, 1.0)
    assert whole.crop == Crop(left=0.25, right=0.75, top=8 / 48, bottom=40 / 48)
    assert clips["RD_Radio11_000"].is_whole and not whole.is_whole
    assert whole.identity == clips["WDA_BarackObama_000_001"].identity == "WDA_BarackObama"
    assert [speaker(name) for name in ("Radio11", "JeanneShaheen2", "MazieHirono0_1", "1984")] == [
        "Radio", "JeanneShaheen", "MazieHirono0", "1984",
    ]  # fmt: skip


def test_hdtf_reads_lines_as_they_are_published(tmp_path, tiny_clip):
    """With what is odd in them: a blank at the end, a clip without a window, one man under two names."""
    lay = Layer(tmp_path, tiny_clip)
    lay.text(
        "HDTF_dataset/WRA_annotion_time.txt",
        "DianeBlack0.mp4 04:20-04:38 05:28-05:40 ",
        "DuncanHunter.mp4 00:46-01:15 01:45-02:05",
    )
    lay.text(
        "HDTF_dataset/WRA_crop_wh.txt",
        "DianeBlack0_0.mp4 172 578 0 578",
        "DianeBlack0_1.mp4 64 590 0 590",
        "DuncanHunter_0.mp4 565 850 0 850",
    )
    lay.text("HDTF_dataset/WRA_resolution.txt", "DianeBlack0.mp4 720", "DuncanHunter.mp4 1080", "KevinMcCarthy1.mp4 0")
    lay.text("HDTF_dataset/WDA_annotion_time.txt", "JamesClyburn1.mp4 00:05-04:40", "WhipJimClyburn.mp4 00:05-04:40")
    lay.text("HDTF_dataset/WDA_crop_wh.txt", "JamesClyburn1_0.mp4 575 808 0 808", "WhipJimClyburn_0.mp4 583 791 0 791")
    lay.text("HDTF_dataset/RD_annotion_time.txt", "Radio15.mp4 00:35-00:45")
    lay.text("HDTF_dataset/RD_crop_wh.txt", "Radio10_0.mp4 483 390 0 390")
    lay.videos("WRA_DianeBlack0_000.mp4", "WRA_DianeBlack0_001.mp4", "_videos_raw/WRA_DuncanHunter.mp4")
    lay.videos("WDA_JamesClyburn1_000.mp4", "clips/WhipJimClyburn_0.mp4", "_videos_raw/RD_Radio15.mp4")
    found = open_dataset("hdtf", tmp_path)
    clips = {segment.name: segment for segment in found}
    assert {name: clip.identity for name, clip in clips.items()} == {
        "WRA_DuncanHunter_000": "WRA_DuncanHunter",
        "WRA_DianeBlack0_000": "WRA_DianeBlack", "WRA_DianeBlack0_001": "WRA_DianeBlack",
        "WDA_JamesClyburn1_000": "WDA_JamesClyburn", "WDA_WhipJimClyburn_000": "WDA_JamesClyburn",
    }  # fmt: skip
    crop = clips["WRA_DuncanHunter_000"].crop  # of a video 64 wide and 48 high that was 1440 wide and 1080 high
    assert (crop.left, crop.bottom) == pytest.approx((565 / 1440, 850 / 1080))
    lay.text("HDTF_dataset/WRA_resolution.txt", "KevinMcCarthy1.mp4 0")
    assert "WRA_DuncanHunter_000" not in {segment.name for segment in open_dataset("hdtf", tmp_path)}


def test_windows_are_shares_in_celebvhq_and_pixels_in_celebvtext(read):
    shared = read("celebvhq")["M2Ohb0FAaJU_2"]
    assert shared.crop == Crop(left=0.25, right=0.75, top=0.0, bottom=0.5)
    assert (shared.start, shared.end, shared.labels) == (0.2, 0.6, {"appearance:blurry": "1"})
    counted = read("celebvtext")["00-30GQl0TM_7"]
    assert counted.crop == shared.crop
    assert (counted.start, counted.end) == (0.2, 0.6), "what is called a frame is a second"
    assert read("celebvtext")["0-5BrmyFsYM_0"].text == ("She is happy.", "She turns neutral.")


def test_talkinghead1kh_counts_frames_in_the_size_of_its_list_and_its_cut_clips_are_silent(read):
    clips = read("talkinghead1kh")
    cut, whole = clips["aaaaaaaaaaa_0000_S5_E9_L0_T0_R32_B32"], clips["aaaaaaaaaaa_0001_S0_E4_L32_T0_R96_B64"]
    assert cut.sound is None and whole.sound == whole.path
    assert (whole.first, whole.last) == (0, 5)
    assert whole.crop == Crop(left=0.25, right=0.75, top=0.0, bottom=64 / 96)
    assert cut.identity == whole.identity == "aaaaaaaaaaa"


def test_vfhq_is_frames_without_sound_or_a_window_of_a_video(read):
    clips = read("vfhq")
    frames, window = clips["Clip+x1+P0+C1+F0-3"], clips["Clip+-2uuCM9Q5Gc+P0+C0+F5-10"]
    assert (frames.split, frames.sound, frames.path.is_dir()) == ("test", None, True)
    assert (window.start, window.end, window.crop.right) == (0.2, 0.4, 0.75)


def test_talkvid_finds_clips_by_their_times(read):
    (clip,) = read("talkvid").values()
    assert (clip.identity, clip.text, clip.labels["Gender"]) == ("597", ("A man.",), "Male")


def test_what_a_platform_took_down_is_counted_with_an_example(miniatures):
    (missed,) = summarise(open_dataset("celebvhq", miniatures["celebvhq"])).missed
    assert missed == "1 clips are listed and not there, since platforms take videos down, gone_0 the first"


def test_lists_of_another_form_are_refused(tmp_path):
    (tmp_path / "celebvhq_info.json").write_text("[]")
    with pytest.raises(InputError, match="holds a list and not a dict; is it of another set"):
        list(open_dataset("celebvhq", tmp_path))
    (tmp_path / "celebvhq_info.json").write_text("{")
    with pytest.raises(InputError, match=r"celebvhq_info\.json is not JSON"):
        list(open_dataset("celebvhq", tmp_path))
    with pytest.raises(InputError, match="has nothing of a frame"):
        shares((70, 0, 90, 10), (64, 48))
