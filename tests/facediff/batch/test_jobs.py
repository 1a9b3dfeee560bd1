"""Files of jobs are read line by line, and nothing in them is trusted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from facediff.batch.jobs import Job, Task, check_name, read_jobs
from facediff.batch.options import Option
from facediff.errors import InputError
from facediff.options import Opt

SEED = Option("seed", int, 0, Opt("Of the numbers."))
TASKS = {
    "talk": Task(
        ("source", "speech"), {"seed": SEED, "model": Option("model", str, "base", Opt("Whose.", names_model=True))}
    ),
    "animate": Task(("source", "driving"), {"seed": SEED}),
}


@pytest.fixture(autouse=True)
def files(tmp_path) -> None:
    for name in ("anna.png", "bob.png", "hi.wav", "ho.wav", "nod.mp4", "x/anna.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()


def read(folder: Path, *lines: object, name: str = "jobs.jsonl") -> list[Job]:
    text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    (folder / name).write_text(text, encoding="utf-8", errors="surrogatepass")
    return read_jobs(folder / name, TASKS, folder / "out")


def talk(source: object = "anna.png", speech: object = "hi.wav", **fields) -> dict:
    return {"task": "talk", "source": source, "speech": speech, **fields}


def refused(folder: Path, *lines: object, name: str = "jobs.jsonl") -> str:
    with pytest.raises(InputError) as caught:
        read(folder, *lines, name=name)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def outputs(jobs: list[Job]) -> list[str]:
    return [job.output for job in jobs]


def test_a_job_has_paths_all_options_and_a_name(tmp_path):
    first, second = read(tmp_path, talk(seed=7), "", {"task": "animate", "source": "bob.png", "driving": "nod.mp4"})
    assert first == Job(
        1, "talk", {"source": tmp_path / "anna.png", "speech": tmp_path / "hi.wav"}, {"seed": 7, "model": "base"},
        "anna-hi.mp4",
    )  # fmt: skip
    assert (second.line, second.output, second.options) == (3, "bob-nod.mp4", {"seed": 0})


def test_a_table_says_the_same(tmp_path):
    lines = ("task,source,speech,driving,seed,output", "talk,anna.png,hi.wav,,7,", "animate,bob.png,,nod.mp4,,b")
    jobs = read(tmp_path, *lines, name="jobs.csv")
    assert jobs[0] == read(tmp_path, "", talk(seed=7))[0]
    assert jobs[1].output == "b.mp4" and jobs[1].line == 3


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-8"])
@pytest.mark.parametrize("separator", [";", "\t", ","])
def test_a_table_is_read_as_excel_writes_it_anywhere(tmp_path, separator, encoding):
    rows = (("task", "source", "speech", "output"), ("talk", "ännä.png", "hi.wav", "a, b.mp4"))
    text = "".join(separator.join(f'"{c}"' if separator in c else c for c in row) + "\r\n" for row in rows)
    (tmp_path / "jobs.csv").write_bytes(text.encode(encoding))
    job = read_jobs(tmp_path / "jobs.csv", TASKS, tmp_path / "out")[0]
    assert (job.line, job.output, job.inputs["source"]) == (2, "a, b.mp4", tmp_path / "ännä.png")


def test_a_table_may_name_its_separator_and_end_in_empty_columns(tmp_path):
    lines = ("sep=;", "source;speech;task;;", "anna.png;hi.wav;talk;;", "bob.png;hi.wav;talk;;too much")
    assert "line 4: talk has no field ''" in refused(tmp_path, *lines, name="jobs.csv")
    assert [(job.line, job.output) for job in read(tmp_path, *lines[:3], name="jobs.csv")] == [(3, "anna-hi.mp4")]


def test_patterns_become_jobs_in_order(tmp_path):
    assert outputs(read(tmp_path, talk("*.png", "h?.wav"))) == [
        "anna-hi.mp4", "anna-ho.mp4", "bob-hi.mp4", "bob-ho.mp4",
    ]  # fmt: skip
    assert outputs(read(tmp_path, talk("**/anna.png"))) == ["anna-hi.mp4", "anna-hi-2.mp4"]
    (tmp_path / "[1].png").touch()
    assert outputs(read(tmp_path, talk("[1].png"))) == ["[1]-hi.mp4"]


def test_results_are_not_taken_for_inputs(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "contact-sheet.png").touch()
    assert len(read(tmp_path, talk("**/*.png"))) == 3
    assert "lies in the output folder" in refused(tmp_path, talk("out/contact-sheet.png"))
    (tmp_path / "link.png").symlink_to(tmp_path / "out" / "contact-sheet.png")
    assert "lies in the output folder" in refused(tmp_path, talk("link.png"))


def test_what_matches_nothing_stays_to_be_reported(tmp_path):
    assert read(tmp_path, talk("*.tiff"))[0].inputs["source"] == tmp_path / "*.tiff"


def test_names_are_each_its_own(tmp_path):
    jobs = read(tmp_path, talk(), talk(seed=1), talk(seed=2, output="Anna-hi-2"), talk())
    assert outputs(jobs) == ["anna-hi.mp4", "anna-hi-3.mp4", "Anna-hi-2.mp4"]
    assert "line 2: a.mp4 is the result of line 1 already" in refused(
        tmp_path, talk(output="A.mp4"), talk(output="a.mp4")
    )
    assert "match several files" in refused(tmp_path, talk("*.png", output="one.mp4"))


def test_a_folder_of_a_model_is_relative_to_the_jobs(tmp_path):
    (tmp_path / "x" / "mine").mkdir()
    jobs = read(tmp_path, talk(model="x/mine"), talk(model="base"), talk(model="org/name"))
    assert [job.options["model"] for job in jobs] == [str(tmp_path / "x" / "mine"), "base", "org/name"]


@pytest.mark.parametrize(
    "name",
    ["../a.mp4", "a/../../b.mp4", "/tmp/a.mp4", "a//b", "./a", ".hidden.mp4", "x/.facediff-work/a", "", "a\\b", "C:a",
     "a\n.mp4", "a\0b", "\ud800", "n" * 300, "/".join("abcdefghi"), "a.exe", "a\u202eb.mp4"],
)  # fmt: skip
def test_names_cannot_leave_the_folder_or_hide(name):
    with pytest.raises(InputError, match="output '"):
        check_name(name)


@pytest.mark.parametrize(("name", "taken"), [("a", "a.mp4"), ("x/é 1.MKV", "x/é 1.MKV"), ("a.mov", "a.mov")])
def test_other_names_are_taken(name, taken):
    assert check_name(name) == taken


def test_names_made_of_stems_are_plain(tmp_path):
    (tmp_path / (".\n" + "ß" * 90 + ".png")).touch()
    assert check_name(read(tmp_path, talk(".\n" + "ß" * 90 + ".png"))[0].output)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (talk(speed=1), "line 2: talk has no field 'speed'; it takes source, speech, output, seed, model"),
        (talk(driving="nod.mp4"), "talk has no field 'driving'"),
        (talk(seed="1"), "seed is a whole number, not '1'"),
        (talk(output=1), "output is text, not '1'"),
        (talk(output="../a"), "must be a name inside the output folder"),
        (talk(source=None), "there is no field 'source'"),
        (talk(source=3), "source is the path of a file"),
        (talk(source="a\0b"), "source is the path of a file"),
        ('{"task": "talk", "source": "\\ud800*", "speech": "hi.wav"}', "no file can have such a name"),
        ({"task": "sing"}, "there is no task 'sing'; it is one of talk, animate"),
        ({"source": "anna.png"}, "there is no field 'task'"),
        ('{"task": "talk", "task": "talk"}', "a field is given twice"),
        ("[1]", "a job is an object"),
        ("{", "it is not JSON"),
        ("[" * 100_000, "it is not JSON"),
    ],
)
def test_lines_that_are_no_jobs_are_named(tmp_path, line, said):
    told = refused(tmp_path, talk(), line)
    assert "jobs.jsonl, line 2: " in told and said in told and len(told) < 500


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (("task,source,speech", "talk,anna.png,hi.wav,7"), "line 2: there are more cells than columns"),
        (("task,source,speech,seed", "talk,anna.png,hi.wav,x"), "line 2: seed is a whole number, not 'x'"),
        (("task,task", "talk,talk"), "line 1: a column is given twice"),
        (("task,source", 'talk,"anna'), "it is not CSV"),
        (("task,source,speech",), "holds no job"),
    ],
)
def test_lines_of_tables_too(tmp_path, lines, said):
    assert said in refused(tmp_path, *lines, name="jobs.csv")


def test_files_that_are_no_jobs_are_named(tmp_path):
    assert "holds no job" in refused(tmp_path, "", " ")
    assert "must end in one of .jsonl" in refused(tmp_path, name="jobs.txt")
    with pytest.raises(InputError, match="there is no file of jobs"):
        read_jobs(tmp_path / "none.csv", TASKS, tmp_path / "out")
    for content in (b"task;source\r\ntalk;\xe4nne.png", b"\xff\xfet"):  # Latin-1, and half a letter of UTF-16
        (tmp_path / "jobs.csv").write_bytes(content)
        with pytest.raises(InputError, match="not text in UTF-8 or in UTF-16"):
            read_jobs(tmp_path / "jobs.csv", TASKS, tmp_path / "out")


def test_a_flood_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("facediff.batch.jobs.MAX_JOBS", 3)
    assert "more than 3 clips" in refused(tmp_path, talk("*.png", "h?.wav"))


def test_a_text_takes_the_place_of_a_speech_and_files_of_parts_are_relative_to_the_jobs(tmp_path):
    from facediff.batch.tasks import tasks

    lines = [
        {"task": "talk", "source": "anna.png", "say": "Hello", "head_from": "nod.mp4=0.5@1s-2s"},
        {
            "task": "talk",
            "source": "anna.png",
            "speech": "hi.wav",
            "performance": '{"lids": "nod.mp4"}',
            "keyframes": "wishes.json",
        },
    ]
    (tmp_path / "jobs.jsonl").write_text("\n".join(map(json.dumps, lines)))
    said, heard = read_jobs(tmp_path / "jobs.jsonl", tasks(), tmp_path / "out")
    assert said.inputs == {"source": tmp_path / "anna.png"} and said.output == "anna.mp4"
    assert said.options["head_from"] == f"{tmp_path / 'nod.mp4'}=0.5@1s-2s"
    assert json.loads(heard.options["performance"])["lids"]["source"] == str(tmp_path / "nod.mp4")
    assert heard.options["keyframes"] == str(tmp_path / "wishes.json") and said.options["keyframes"] is None
    for line, why in (
        ({"task": "talk", "source": "anna.png"}, "there is no field 'speech'"),
        ({"task": "talk", "source": "anna.png", "say": "Hi", "head_from": "nod.mp4@2s-1s"}, "begins before it ends"),
    ):
        (tmp_path / "jobs.jsonl").write_text(json.dumps(line))
        with pytest.raises(InputError, match=why):
            read_jobs(tmp_path / "jobs.jsonl", tasks(), tmp_path / "out")


def test_transparent_results_are_of_kinds_that_hold_it():
    assert check_name("a", is_transparent=True) == "a.webm" and check_name("a.mov", is_transparent=True) == "a.mov"
    with pytest.raises(InputError, match="must end in one of .webm, .mov"):
        check_name("a.mp4", is_transparent=True)
    with pytest.raises(InputError, match="background=transparent"):
        check_name("a.webm")


def test_backgrounds_and_speakers_are_relative_to_the_jobs_and_no_speech_is_needed_then(tmp_path):
    from facediff.batch.tasks import tasks

    jobs = tmp_path / "jobs.jsonl"
    told = {"task": "talk", "source": "a.png", "background": "office.jpg", "speakers": "left=a.wav, right=b.wav"}
    jobs.write_text("\n".join(json.dumps({**told, **more}) for more in ({}, {"background": "transparent"})))
    first, second = read_jobs(jobs, tasks(), tmp_path / "out")
    assert first.options["background"] == str(tmp_path / "office.jpg") and "speech" not in first.inputs
    assert first.options["speakers"] == f"left={tmp_path / 'a.wav'}, right={tmp_path / 'b.wav'}"
    assert (first.output, second.output) == ("a.mp4", "a.webm")
