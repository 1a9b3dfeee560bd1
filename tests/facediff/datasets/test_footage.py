import pytest

from facediff.datasets.footage import read_caption, read_footage
from facediff.datasets.recordings import Recording
from facediff.errors import InputError, MediaError


def test_videos_are_found_by_name_with_their_sound_where_they_have_one(footage) -> None:
    coffee, quiet, talk = read_footage(footage)
    assert [clip.name for clip in (coffee, quiet, talk)] == ["coffee.mp4", "more/quiet.mp4", "talk.mp4"]
    assert (talk.kind, talk.sound) == ("av", talk.path)
    assert [(clip.kind, clip.sound) for clip in (coffee, quiet)] == [("silent", None)] * 2
    assert len({clip.identity for clip in (coffee, quiet, talk)}) == 1


def test_one_video_is_footage_too(footage) -> None:
    (talk,) = read_footage(footage / "talk.mp4")
    assert talk == read_footage(footage)[-1] and read_caption(talk)


def test_a_caption_lies_beside_its_video(footage) -> None:
    captions = {clip.name: read_caption(clip) for clip in read_footage(footage)}
    assert captions == {"talk.mp4": "A woman, speaking softly.", "more/quiet.mp4": "", "coffee.mp4": ""}


def test_a_caption_may_begin_with_a_byte_order_mark_but_is_text(tmp_path) -> None:
    clip = Recording(tmp_path / "a.mp4", "a.mp4", "silent", "domain", None)
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbfold m\xc3\xa4n \r\n")
    assert read_caption(clip) == "old män"
    (tmp_path / "a.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match=r"a\.txt is not text in UTF-8"):
        read_caption(clip)


def test_what_is_no_footage_is_named(footage, tmp_path) -> None:
    with pytest.raises(InputError, match="there is no folder .*none; give one with videos"):
        read_footage(tmp_path / "none")
    (tmp_path / "notes.txt").write_text("none")
    with pytest.raises(InputError, match="there is no folder .*notes.txt; give one with videos, or a video"):
        read_footage(tmp_path / "notes.txt")
    with pytest.raises(InputError, match="there is no video in"):
        read_footage(tmp_path)
    (tmp_path / "broken.mp4").write_bytes(b"garbage" * 99)
    with pytest.raises(MediaError, match=r"broken\.mp4"):
        read_footage(tmp_path)
