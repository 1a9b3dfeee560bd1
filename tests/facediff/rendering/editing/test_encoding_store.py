from __future__ import annotations

import logging
import os
import sqlite3
from pathlib import Path

import numpy as np
import pytest

from facediff.rendering.editing.encoding_store import EncodingStore, encoding_path, prune

SHAPE = (2, 3, 4)


def codes(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return tuple(rng.normal(size=SHAPE).astype(np.float16) for _ in range(2))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "encodings" / "one.sqlite"


def test_what_was_written_is_read_again_by_another(path: Path) -> None:
    store = EncodingStore(path, SHAPE)
    store.write({3: codes(3), 7: codes(7)})
    store.identity = np.arange(5, dtype=np.float32)
    again = EncodingStore(path, SHAPE)
    found = again.read([2, 3, 7])
    assert sorted(found) == [3, 7]
    for index in (3, 7):
        np.testing.assert_array_equal(found[index], codes(index))
    np.testing.assert_array_equal(again.identity, np.arange(5))


def test_an_empty_one_knows_nothing(path: Path) -> None:
    store = EncodingStore(path, SHAPE)
    assert store.identity is None and store.read([0, 1]) == {}


def test_a_damaged_file_begins_anew(path: Path) -> None:
    EncodingStore(path, SHAPE).write({3: codes(3)})
    path.write_bytes(b"this is no database" * 400)
    store = EncodingStore(path, SHAPE)
    assert store.read([3]) == {}
    store.write({3: codes(3)})
    assert list(store.read([3])) == [3]


def test_codes_of_another_shape_are_not_taken(path: Path) -> None:
    EncodingStore(path, SHAPE).write({3: codes(3)})
    assert EncodingStore(path, (2, 3, 5)).read([3]) == {}


def test_an_edit_goes_on_where_nothing_can_be_kept(path: Path, monkeypatch, caplog) -> None:
    store = EncodingStore(path, SHAPE)

    def full(*_args, **_options):
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(sqlite3, "connect", full)
    with caplog.at_level(logging.WARNING):
        store.write({3: codes(3)})
    assert "disk is full" in caplog.text
    assert store.read([3]) == {}


def test_a_folder_that_cannot_be_made_keeps_nothing(tmp_path: Path, caplog) -> None:
    (tmp_path / "file").write_text("in the way")
    store = EncodingStore(tmp_path / "file" / "one.sqlite", SHAPE)
    store.write({3: codes(3)})
    assert store.read([3]) == {} and store.identity is None
    assert "not kept" in caplog.text


def test_the_encodings_used_longest_ago_are_dropped(tmp_path: Path) -> None:
    paths = [tmp_path / f"{name}.sqlite" for name in "abc"]
    for age, path in enumerate(paths):
        path.write_bytes(b"x" * 100)
        os.utime(path, (1000 - age, 1000 - age))
    prune(paths[2], most=150)
    assert [path.exists() for path in paths] == [True, False, True]  # c is in use, whatever its age


def test_encodings_are_known_by_all_they_depend_on() -> None:
    assert encoding_path("a", 1) == encoding_path("a", 1)
    assert len({encoding_path("a", 1), encoding_path("a", 2), encoding_path("b", 1)}) == 3
    assert str(encoding_path("a")).startswith(os.environ["XDG_CACHE_HOME"])
