from __future__ import annotations

import pytest

from facediff.errors import InputError, NoFaceFound
from facediff.evaluation.cases import Case, Item, Kit

from .conftest import write_copy


def test_what_is_found_is_found_once_and_so_is_a_refusal(footage, kit) -> None:
    case, asked = Case(Item(made=footage / "talk.mp4"), kit), []

    def refuse(_) -> None:
        asked.append(1)
        raise InputError("no")

    for _ in range(2):
        with pytest.raises(InputError, match="no"):
            case.once(refuse)
    assert len(asked) == 1
    assert case.track is case.track and case.length == 72


def test_a_film_without_a_face_has_a_length_and_no_track(footage) -> None:
    case = Case(Item(made=footage / "coffee.mp4"))
    assert case.length > 0
    with pytest.raises(NoFaceFound, match="coffee.mp4"):
        _ = case.track


def test_samples_of_one_truth_share_it(footage, spoilt) -> None:
    kit = Kit()
    one, other = (
        Case(Item(made=spoilt[name], truth=footage / "talk.mp4", speech=footage / "talk.mp4"), kit)
        for name in ("plain", "soft")
    )
    assert one.truth is other.truth
    assert one.truth.wave is not None and one.truth.truth is None


def test_a_truth_of_another_rate_is_not_compared_frame_by_frame(footage, spoilt, tmp_path) -> None:
    fast = write_copy(tmp_path / "fast.mp4", list(Case(Item(made=spoilt["plain"])).reader)[:4], fps=30)
    with pytest.raises(InputError, match=r"fast\.mp4 has 30 frames a second and its truth, .*plain\.mp4, 25,"):
        Case(Item(made=fast, truth=spoilt["plain"])).against()
