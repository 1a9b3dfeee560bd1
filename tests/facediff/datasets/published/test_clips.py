import pytest

from facediff.audio.wave import load_wave
from facediff.datasets.published.catalog import open_dataset
from facediff.datasets.published.clips import Scratch, Sources
from facediff.datasets.published.shards import write_shards
from facediff.datasets.recordings import read_recordings
from facediff.errors import InputError
from facediff.media import VideoReader


def test_sets_stand_in_for_a_table(miniatures):
    sources = Sources((("celebvhq", miniatures["celebvhq"]), ("ucf101", miniatures["ucf101"])))
    clips = read_recordings(sources, kinds=("av", "silent"))
    assert {clip.name.split("/")[0] for clip in clips} == {"celebvhq", "ucf101"}
    cut = next(clip for clip in clips if clip.name == "celebvhq/M2Ohb0FAaJU_2")
    assert (cut.kind, cut.identity) == ("av", "celebvhq/M2Ohb0FAaJU")
    assert len(list(VideoReader(cut.path))) == 10 and len(load_wave(cut.sound)) == pytest.approx(6400, abs=1200)


def test_terms_and_splits_are_kept_apart(miniatures):
    sources = Sources((("talkinghead1kh", miniatures["talkinghead1kh"]), ("lrs3", miniatures["lrs3"])))
    assert {clip.name.split("/")[0] for clip in read_recordings(sources, licence="permissive")} == {"talkinghead1kh"}
    assert [clip.name for clip in read_recordings(sources, split="test")] == ["lrs3/test/0Fi83BHQsMA/00002"]
    with pytest.raises(InputError, match="lrs3=.* has no clips of split 'train', kinds .* and licence 'permissive'"):
        read_recordings(Sources((("lrs3", miniatures["lrs3"]),)), licence="permissive")


def test_no_more_than_a_few_clips_of_shards_are_unpacked(miniatures, tmp_path):
    for name in ("celebvhq", "avspeech", "kth"):
        write_shards(open_dataset(name, miniatures[name]), tmp_path / name)
    sources = Sources(tuple(("shards", tmp_path / name) for name in ("celebvhq", "avspeech", "kth")))
    clips = read_recordings(sources)
    assert len(clips) == 7
    for _ in range(2):
        for clip in clips:
            path = clip.path
            assert path.is_file() and clip.sound in (None, path)
            assert len(list(path.parent.iterdir())) <= 4
    folder = path.parent
    del clips, clip
    assert not folder.exists(), "nothing is left behind"


def test_what_was_looked_at_last_stays(tmp_path):
    scratch, made = Scratch(2), []

    def make(path):
        made.append(path.name)
        path.touch()

    paths = [scratch.path(name, ".mp4", make) for name in "abacab"]
    assert len(made) == 4 and paths[0] == paths[2] == paths[4]
    assert [path.exists() for path in (paths[0], paths[3], paths[5])] == [True, False, True]
