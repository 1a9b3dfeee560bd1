"""The command line refuses in one sentence, ends with the right code, and leaves nothing half-done."""

from __future__ import annotations

import errno
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut, coffee
from typer.testing import CliRunner

import facediff
from facediff import Avatar, Clip
from facediff.audio.wave import load_wave
from facediff.cli import app
from facediff.media import VideoReader, VideoWriter, read_image
from facediff.media.writing import OUTPUT_SUFFIXES
from facediff.provenance import ManifestState, read_record, verify

SPEECH = Path(facediff.__file__).parent / "samples" / "hello.flac"


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def portrait() -> str:
    Image.fromarray(astronaut()).save("portrait.png")
    return "portrait.png"


@pytest.fixture
def short_speech() -> str:
    with VideoWriter("speech.mp4", (16, 16), Fraction(25), audio=load_wave(SPEECH)[8000:13000]) as writer:
        for _ in range(8):
            writer.write(np.zeros((16, 16, 3), np.uint8))
    return "speech.mp4"


def run(*arguments: str) -> tuple[int, str]:
    """Exit code and stderr."""
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stderr


def refused(*arguments: str) -> str:
    """The one sentence that a refusal is."""
    left = sorted(p.name for p in Path().iterdir())
    code, said = run(*arguments)
    assert code == 2, said
    assert re.fullmatch(r"facediff: [^\n]+\n", said), said
    assert sorted(p.name for p in Path().iterdir()) == left
    return said


def test_version():
    result = CliRunner().invoke(app, ["--version"])
    assert (result.exit_code, result.output) == (0, f"facediff {facediff.__version__}\n")


def test_without_arguments_it_explains_itself():
    assert "talk" in CliRunner().invoke(app, []).output


def test_talk_has_its_options(monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    shown = CliRunner().invoke(app, ["talk", "--help"]).output
    options = """--seed --steps --guidance-scale --lips --head --still --scheduler --model --face --fps
        --on-missing-face --preview --device --progressive --no-paint"""
    assert [option for option in options.split() if option not in shown] == []


@pytest.mark.parametrize("command", ["talk", "animate", "edit"])
def test_help_names_every_format_that_is_written(command, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    shown = CliRunner().invoke(app, [command, "--help"]).output
    assert [suffix for suffix in OUTPUT_SUFFIXES if suffix.removeprefix(".") not in shown] == []


def test_missing_files_are_named(portrait):
    assert "there is no file at none.png" in refused("talk", "none.png", SPEECH, "-o", "v.mp4")
    assert "there is no file at none.wav" in refused("talk", portrait, "none.wav", "-o", "v.mp4")


@pytest.mark.parametrize("content", [b"", b"garbage" * 99])
def test_corrupt_files_are_named(portrait, content):
    for name in ("p.png", "v.mp4", "s.wav"):
        Path(name).write_bytes(content)
    assert "p.png cannot be read as a picture" in refused("talk", "p.png", SPEECH, "-o", "o.mp4")
    assert "v.mp4 cannot be read as a video" in refused("talk", "v.mp4", SPEECH, "-o", "o.mp4")
    assert "s.wav cannot be read as sound" in refused("talk", portrait, "s.wav", "-o", "o.mp4")


def test_a_sound_where_the_face_is_wanted_is_named_for_what_it_is(portrait):
    assert f"{SPEECH} is a sound, where a picture or a video is wanted" in refused(
        "talk", SPEECH, portrait, "-o", "o.mp4"
    )


def test_a_saved_avatar_is_named_for_what_it_is(portrait):
    facediff.Avatar.from_image(portrait, device="cpu").save("her")
    said = refused("enhance", "her", "-o", "o.mp4")
    assert "her is a saved avatar" in said and "here give her/source.png" in said


def test_a_saved_avatar_is_taken_where_a_face_is_wanted(portrait, short_speech):
    facediff.Avatar.from_image(portrait, device="cpu").save("my.avatar")
    said = run("talk", "my.avatar", short_speech, "-o", "a.png", "--preview", "--no-paint", "--label", "AI")
    assert said[0] == 0, said
    assert run("talk", portrait, short_speech, "-o", "b.png", "--preview", "--no-paint", "--label", "AI")[0] == 0
    np.testing.assert_array_equal(read_image("a.png"), read_image("b.png"))
    assert run("edit", "my.avatar", "-o", "smiles.png", "--preview", "-a", "smile=0.5")[0] == 0
    assert run("idle", "my.avatar", "-o", "idle.png", "--preview", "--seconds", "0.5", "--no-paint")[0] == 0
    assert run("animate", "my.avatar", portrait, "-o", "moved.png", "--preview", "--no-paint")[0] == 0
    assert run("live", "my.avatar", short_speech, "-o", "live.png", "--preview", "--no-paint")[0] == 0
    assert "another make it anew" in refused("talk", "my.avatar", short_speech, "-o", "o.mp4", "--face", "1")
    assert "is an input" in refused("idle", "my.avatar", "-o", "my.avatar/source.png", "--preview")
    Path("frames").mkdir()
    assert "frames is a folder where one file is wanted" in refused("talk", "frames", short_speech, "-o", "o.mp4")


def test_a_picture_has_no_sound(portrait):
    for given in ((portrait,), ("--speech", f"left={portrait}")):
        said = refused("talk", portrait, *given, "-o", "o.mp4")
        assert "portrait.png is a picture, where speech is wanted" in said
    assert "portrait.png is a picture" in refused("live", portrait, portrait, "-o", "o.mp4")


def test_no_face():
    Image.fromarray(coffee()).save("coffee.png")
    assert "no human face" in refused("talk", "coffee.png", SPEECH, "-o", "o.mp4")


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--seed", "-1", "--seed is a whole number from 0 to 2**63 - 1, not -1"),
        ("--steps", "0", "--steps is a whole number from 1 to 1000, not 0"),
        ("--guidance-scale", "nan", "--guidance-scale is a number from 0 to 30, not nan"),
        ("--lips", "-0.1", "--lips is a strength from 0 to 3, not -0.1"),
        ("--head", "inf", "--head is a strength from 0 to 3, not inf"),
        ("--fps", "0", "--fps is a number from 1 to 120, not 0"),
        ("--face", "7", "--face 7 was asked for"),
        ("--face", "up", "--face is 'largest', 'left', 'right' or an index"),
        ("--model", "nope", "there is no model nope; give a folder, or one of: base"),
        ("--device", "toaster", "there is no device 'toaster'"),
        ("--scheduler", "magic", "there is no scheduler 'magic'"),
    ],
)
def test_options_that_mean_nothing_are_named(portrait, option, value, said):
    assert said in refused("talk", portrait, SPEECH, "-o", "o.mp4", option, value)


def test_a_value_of_the_wrong_kind_is_a_usage_error(portrait):
    code, said = run("talk", portrait, str(SPEECH), "-o", "o.mp4", "--steps", "many")
    assert code == 2 and "--steps" in said


def test_inputs_are_never_overwritten(portrait, short_speech):
    before = Path(portrait).read_bytes()
    assert "speech.mp4 is an input" in refused("talk", portrait, short_speech, "-o", "./speech.mp4")
    assert "portrait.png is an input" in refused("talk", portrait, short_speech, "-o", "portrait.mp4", "--preview")
    os.link(short_speech, "other.mp4")
    assert "other.mp4 is an input" in refused("talk", portrait, short_speech, "-o", "other.mp4")
    assert Path(portrait).read_bytes() == before


def test_places_that_cannot_be_written_are_found_at_once(portrait):
    Path("folder.mp4").mkdir()
    Path("file").touch()
    assert "must end in one of .mp4" in refused("talk", portrait, SPEECH, "-o", "o.wmv")
    assert "is a folder" in refused("talk", portrait, SPEECH, "-o", "folder.mp4")
    assert "cannot be written" in refused("talk", portrait, SPEECH, "-o", "file/o.mp4")
    assert "must end in one of .mp4" in refused("hello", "-o", "hello")


def test_debug_shows_the_traceback(portrait):
    with pytest.raises(facediff.FaceDiffError):
        run("--debug", "talk", portrait, str(SPEECH), "-o", "o.wmv")


class Interrupted:
    """An avatar whose clip is stopped after its third frame."""

    def __init__(self, how) -> None:
        self.how = how

    def talk(self, *args, **options) -> Clip:
        def render(part):
            for k in range(part.start, part.stop):
                if k == 3:
                    self.how()
                yield astronaut()

        return Clip(Fraction(25), (512, 512), 50, None, render)


def full_disk() -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def no_memory() -> None:
    raise MemoryError


@pytest.mark.parametrize(
    ("how", "code", "said"),
    [
        (lambda: os.kill(os.getpid(), signal.SIGINT), 130, "facediff: stopped; nothing was written"),
        (lambda: os.kill(os.getpid(), signal.SIGTERM), 143, ""),
        (full_disk, 2, "facediff: No space left on device"),
        (no_memory, 2, "facediff: there is not enough memory"),
    ],
)
def test_whatever_stops_a_rendering_nothing_is_left(portrait, monkeypatch, how, code, said):
    monkeypatch.setattr(Avatar, "from_image", lambda *args, **options: Interrupted(how))
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where tests run in the background
    left = sorted(p.name for p in Path().iterdir())
    ended, heard = run("talk", portrait, str(SPEECH), "-o", "o.mp4")
    signal.signal(signal.SIGINT, before)
    assert ended == code
    assert said in heard
    assert "Traceback" not in heard
    assert sorted(p.name for p in Path().iterdir()) == left


def test_a_portrait_talks(portrait, short_speech):
    code, said = run(
        "talk", portrait, short_speech, "-o", "new/o.mp4", "--steps", "1", "--seed", "3", "--device", "cpu"
    )
    assert code == 0, said
    assert "wrote new/o.mp4" in said and "8/8" in said
    assert len(list(VideoReader("new/o.mp4"))) == 8
    assert [p.name for p in Path("new").iterdir()] == ["o.mp4"]


def test_a_preview_is_one_picture(portrait, short_speech):
    code, said = run("talk", portrait, short_speech, "-o", "look", "--preview", "--steps", "1", "--device", "cpu")
    assert code == 0, said
    assert read_image("look.png").shape == (512, 512, 3)
    found = verify("look.png")
    assert found.watermark.is_found and found.manifest.state is ManifestState.valid
    assert found.record.options["preview"] is True and found.xmp_source_type == found.digital_source_type


def test_a_preview_has_the_name_that_it_is_given_if_that_is_a_pictures(portrait):
    for name in ("look.jpg", "look.WEBP"):
        code, said = run("idle", portrait, "-o", name, "--seconds", "1", "--preview", "--device", "cpu")
        assert code == 0 and f"wrote {name}" in said, said
        assert read_image(name).shape == (512, 512, 3)


def test_marks_that_cannot_be_are_refused_with_their_flags(portrait, short_speech):
    for words, said in (
        (["--timestamp", "nowhere"], "--timestamp is the address of a time-stamp authority"),
        (["--label-size", "8"], "--label-size is that of a label, and none is wanted: give a label too"),
        (["--aigc", "{"], "--aigc is no JSON"),
    ):
        assert said in refused("talk", portrait, short_speech, "-o", "o.mp4", *words)
        assert not Path("o.mp4").exists()


def test_marks_are_refused_before_the_face_is_read(short_speech):
    faceless = "coffee.png"
    Image.fromarray(coffee()).save(faceless)
    for words in (["talk", faceless, short_speech], ["edit", faceless, "--attribute", "smile=0.5"]):
        said = refused(*words, "-o", "o.mp4", "--label", "x" * 60)
        assert re.search(r"label is \d+ pixels wide, and the frames are 600", said)
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{nobody.getsockname()[1]}/"
        assert "it cannot be reached" in refused("talk", faceless, short_speech, "-o", "o.mp4", "--timestamp", address)


def test_the_program_itself_says_one_line_and_nothing_else(portrait):
    """The C++ below mediapipe writes to the terminal behind Python's back."""
    done = subprocess.run(
        [sys.executable, "-m", "facediff", "talk", portrait, str(SPEECH), "-o", "o.mp4", "--model", "nope"],
        capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(SPEECH.parents[2])},
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "facediff: there is no model nope; give a folder, or one of: base\n"


def test_adapt_without_footage_is_one_sentence(tiny_model):
    Path("empty").mkdir()
    Path("done").mkdir()
    model = ("--model", str(tiny_model))
    assert "there is no video in empty" in refused("adapt", "empty", "-o", "anna", *model)
    assert "there is no folder none" in refused("adapt", "none", "-o", "anna", *model)
    assert "done is there already" in refused("adapt", "empty", "-o", "done", *model)
    assert "batch size are at least 1" in refused("adapt", "empty", "-o", "anna", "--batch-size", "0", *model)
    code, said = run("adapt", "empty", "-o", "anna", "--method", "magic")
    assert code == 2 and "--method" in said


@pytest.fixture
def learnt(adapted, monkeypatch):
    """What ``facediff adapt`` orders, and nothing is trained for it: the model is there already."""
    orders = []

    def adapt(footage, output, recipe, *, model, name, progress):
        orders.append((recipe, model, name))
        progress("reading the footage", 1, 1)
        progress("training", recipe.steps, recipe.steps)
        shutil.copytree(adapted.folder, output)
        return adapted.card

    monkeypatch.setattr("facediff.training.adaptation.adapt", adapt)
    return orders


def test_adapt_tells_how_it_went_and_shows_it(learnt, adapted, tiny_model):
    wave = load_wave(SPEECH)[8000:13000]
    Path("footage").mkdir()
    with VideoWriter(Path("footage/b.mp4"), (192, 192), Fraction(25), audio=wave) as writer:
        for shift in range(8):
            writer.write(np.roll(astronaut()[20:212, 130:322], shift, axis=1))
    code, said = run(
        "adapt", "footage", "-o", "anna", "--steps", "7", "--seed", "3", "--name", "Anna", "--model", tiny_model
    )
    assert code == 0, said
    ((recipe, model, name),) = learnt
    assert (recipe.method, recipe.steps, recipe.seed, model, name) == ("small", 7, 3, str(tiny_model), "Anna")
    assert "reading the footage" in said and "training" in said and "7/7" in said
    assert all(f"{what}: error {error:.5f} on footage held out" in said for what, error in adapted.card.figures.items())
    assert f"the prior's strength is {adapted.card.prior_strength:g} from now on" in said
    assert "wrote anna" in said
    assert len(list(VideoReader("anna/preview.mp4"))) == 8
    assert read_record(Path("anna/preview.mp4")).options["domain"] == "anna"


def test_a_domain_without_a_preview_is_one_nevertheless(learnt, short_speech, tiny_model):
    """There is no face in the only video with a sound."""
    Path("footage").mkdir()
    os.rename(short_speech, "footage/speech.mp4")
    code, said = run("adapt", "footage", "-o", "anna", "--model", tiny_model)
    assert code == 0 and "there is no preview: " in said and "wrote anna" in said
    code, said = run("adapt", "footage", "-o", "carl", "--model", tiny_model, "--no-preview")
    assert code == 0 and "preview" not in said
    assert sorted(p.name for p in Path("carl").iterdir()) == ["captions", "domain.json", "small"]


def test_the_learning_rate_is_that_of_the_method_where_none_is_given(learnt, tiny_model):
    for number, more in enumerate(((), ("--method", "lora"), ("--learning-rate", "0.5"))):
        assert run("adapt", ".", "-o", f"m{number}", "--no-preview", "--model", tiny_model, *more)[0] == 0
    rates = [recipe.learning_rate for recipe, *_ in learnt]
    assert rates[0] != rates[1] and rates[2] == 0.5


def test_talk_takes_a_domain(portrait, short_speech, adapted, tiny_model):
    given = ("talk", portrait, short_speech, "-o", "o.mp4", "--steps", "1", "--device", "cpu")
    assert "give a domain too" in refused(*given, "--prior-strength", "0.5")
    assert "there is no domain model at nobody" in refused(*given, "--domain", "nobody")
    assert "anna was trained for another model than base" in refused(*given, "--domain", adapted.folder)
    code, said = run(*given, "--model", tiny_model, "--domain", adapted.folder, "--prior-strength", "0.5")
    assert code == 0, said
    record = read_record(Path("o.mp4"))
    assert record.options["domain"] == "anna" and record.options["prior_strength"] == 0.5


@pytest.mark.parametrize(("asked", "wanted"), [(None, "1"), ("3", "3")])
def test_numpy_takes_one_thread_unless_it_is_told_otherwise(asked, wanted):
    told = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
    told |= {"PYTHONPATH": str(SPEECH.parents[2])} | ({} if asked is None else {"OPENBLAS_NUM_THREADS": asked})
    script = "import facediff.cli, os; print(os.environ['OPENBLAS_NUM_THREADS'])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=told)
    assert done.stdout.split() == [wanted]
