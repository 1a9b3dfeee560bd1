import pytest
import torch

from facediff.conditioning.captions import CaptionEncoder, split_words


@pytest.fixture
def encoder() -> CaptionEncoder:
    """Each word moves tokens along an axis of its own."""
    made = CaptionEncoder(["old", "man", "smiling"], dim=3)
    torch.nn.init.eye_(made.words)
    return made


@pytest.mark.parametrize(
    ("caption", "words"),
    [
        ("An OLD man, smiling.", ["an", "old", "man", "smiling"]),
        ("Ärger über 3 Äpfel_im Korb", ["ärger", "über", "äpfel", "im", "korb"]),
        ("  \n?! 12", []),
        ("", []),
    ],
)
def test_words_are_letters_in_a_row_without_their_case(caption, words) -> None:
    assert split_words(caption) == words


def test_unknown_words_are_passed_over(encoder) -> None:
    assert encoder.find_known("A man who is not smiling") == ["man", "smiling"]
    assert torch.equal(encoder.bag(["A man who is not smiling"]), encoder.bag(["smiling MAN"]))
    assert encoder.find_known("nothing of this") == []
    assert not encoder(encoder.bag(["nothing of this", ""])).any()


def test_each_clip_is_moved_by_its_own_words_each_of_which_counts_once(encoder) -> None:
    bag = encoder.bag(caption for caption in ("old old man", "smiling"))
    assert bag.tolist() == [[1, 1, 0], [0, 0, 1]]
    moved = encoder(bag)
    assert moved.shape == (2, 1, 3)
    assert moved[:, 0].tolist() == [[1, 1, 0], [0, 0, 1]]


def test_at_first_no_word_has_an_effect_but_all_learn_from_the_first_step_on() -> None:
    fresh = CaptionEncoder(["old", "man"], dim=4)
    moved = fresh(fresh.bag(["old", "man"]))
    assert not moved.any()
    moved.sum().backward()
    assert (fresh.words.grad == 1).all()


@pytest.mark.parametrize("vocabulary", [["old", "man"], []])
def test_it_is_kept_and_comes_back(vocabulary, tmp_path) -> None:
    encoder = CaptionEncoder(vocabulary)
    torch.nn.init.normal_(encoder.words)
    encoder.save_pretrained(tmp_path)
    again = CaptionEncoder.from_pretrained(tmp_path)
    assert again.find_known("an old man") == [word for word in ("old", "man") if word in vocabulary]
    bag = again.bag(["man"])
    assert again(bag).shape == (1, 1, 128)
    torch.testing.assert_close(again(bag), encoder(encoder.bag(["man"])))
