import pytest
from typer.testing import CliRunner

from facediff.cli import app

KTH = "person01_boxing_d1_uncomp.avi"


def run(*arguments: str):
    return CliRunner().invoke(app, ["dataset", *map(str, arguments)], env={"COLUMNS": "200"})


@pytest.fixture
def kth(tmp_path, write_film):
    film = write_film(tmp_path / "film.mp4", [], seconds=0.4)
    (tmp_path / "kth").mkdir()
    film.rename(tmp_path / "kth" / KTH)
    return f"kth={tmp_path / 'kth'}"


def test_sets_are_listed_and_shown():
    assert "hdtf            HDTF: 370 videos" in run("list").stdout
    shown = run("show", "cremad").stdout
    assert shown.startswith("CREMA-D") and "git-LFS" in shown and "VideoFlash/" in shown


def test_a_folder_is_checked(kth):
    checked = run("check", kth)
    assert checked.exit_code == 0
    assert checked.stdout == "KTH actions: 1 of 1 that are listed\n  val    1, of 1 identities\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("check", "kth"), "data is given as NAME=PATH, such as hdtf=/data/hdtf, not 'kth'"),
        (("check", "kth=/none"), "there is no folder /none; give that of KTH actions, as it was downloaded"),
        (("show", "hdft"), "there is no data set called 'hdft'; there are hdtf, "),
        (("shard", "kth=/none", "-o", "x", "--split", "dev"), "--split is one of train, val, test, not 'dev'"),
    ],
)
def test_a_refusal_is_one_sentence(arguments, said):
    refused = run(*arguments)
    assert refused.exit_code == 2
    assert refused.stderr.startswith(f"facediff: {said}") and refused.stderr.count("\n") == 1


def test_shards_are_written_once(kth, tmp_path):
    written = run("shard", kth, "-o", tmp_path / "shards")
    assert written.exit_code == 0 and "1 segments in 1 shards" in written.stderr
    assert [path.name for path in (tmp_path / "shards").iterdir()] == ["00000.tar"]
    assert "is there already" in run("shard", kth, "-o", tmp_path / "shards").stderr


@pytest.mark.parametrize("stage", ["codec", "motion", "difftalk"])
def test_training_takes_sets_in_a_tables_place(stage, kth, tmp_path, monkeypatch):
    from facediff.training import stages

    taken = []
    monkeypatch.setattr(
        stages, "read_recordings", lambda source, **_: taken.append(source) or (_ for _ in ()).throw(KeyboardInterrupt)
    )
    monkeypatch.setattr(stages, "load_own_codec", lambda model: None)
    CliRunner().invoke(app, ["train", stage, "--data", kth, "--data", kth, "--model", str(tmp_path / "m")])
    assert taken[0].places == (("kth", tmp_path / "kth"),) * 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("codec", "--data", "hdtf=/none"), "there is no folder /none"),
        (("codec",), "there is nothing to learn from; give a CSV of clips, or --data NAME=PATH"),
        (("codec", "a.csv", "--data", "hdtf=/none"), "a.csv and --data are given; give one of them"),
        (("closing", "--data", "hdtf=/none"), "--data is of no use to the stage closing; leave it out"),
    ],
)
def test_training_refuses_in_one_sentence(arguments, said, tmp_path):
    refused = CliRunner().invoke(app, ["train", *arguments, "--model", str(tmp_path / "m")], env={"COLUMNS": "200"})
    assert refused.exit_code == 2 and refused.stderr.startswith(f"facediff: {said}"), refused.stderr
