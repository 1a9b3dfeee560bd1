"""Every set is read as it is published, splits keep people apart, and what is missing is said."""

import pytest

from facediff.datasets.published.catalog import DATASETS, open_dataset, parse_place, summarise
from facediff.datasets.published.record import SPLITS, draw_split
from facediff.errors import ConfigError, InputError

FOUND = {  # how many segments of how many that are listed, by split
    "hdtf": (3, 6, {}), "voxceleb2": (2, 2, {"train": 1, "test": 1}), "mead": (2, 2, {}), "celebvhq": (2, 3, {}),
    "celebvtext": (2, 2, {}), "talkinghead1kh": (2, 3, {"train": 2}), "vfhq": (2, 2, {}), "cremad": (2, 3, {}),
    "grid": (2, 2, {"train": 1, "test": 1}), "ravdess": (2, 2, {}),
    "lrs2": (4, 5, {"train": 2, "val": 1, "test": 1}), "lrs3": (3, 3, {"train": 2, "test": 1}),
    "avspeech": (3, 4, {"train": 2, "test": 1}), "talkvid": (1, 2, {}), "webvid": (2, 3, {"train": 1, "val": 1}),
    "msrvtt": (3, 3, {"train": 1, "val": 1, "test": 1}), "hdvila": (2, 3, {}), "laion": (3, 6, {}),
    "davis": (2, 3, {"train": 1, "val": 1}), "landscape": (3, 3, {"train": 2, "test": 1}),
    "cityscapes": (3, 4, {"train": 1, "val": 2}), "sky": (2, 3, {"train": 1, "test": 1}),
    "catergen": (2, 2, {"train": 1, "test": 1}), "bair": (4, 4, {"train": 2, "test": 2}),
    "taichi": (2, 3, {"train": 1, "test": 1}), "human36m": (2, 2, {"train": 1, "test": 1}),
    "mpii": (2, 3, {"train": 1, "test": 1}), "ucf101": (3, 4, {"train": 2, "test": 1}),
    "kth": (4, 4, {"train": 1, "val": 2, "test": 1}), "mhad": (2, 2, {"train": 1, "test": 1}),
}  # fmt: skip


def test_every_set_has_a_miniature_and_a_count(miniatures):
    assert set(FOUND) == set(miniatures) == set(DATASETS)


@pytest.mark.parametrize("name", DATASETS)
def test_a_set_is_read_as_it_is_published(name, miniatures):
    opened = open_dataset(name, miniatures[name])
    segments = list(opened)
    summary = summarise(opened)
    found, listed, splits = FOUND[name]
    assert (summary.found, summary.listed) == (found, listed) == (len(segments), opened.tally.listed)
    assert not splits or summary.splits == splits
    assert bool(summary.missed) == (found < listed)
    assert len({segment.name for segment in segments}) == found, "names tell segments apart"
    for segment in segments:
        assert segment.dataset == name and segment.split in SPLITS and segment.licence
        assert segment.path.exists() and (segment.sound is None or segment.sound.is_file())


@pytest.mark.parametrize("name", [name for name in DATASETS if name != "msrvtt"])
def test_nobody_is_in_two_splits(name, miniatures):
    assert summarise(open_dataset(name, miniatures[name])).shared == ()


def test_who_is_in_two_published_splits_is_told(miniatures):
    assert summarise(open_dataset("msrvtt", miniatures["msrvtt"])).shared == ("9lZi22qLlEo",)


@pytest.mark.parametrize("name", DATASETS)
def test_a_folder_of_something_else_is_refused_in_one_sentence(name, tmp_path):
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "readme.txt").write_text("none")
    with pytest.raises(InputError) as refused:
        summarise(open_dataset(name, tmp_path))
    assert str(tmp_path) in str(refused.value) and "\n" not in str(refused.value)


def test_a_set_or_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigError, match="there is no data set called 'hdft'; there are hdtf, voxceleb2, "):
        open_dataset("hdft", tmp_path)
    with pytest.raises(InputError, match="there is no folder .*gone; give that of HDTF, as it was downloaded"):
        open_dataset("hdtf", tmp_path / "gone")
    for text in ("hdtf", "=x", "hdtf="):
        with pytest.raises(ConfigError, match="data is given as NAME=PATH"):
            parse_place(text)


def test_a_drawn_split_is_stable_and_about_as_large_as_it_should_be():
    drawn = [draw_split("mead", f"M{number:03d}") for number in range(2000)]
    assert drawn == [draw_split("mead", f"M{number:03d}") for number in range(2000)]
    assert drawn.count("test") == pytest.approx(200, abs=45) and drawn.count("val") == pytest.approx(100, abs=35)
    assert draw_split("mead", "M003") == "train"  # written down: a change would mix people of older runs


def test_reading_is_lazy(miniatures, monkeypatch):
    first = next(iter(open_dataset("bair", miniatures["bair"])))
    assert first.member == "0"


def test_a_card_says_all_that_is_asked_of_it():
    for dataset in DATASETS.values():
        card = dataset.card
        assert all((card.title, card.about, card.size, card.access, card.licence, card.split)), card.name
        assert card.layout and card.traps and all(source.startswith("http") for source in card.sources), card.name
        assert not (card.commercial and "non-commercial" in card.licence.lower()), card.name
