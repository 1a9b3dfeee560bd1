from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np
import pytest
from typer.testing import CliRunner

from facediff.batch.manifest import NAME, Entry
from facediff.cli import app
from facediff.media import write_image

QUICK = ["--metrics", "face_rate,aperture_corr,identity_ssim,psnr_frame,crps"]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """What runs the command on some quick metrics, with features that are kept between the tests."""
    cache = tmp_path_factory.mktemp("cache")
    return lambda *given: CliRunner().invoke(app, ["evaluate", *map(str, given), *QUICK, "--cache", str(cache)])


@pytest.fixture(scope="module")
def portrait_file(close_up, tmp_path_factory):
    path = tmp_path_factory.mktemp("portrait") / "face.png"
    write_image(path, close_up)
    return path


def test_a_table_has_each_figure_beside_the_truths_own(run, footage) -> None:
    done = run(footage / "talk.mp4", "--truth", footage / "talk.mp4")
    assert done.exit_code == 0, done.output
    assert "72 frames of 192x192" in done.output and "-- lips" in done.output
    rows = {line.split()[0]: line.split() for line in done.stdout.splitlines() if line}
    assert rows["aperture_corr"][1] == "1" and rows["face_rate"][1:3] == ["1", "1"]


def test_of_one_video_json_holds_its_figures_by_name(run, footage, portrait_file) -> None:
    told = json.loads(run(footage / "talk.mp4", "--portrait", portrait_file, "--json").stdout)
    assert np.isfinite(told["identity_ssim"]) and told["frames"] == 72 and "truth" not in told


def test_a_folder_is_measured_but_for_what_cannot_be_and_a_page_is_written(run, footage, tmp_path) -> None:
    made = tmp_path / "made"
    made.mkdir()
    for name in ("a.mp4", "b.mp4"):
        (made / name).write_bytes((footage / "talk.mp4").read_bytes())
    (made / "broken.mp4").write_bytes(b"no video")
    (made / "notes.pdf").write_bytes(b"")
    done = run(made, "--truth", footage / "talk.mp4", "-o", tmp_path / "report")
    assert done.exit_code == 0, done.output
    assert "broken.mp4" in done.stderr and "notes.pdf is no video" in done.stderr
    assert "2 videos, 144 frames" in done.stdout and "crps" in done.stdout
    told = json.loads((tmp_path / "report" / "evaluation.json").read_text())
    assert len(told["videos"]) == 2 and len(told["failed"]) == 1
    assert (tmp_path / "report" / "index.html").stat().st_size > 10000


def test_a_batch_is_measured_with_what_its_jobs_named(run, footage, portrait_file, tmp_path) -> None:
    (tmp_path / "clip.mp4").write_bytes((footage / "talk.mp4").read_bytes())
    inputs = {
        "source": {"path": str(portrait_file), "sha256": ""},
        "speech": {"path": str(footage / "talk.mp4"), "sha256": ""},
    }
    entry = Entry(
        output="clip.mp4", status="done", reason=None, key="", sha256="", task="talk", line=1, inputs=inputs,
        options={}, seed=0, weights_sha256="", versions={}, size_bytes=1, frames=72, seconds={}, host="", finished="",
    )  # fmt: skip
    lost = {**asdict(entry), "output": "lost.mp4"}
    gone = {**asdict(entry), "output": "gone.mp4", "status": "failed", "reason": "no face"}
    lines = [json.dumps(one) for one in (asdict(entry), lost, gone)]
    (tmp_path / NAME).write_text("\n".join(lines) + "\n")
    done = run(tmp_path / NAME)
    assert done.exit_code == 0, done.output
    assert "identity_ssim" in done.stdout
    assert "lost.mp4 is not there (it was moved)" in done.stderr and "gone.mp4 is not there (no face)" in done.stderr


def test_where_nothing_could_be_measured_it_is_refused_in_one_sentence(run, tmp_path) -> None:
    (tmp_path / "broken.mp4").write_bytes(b"no video")
    done = run(tmp_path / "broken.mp4")
    assert done.exit_code == 2
    assert "broken.mp4" in done.stderr and len(done.stderr.strip().splitlines()[-1:]) == 1
    assert run(tmp_path / "nothing.mp4").exit_code == 2


def test_a_video_of_which_no_figure_is_had_is_refused_with_the_reason(footage, tmp_path) -> None:
    done = CliRunner().invoke(app, ["evaluate", str(footage / "coffee.mp4"), "--no-cache", "--metrics", "face_rate"])
    assert done.exit_code == 2 and not done.stdout
    assert "coffee.mp4: no human face was found" in done.stderr.replace("\n", " ")


def test_wrong_weights_are_told_and_the_rest_is_measured(run, footage, tmp_path) -> None:
    (tmp_path / "wrong.pt").write_bytes(b"no weights")
    done = CliRunner().invoke(app, ["evaluate", str(footage / "talk.mp4"), "--no-cache", "--metrics",
                                    "fid,av_gap_ms", "--weights", f"inception={tmp_path / 'wrong.pt'}"])  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "not f58cb9b6; give inception-2015-12-05.pt; what needs it is left out" in done.stderr.replace("\n", " ")
    assert "av_gap_ms" in done.stdout and "fid" not in done.stdout


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--weights", "vgg=x.pth"], "no published weights 'vgg'"),
        (["--weights", "i3d=nowhere.pt", "--metrics", "fvd"], "no weights i3d at nowhere.pt"),
        (["--metrics", "fvd"], "needs the published weights 'i3d'"),
        (["--metrics", "psrn"], "no metric or group 'psrn'"),
    ],
)
def test_weights_and_names_that_there_are_not_are_refused_before_anything_is_read(given, said) -> None:
    done = CliRunner().invoke(app, ["evaluate", "film.mp4", *given])
    assert done.exit_code == 2 and said in done.stderr
