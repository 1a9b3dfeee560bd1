"""facediff batch, as a user runs it: exit codes, kills, and the same clips whatever happened on the way."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import wave
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut, coffee
from typer.testing import CliRunner

import facediff
from facediff.audio.wave import load_wave
from facediff.cli import app
from facediff.media import VideoReader, read_image
from facediff.motion import coefficients
from facediff.motion.template import MotionTemplate

ROOT = Path(facediff.__file__).parents[1]
HELLO = Path(facediff.__file__).parent / "samples" / "hello.flac"
QUICK = {"steps": 1, "device": "cpu"}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> Path:
    """Portraits, sounds of 0.3 s, a motion of two frames, and things that are none of these."""
    monkeypatch.chdir(tmp_path)
    face = Image.fromarray(astronaut()).resize((256, 256))
    face.save("anna.png")
    face.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save("bob.png")
    Image.fromarray(coffee()).resize((200, 200)).save("cup.png")
    Path("broken.png").write_bytes(b"garbage")
    for name, start in (("hi", 8000), ("ho", 10000)):
        with wave.open(f"{name}.wav", "wb") as file:
            file.setparams((1, 2, 16000, 0, "NONE", ""))
            file.writeframes((load_wave(HELLO)[start : start + 4800] * 32767).astype("<i2").tobytes())
    rows = np.zeros((2, coefficients.DIMENSIONS), np.float32)
    rows[:, coefficients.ANGLES] = 3
    MotionTemplate(rows, np.ones(2, bool), np.eye(3, dtype=np.float32), coefficients.MOTION_FPS).save(
        Path("nod.safetensors")
    )
    before = signal.getsignal(signal.SIGTERM)
    yield tmp_path
    signal.signal(signal.SIGTERM, before)


def write(*jobs: dict) -> None:
    Path("jobs.jsonl").write_text("\n".join(json.dumps({**QUICK, **job}) for job in jobs))


def talk(source: str = "anna.png", speech: str = "hi.wav", **options) -> dict:
    return {"task": "talk", "source": source, "speech": speech, "fps": 5, **options}


def run(*arguments: str):
    return CliRunner().invoke(app, ["batch", "jobs.jsonl", *arguments], env={"COLUMNS": "200"})


def start(output: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "facediff", "batch", "jobs.jsonl", "-o", output, "--workers", "2", "--window", "2"],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip


def entries(output: str) -> dict[str, dict]:
    """Those of whole lines."""
    path = Path(output, "manifest.jsonl")
    lines = path.read_text().splitlines(keepends=True) if path.exists() else []
    return {entry["output"]: entry for entry in (json.loads(line) for line in lines if line.endswith("\n"))}


@pytest.mark.parametrize(
    ("jobs", "arguments", "said"),
    [
        ([], (), "holds no job"),
        ([talk(), talk(speed=1)], (), "jobs.jsonl, line 2: talk has no field 'speed'"),
        ([talk(output="../a")], (), "must be a name inside the output folder"),
        ([talk(seed="x")], (), "seed is a whole number from 0 to 2**63 - 1, not 'x'"),
        ([talk()], ("--address", "h:1"), "give --engine ray too"),
    ],
)
def test_what_cannot_be_used_is_refused_before_anything_is_written(jobs, arguments, said):
    write(*jobs)
    result = run("-o", "out", *arguments)
    assert result.exit_code == 2 and said in result.stderr and result.stderr.count("\n") == 1
    assert not Path("out").exists()


@pytest.mark.slow
def test_frames_and_saved_motions_drive_and_are_no_source():
    Path("frames").mkdir()
    for k in range(2):
        shutil.copy("anna.png", f"frames/f{k}.png")
    animate = {"task": "animate", "source": "bob.png"}
    write(
        {**animate, "driving": "frames"}, {**animate, "driving": "fram*", "output": "b"}, talk("frames", output="c"),
        talk("nod.safetensors", output="d"), {**animate, "driving": "frames", "source": "frames", "output": "e"},
    )  # fmt: skip
    assert run("-o", "out").exit_code == 1
    told = {name: entry["reason"] for name, entry in entries("out").items()}
    assert told["bob-frames.mp4"] is None and told["b.mp4"] is None
    assert "is a folder where one file is wanted" in told["c.mp4"] and told["e.mp4"].startswith(told["c.mp4"][:20])
    assert "nod.safetensors is a saved motion, which has no face of its own" in told["d.mp4"]


@pytest.mark.slow
def test_good_and_bad_jobs_then_again():
    write(talk(), {"task": "animate", "source": "bob.png", "driving": "nod.safetensors"}, talk("cup.png"),
          talk("broken.png"), talk("none.png"), talk(steps=0, output="x/bad"))  # fmt: skip
    result = run("-o", "out")
    assert result.exit_code == 1, result.output
    assert "2 of 6 clips are there, 2 of them new" in result.stderr and "wrote out" in result.stderr
    assert "no human face" in result.stdout and "anna-hi.mp4" in result.stdout
    told = entries("out")
    assert [entry["status"] for entry in told.values()] == ["done"] * 2 + ["failed"] * 4
    reasons = {
        "cup-hi.mp4": "no human face",
        "broken-hi.mp4": "cannot be read as a picture",
        "none-hi.mp4": "there is no file at",
        "x/bad.mp4": "steps is a whole number from 1",
    }
    for name, reason in reasons.items():
        assert reason in told[name]["reason"]
    assert len(list(VideoReader("out/anna-hi.mp4"))) == 2 and len(list(VideoReader("out/bob-nod.mp4"))) == 2
    assert read_image("out/contact-sheet.png").shape == (228, 408, 3)
    assert {p.name for p in Path("out").iterdir()} - {".manifest.lock"} == {
        "anna-hi.mp4", "bob-nod.mp4", "contact-sheet.png", "manifest.jsonl",
    }  # fmt: skip
    write(talk())
    result = run("-o", "out")
    assert result.exit_code == 0 and "1 of 1 clips are there, 0 of them new" in result.stderr
    assert entries("out")["anna-hi.mp4"] == told["anna-hi.mp4"]


@pytest.mark.slow
@pytest.mark.parametrize(("how", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_it_stops_cleanly(how, code):
    write(*(talk(seed=seed) for seed in range(400)))  # more than are done before the signal comes
    process = start("out")
    while not entries("out") and process.poll() is None:
        time.sleep(0.05)
    process.send_signal(how)
    _, said = process.communicate(timeout=60)
    assert process.returncode == code and "of 400 clips; run it again to go on" in said and "Traceback" not in said
    assert not list(Path("out").glob(".facediff-*.mp4"))


@pytest.mark.slow
def test_killed_ten_times_it_makes_what_an_unbroken_run_makes():
    """50 mixed jobs, 5 of them bad, some of them long enough to be rendered in windows."""
    bad = [talk("cup.png"), talk("none.png"), talk("broken.png"), talk(steps=0, output="bad"), talk(speech="cup.png")]
    nods = [{"task": "animate", "source": "bob.png", "driving": "nod.safetensors", "head": k / 10} for k in range(12)]
    edits = [{"task": "edit", "source": "anna.png", "attributes": f"smile={k}"} for k in range(-1, 2)]
    long = {"fps": 80}
    jobs = (
        [talk(speech=("hi.wav", "ho.wav")[k % 2], seed=k, **(long if k % 10 == 0 else {})) for k in range(30)]
        + nods
        + edits
        + bad
    )
    random.Random(1).shuffle(jobs)
    write(*jobs)
    chance, kills, finished = random.Random(2), 0, dict[str, str]()
    while True:
        process = start("killed")
        before = len(entries("killed"))
        while kills < 10 and process.poll() is None and len(entries("killed")) < before + 2:
            time.sleep(0.05)
        if kills < 10:
            time.sleep(chance.uniform(0, 1))
            process.kill()
        process.communicate()
        if process.returncode != -signal.SIGKILL:
            break
        kills += 1
        for name, entry in entries("killed").items():
            if entry["status"] == "done":
                assert finished.setdefault(name, entry["finished"]) == entry["finished"]
    assert kills == 10 and process.returncode == 1
    process = start("unbroken")
    process.communicate()
    assert process.returncode == 1
    killed, unbroken = entries("killed"), entries("unbroken")
    assert list(killed) == list(unbroken) and len(killed) == 50
    assert all(killed[name]["reason"] == unbroken[name]["reason"] for name in killed)
    done = [name for name in killed if killed[name]["status"] == "done"]
    assert len(done) == 45 and all(killed[name]["finished"] == finished[name] for name in done if name in finished)
    for name in done:
        frames = zip(VideoReader(Path("killed", name)), VideoReader(Path("unbroken", name)), strict=True)
        assert all((one == other).all() for one, other in frames), name
    assert {p.name for p in Path("killed").rglob("*") if p.suffix == ".mp4"} == set(done)
    assert not [p for p in Path("killed").iterdir() if p.name.startswith(".facediff")]
