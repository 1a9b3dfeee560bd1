"""Entries outlive the process, whatever ends it; what is no entry is left out."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import pytest

from facediff.batch.manifest import NAME, Entry, Manifest, opened
from facediff.errors import ConfigError, OutputError

DONE = Entry(
    output="a.mp4", status="done", reason=None, key="k", sha256="ab", task="talk", line=1,
    inputs={"source": {"path": "a.png", "sha256": "cd"}}, options={"seed": 1, "fps": None}, seed=1,
    weights_sha256="ef", versions={"facediff": "0.1.0"}, size_bytes=9, frames=2, seconds={"total": 0.5}, host="h",
    finished="2026-01-01T00:00:00+00:00",
)  # fmt: skip
FAILED = replace(DONE, output="b.mp4", status="failed", reason="no face", sha256=None)


def test_entries_come_back_and_the_last_one_counts(tmp_path):
    with opened(tmp_path / "new") as manifest:
        for entry in (DONE, FAILED, replace(DONE, output="b.mp4")):
            manifest.append(entry)
    again = Manifest(tmp_path / "new").entries
    assert again == {"a.mp4": DONE, "b.mp4": replace(DONE, output="b.mp4")}
    assert again["a.mp4"].is_done and not FAILED.is_done


def test_a_torn_line_is_left_out_and_what_follows_is_kept(tmp_path):
    line = json.dumps(asdict(FAILED))
    for cut in (1, len(line) // 2, len(line) - 1):
        (tmp_path / NAME).write_text(f"{json.dumps(asdict(DONE))}\n{line[:cut]}")
        manifest = Manifest(tmp_path)
        assert list(manifest.entries) == ["a.mp4"]
        manifest.append(replace(FAILED, output="c.mp4"))
        assert list(Manifest(tmp_path).entries) == ["a.mp4", "c.mp4"]


@pytest.mark.parametrize(
    "change", [{"status": "perhaps"}, {"output": 3}, {"key": 1}, {"options": []}, {"frames": "2"}, {"more": 1}]
)
def test_what_is_no_entry_is_left_out(tmp_path, change):
    (tmp_path / NAME).write_text(f"{json.dumps({**asdict(DONE), **change})}\n[]\n{'[' * 99999}\n1\n\x00\n")
    assert Manifest(tmp_path).entries == {}


def test_it_is_written_anew_in_order_with_one_line_each(tmp_path):
    manifest = Manifest(tmp_path)
    for entry in (DONE, FAILED, replace(DONE, line=7)):
        manifest.append(entry)
    lines = manifest.lines(["b.mp4", "none.mp4"]).splitlines()
    assert [Entry.from_json(line) for line in lines] == [FAILED, replace(DONE, line=7)]


def test_a_folder_has_one_run_at_a_time(tmp_path):
    with opened(tmp_path), pytest.raises(ConfigError, match="another run writes to"), opened(tmp_path):
        pass
    with opened(tmp_path):
        pass


def test_it_is_no_way_out_of_the_folder(tmp_path):
    (tmp_path / "victim").write_text("precious")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / NAME).symlink_to(tmp_path / "victim")
    with pytest.raises(OutputError, match="is a symbolic link"):
        Manifest(tmp_path / "out")
    with pytest.raises(OutputError, match="cannot be written to"), opened(tmp_path / "victim"):
        pass
