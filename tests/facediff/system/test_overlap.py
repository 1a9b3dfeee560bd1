"""Blocks of which the first one begins something, and the last one ends it."""

from __future__ import annotations

import pytest

from facediff.system.overlap import Overlap


def test_the_first_block_begins_and_the_last_one_ends_it_with_what_was_kept() -> None:
    overlap: Overlap[str] = Overlap()
    said: list[str] = []

    def hold(name: str):
        return overlap.hold(lambda: said.append(f"begin {name}") or name, lambda kept: said.append(f"end {kept}"))

    one, other = hold("one"), hold("other")
    one.__enter__()
    other.__enter__()
    one.__exit__(None, None, None)
    assert said == ["begin one"]
    other.__exit__(None, None, None)
    assert said == ["begin one", "end one"]
    with hold("third"):
        assert said[-1] == "begin third"


def test_what_cannot_begin_is_not_held() -> None:
    overlap: Overlap[None] = Overlap()

    def fail() -> None:
        raise ValueError

    with pytest.raises(ValueError), overlap.hold(fail, lambda _: pytest.fail("it never began")):
        pass
    begun: list[bool] = []
    with overlap.hold(lambda: begun.append(True), lambda _: begun.append(False)):
        assert begun == [True]
    assert begun == [True, False]
