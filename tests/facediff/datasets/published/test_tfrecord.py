import pytest

from facediff.datasets.published.tfrecord import count_records, read_pictures
from facediff.errors import InputError

from .miniatures import record


def test_records_are_counted_and_pictures_taken_in_order(tmp_path):
    path = tmp_path / "a.tfrecords"
    path.write_bytes(record({"0/x": b"\1" * 12}) + record({"0/x": b"\2" * 12, "1/x": b"\3" * 12, "other": b"\0" * 300}))
    assert count_records(path) == 2
    assert [int(picture[0, 0, 0]) for picture in read_pictures(path, 1, "{}/x", (2, 2))] == [2, 3]


@pytest.mark.parametrize(
    ("number", "pattern", "size", "said"),
    [
        (2, "{}/x", (2, 2), "has no record 2"),
        (0, "{}/y", (2, 2), "has no pictures called 0/y"),
        (0, "{}/x", (3, 2), "is not 3x2"),
    ],
)
def test_what_is_not_in_a_record_is_named(number, pattern, size, said, tmp_path):
    path = tmp_path / "a.tfrecords"
    path.write_bytes(record({"0/x": b"\1" * 12}))
    with pytest.raises(InputError, match=said):
        list(read_pictures(path, number, pattern, size))


def test_a_file_that_is_cut_off_is_named(tmp_path):
    path = tmp_path / "a.tfrecords"
    path.write_bytes(record({"0/x": b"\1" * 12})[:-5])
    with pytest.raises(InputError, match="ends in the middle of a record; fetch it again"):
        count_records(path)
