import pytest

from facediff.errors import OutputError
from facediff.system.files import atomic_write


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
