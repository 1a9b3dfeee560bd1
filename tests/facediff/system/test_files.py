import os

import pytest

from facediff.errors import OutputError
from facediff.system.files import as_text, atomic_write


def test_a_file_takes_its_name_when_it_is_whole(tmp_path) -> None:
    target = tmp_path / "new" / "a.txt"
    with atomic_write(target) as partial:
        partial.write_text("whole")
        assert not target.exists() and partial.suffix == ".txt" and partial.name.startswith(".")
    assert target.read_text() == "whole" and len(list(target.parent.iterdir())) == 1


def test_what_fails_leaves_what_was_there(tmp_path) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(RuntimeError), atomic_write(target) as partial:
        partial.write_text("half")
        raise RuntimeError
    assert target.read_text() == "old" and [p.name for p in tmp_path.iterdir()] == ["a.txt"]
    with pytest.raises(OutputError, match="cannot be written: "), atomic_write(target / "b.txt"):
        pass


def test_a_link_stays_and_what_it_points_to_is_written(tmp_path) -> None:
    link, target = tmp_path / "link.txt", tmp_path / "disk" / "film.dat"
    for written in ("first", "second"):  # what is not there yet is made
        link.unlink(missing_ok=True)
        link.symlink_to("disk/film.dat")
        with atomic_write(link) as partial:
            assert partial.parent == target.parent and partial.suffix == ".txt"
            partial.write_text(written)
        assert link.is_symlink() and target.read_text() == written and not target.is_symlink()
    assert [p.name for p in target.parent.iterdir()] == ["film.dat"]


def test_links_in_a_circle_are_named(tmp_path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(OutputError, match="a link that leads back to itself"), atomic_write(tmp_path / "a"):
        pass


def test_names_are_text_whatever_bytes_they_are() -> None:
    assert as_text("grüße名.mp4") == "grüße名.mp4"
    assert as_text(os.fsdecode(b"caf\xe9.mp4")) == "caf\ufffd.mp4"  # of Latin-1, on a system of UTF-8
