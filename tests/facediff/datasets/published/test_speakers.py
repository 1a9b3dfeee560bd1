from facediff.datasets.published.catalog import open_dataset, summarise


def test_voxceleb2_goes_by_its_table_whose_names_end_in_blanks(read):
    clips = read("voxceleb2")
    dev, test = clips["id00012/21Uxsk56VDQ/00001"], clips["id00017/0cZ/00003"]
    assert (dev.split, dev.labels["gender"], dev.sound.suffix) == ("train", "m", ".m4a")
    assert (test.split, test.sound) == ("test", test.path), "unpacked without its folder, and without sound apart"


def test_lrs2_does_not_say_who_speaks_and_lists_what_is_not_there(read, miniatures):
    clips = read("lrs2")
    assert {clip.identity for clip in clips.values()} == {None}
    assert clips["main/5535415699068794046/00001"].text == ("WHEN YOU'RE COOKING",)
    assert "6330311066473698535/00099" in summarise(open_dataset("lrs2", miniatures["lrs2"])).missed[0]


def test_lrs3_texts_and_videos(read):
    clip = read("lrs3")["test/0Fi83BHQsMA/00002"]
    assert (clip.text, clip.labels["video"], clip.identity) == (("IT IS",), "0Fi83BHQsMA", "0Fi83BHQsMA")


def test_avspeech_has_no_names_of_columns(read):
    clips = read("avspeech")
    assert clips["0BHPxT4BR4Y_90.000000_94.080000"].is_whole
    whole = clips["wholeVideo1_0.200000_0.600000"]
    assert (whole.start, whole.end, whole.labels) == (0.2, 0.6, {"x": "0.4", "y": "0.4"})


def test_grid_is_films_or_frames_with_sound_apart(read):
    clips = read("grid")
    film, frames = clips["s1/bbaf2n"], clips["s3/lbwy5a"]
    assert (film.split, film.text, film.labels) == ("test", ("bin blue",), {"speech_start": "1", "speech_end": "2"})
    assert frames.path.is_dir() and frames.sound.name == "lbwy5a.wav" and frames.split == "train"
