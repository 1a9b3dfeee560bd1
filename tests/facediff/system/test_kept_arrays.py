from __future__ import annotations

import numpy as np
import pytest

from facediff.system.kept_arrays import Kept, keep_in

PART = np.arange(6.0).reshape(2, 3)


class Work:
    """Makes other arrays each time, and counts."""

    def __init__(self) -> None:
        self.done = 0

    def __call__(self) -> dict[str, np.ndarray]:
        self.done += 1
        rng = np.random.default_rng(self.done)
        return {"one": rng.normal(size=(3, 2)).astype(np.float32), "other": rng.normal(size=4)}


def same(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> bool:
    return one.keys() == other.keys() and all(
        (one[k] == other[k]).all() and one[k].dtype == other[k].dtype for k in one
    )


def test_without_a_folder_nothing_is_kept() -> None:
    work, kept = Work(), Kept("a")
    assert not same(kept.recall("step", work), kept.recall("step", work)) and work.done == 2


def test_a_step_is_made_once_and_taken_up_again_to_the_bit(tmp_path) -> None:
    work = Work()
    with keep_in(tmp_path / "new" / "folder"):
        made = Kept("a", PART).recall("step", work)
        assert same(made, Kept("a", PART).recall("step", work)) and work.done == 1
        for other in (Kept("ab"), Kept("a", PART + 1), Kept("a", "b", "")):
            assert not same(made, other.recall("step", work))
        assert not same(made, Kept("a", PART).recall("other", work))
    assert work.done == 5
    assert not same(made, Kept("a", PART).recall("step", work)), "afterwards nothing is looked for"


@pytest.mark.parametrize("damage", [b"", b"no archive", None])
def test_what_is_not_whole_is_made_anew(tmp_path, damage) -> None:
    work = Work()
    with keep_in(tmp_path):
        Kept("a").recall("step", work)
        (path,) = tmp_path.iterdir()
        path.write_bytes(path.read_bytes()[:-20] if damage is None else damage)
        again = Kept("a").recall("step", work)
        assert work.done == 2 and same(again, Kept("a").recall("step", work)) and work.done == 2


def test_what_fails_leaves_nothing(tmp_path) -> None:
    def fail() -> dict[str, np.ndarray]:
        raise KeyboardInterrupt

    with keep_in(tmp_path), pytest.raises(KeyboardInterrupt):
        Kept("a").recall("step", fail)
    assert not list(tmp_path.iterdir())
