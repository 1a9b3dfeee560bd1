import pytest

from facediff.datasets.published.files import beside, need, read_table, seconds, walk
from facediff.datasets.published.record import Tally
from facediff.errors import InputError


def test_clocks_are_seconds():
    assert [seconds(clock) for clock in ("00:01:02.500", "01:02", "62.5")] == [62.5, 62, 62.5]


def test_a_table_lacks_a_column_or_is_no_text(tmp_path):
    table = tmp_path / "a.csv"
    table.write_text("\ufeffName , Age\nx, 3 \n", encoding="utf-8")
    assert list(read_table(table, ("Name", "Age"))) == [{"Name": "x", "Age": "3"}]
    with pytest.raises(InputError, match=r"a\.csv has no column 'Sex'; it has Name, Age"):
        list(read_table(table, ("Sex",)))
    table.write_bytes(b"Name\n\xff\xfe\n")
    with pytest.raises(InputError, match=r"a\.csv is not a table in UTF-8"):
        list(read_table(table, ("Name",)))


def test_what_is_needed_and_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match="has no dev and no test; give the folder as it was downloaded"):
        need(tmp_path, "dev", "test")


def test_names_that_a_set_does_not_use_are_counted(tmp_path):
    (tmp_path / "a1.mp4").touch()
    (tmp_path / "._a1.mp4").touch()
    tally = Tally()
    assert [said for _, said in walk(tmp_path, "*.mp4", tally, r"(?P<name>a\d)\.mp4")] == [{"name": "a1"}]
    assert (tally.listed, tally.sentences) == (1, ["1 files have names that the set does not use, ._a1.mp4 the first"])
    assert beside(tmp_path, "b", "a1") == tmp_path / "a1.mp4"
