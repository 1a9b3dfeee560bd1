from __future__ import annotations

import numpy as np
import pytest

from facediff.errors import MediaError
from facediff.evaluation.feature_cache import FeatureCache, content_hash


@pytest.fixture
def made(tmp_path):
    """A file, and what finds something about it and counts how often it is asked."""
    path, asked = tmp_path / "film.mp4", []
    path.write_bytes(b"frames")

    def find():
        asked.append(1)
        return {"a": np.arange(3), "b": np.eye(2, dtype=np.float32)}

    return path, find, asked


def test_what_was_found_is_kept_by_content_and_not_by_name(made, tmp_path) -> None:
    path, find, asked = made
    cache = FeatureCache(tmp_path / "kept")
    first = cache.arrays(path, "track", find)
    moved = path.rename(tmp_path / "other.mp4")
    again = FeatureCache(tmp_path / "kept").arrays(moved, "track", find)
    assert len(asked) == 1
    np.testing.assert_array_equal(first["b"], again["b"])
    moved.write_bytes(b"other frames")
    cache.arrays(moved, "track", find)
    cache.arrays(moved, "mouths", find)
    assert len(asked) == 3


def test_a_torn_file_is_found_anew_and_without_a_folder_nothing_is_kept(made, tmp_path) -> None:
    path, find, asked = made
    cache = FeatureCache(tmp_path / "kept")
    cache.arrays(path, "track", find)
    (kept,) = (tmp_path / "kept").rglob("*.npz")
    kept.write_bytes(kept.read_bytes()[:50])
    assert cache.arrays(path, "track", find)["a"].tolist() == [0, 1, 2] and len(asked) == 2
    FeatureCache(None).arrays(path, "track", find)
    assert len(asked) == 3


def test_a_folder_that_cannot_be_written_costs_no_figure(made, tmp_path) -> None:
    path, find, _ = made
    (tmp_path / "blocked").write_text("a file")
    assert FeatureCache(tmp_path / "blocked").arrays(path, "track", find)["a"].tolist() == [0, 1, 2]


def test_a_file_that_is_not_there_has_no_hash(tmp_path) -> None:
    with pytest.raises(MediaError, match="cannot be read"):
        content_hash(tmp_path / "nothing.mp4")
