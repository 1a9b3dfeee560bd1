def test_davis_has_masks_where_they_are(read):
    assert "masks" in read("davis")["bear"].labels and "masks" not in read("davis")["camel"].labels


def test_a_drive_of_cityscapes_is_as_many_snippets_as_it_has_runs_of_thirty(read):
    snippets = read("cityscapes")
    assert list(snippets) == ["aachen_000000_000000", "lindau_000000_000000", "lindau_000000_000100"]
    assert len(snippets["lindau_000000_000100"].frames) == 30
    assert snippets["lindau_000000_000100"].frames[0].endswith("_000100_leftImg8bit.png")


def test_films_of_landscape_and_sky_are_kept_together(read):
    clips = read("landscape")
    assert clips["train/fire/abc_0"].identity == clips["train/fire/abc_1"].identity == "abc"
    assert clips["train/fire/abc_0"].labels == {"scene": "fire"}
    assert {clip.identity for clip in read("sky").values()} == {"07QfM5qX2h8", "2KikwLp-PUI"}


def test_catergen_has_both_sentences(read):
    assert read("catergen")["CATER_new_000001"].text == ("the cone is ambiguous.", "the cone is explicit.")
