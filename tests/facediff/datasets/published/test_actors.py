from facediff.datasets.published.catalog import open_dataset, summarise


def test_mead_has_sound_apart_and_labels_in_its_folders(read):
    clip = read("mead")["M003/front/angry/1/001"]
    assert clip.sound.suffix == ".m4a"
    assert (clip.identity, clip.labels) == ("M003", {"view": "front", "emotion": "angry", "level": "1"})


def test_cremad_says_what_git_lfs_did_not_fetch(read, miniatures):
    clip = read("cremad")["1001_DFA_ANG_XX"]
    assert (clip.text, clip.labels["emotion"], clip.labels["age"]) == (("Don't forget a jacket",), "anger", "51")
    assert clip.sound.suffix == ".wav" and clip.commercial
    (missed,) = summarise(open_dataset("cremad", miniatures["cremad"])).missed
    assert "git lfs pull" in missed and "1003_IEO_HAP_LO.flv" in missed


def test_ravdess_takes_that_begin_with_02_are_silent(read):
    heard, silent = read("ravdess").values()
    if heard.sound is None:
        heard, silent = silent, heard
    assert heard.labels == {"emotion": "happy", "level": "strong", "channel": "speech", "sex": "male"}
    assert silent.sound is None and silent.labels["sex"] == "female"
    assert silent.text == ("Dogs are sitting by the door",)
