"""Where the files of jobs and of their windows lie."""

from __future__ import annotations

from pathlib import Path

from facediff.batch.jobs import Job
from facediff.batch.work_items import Identity, Part, WorkItem

JOB = Job(1, "talk", {}, {}, "people/anna.mp4")
IDENTITY = Identity("key", {}, "", {}, parts=3)


def item(part: Part | None) -> WorkItem:
    return WorkItem(JOB, IDENTITY, Path("work"), part)


def test_a_job_a_window_of_it_and_their_joining_never_meet_in_a_file_or_a_name() -> None:
    items = [item(None), *(item(Part(index, 3)) for index in range(3))]
    for what in ("name", "file", "note"):
        assert len({getattr(one, what) for one in items}) == 4


def test_windows_are_joined_into_the_file_of_the_job() -> None:
    joining = item(Part(None, 3))
    assert joining.file == item(None).file == Path("work/anna.mp4")
    assert joining.note == item(None).note == Path("work/outcome.json")
    assert joining.part.files(Path("work")) == [item(Part(index, 3)).file for index in range(3)]


def test_windows_sort_by_name_as_they_follow_one_another() -> None:
    files = Part(None, 12_000).files(Path())
    assert files == sorted(files)
