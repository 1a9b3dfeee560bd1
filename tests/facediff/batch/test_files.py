"""Files are there whole or not at all."""

from __future__ import annotations

import hashlib

import pytest

from facediff.batch.files import flush, holds, sha256, write_whole


def test_hashes(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"x" * 3_000_000)
    flush(path)
    assert sha256(path) == hashlib.sha256(b"x" * 3_000_000).hexdigest()
    assert holds(path, sha256(path)) and not holds(path, "0") and not holds(path, None)
    (tmp_path / "link").symlink_to(path)
    assert not holds(tmp_path / "link", sha256(path)) and not holds(tmp_path / "none", sha256(path))


def test_texts_are_whole(tmp_path):
    write_whole(tmp_path / "a", "old")
    with pytest.raises(UnicodeEncodeError):
        write_whole(tmp_path / "a", "new\ud800")
    assert (tmp_path / "a").read_text() == "old" and len(list(tmp_path.iterdir())) == 1
