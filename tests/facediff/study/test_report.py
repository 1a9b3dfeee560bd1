import csv
import json

import pytest
from typer.testing import CliRunner

from facediff.cli import app
from facediff.errors import InputError
from facediff.study.answers import Answers
from facediff.study.report import write_report
from facediff.study.results import win_rate


def answer_all(study, *, raters: int = 10, wins: int = 8, careless: int = 1) -> None:
    """So many raters, of whom so many prefer ours throughout and score it 5 and theirs 2; the rest the other way."""
    answers = Answers(study.folder / "answers.sqlite")
    for number in range(raters + careless):
        rater, best = answers.begin(), "ours" if number < wins else "theirs"
        for question, swapped in study.ordered(rater):
            if question.wrong:
                right = "ab".replace(question.wrong, "") if question.kind == "choice" else "1"
                wrong = question.wrong if question.kind == "choice" else "5"
                said = wrong if number >= raters else right
            elif question.kind == "choice":
                said = "ab"[question.systems.index(best)]
            else:
                said = "5" if question.systems[0] == best else "2"
            answers.keep(rater, question.name, said, swapped=swapped, seconds=3.0)


def test_rates_opinions_and_agreement(study, tmp_path):
    answer_all(study)
    results = write_report(study, tmp_path / "out")
    (rate,) = results.wins
    assert (rate.system, rate.other, rate.wins, rate.count) == ("ours", "theirs", 16, 20)
    assert (rate.low, rate.high) == pytest.approx((0.583983, 0.919342), abs=1e-5)
    best, other = results.opinions
    assert (best.system, best.mean, other.mean) == ("ours", pytest.approx(4.4), pytest.approx(2.6))
    assert best.low < best.mean < best.high
    assert (results.raters, results.complete, len(results.excluded)) == (10, 10, 1)
    assert len(results.by_pair) == 2 and results.left.count == 20
    assert results.choice_alpha is not None and -1 < results.choice_alpha < 1


# What proportion_confint(wins, count, method="wilson") of statsmodels 0.15.0 gives.
@pytest.mark.parametrize(
    ("wins", "count", "low", "high"),
    [
        (16, 20, 0.583983, 0.919342),
        (0, 7, 0.0, 0.354330),
        (1, 1, 0.206549, 1.0),
        (37, 120, 0.232727, 0.395830),
        (500, 1000, 0.469070, 0.530930),
    ],
)
def test_intervals_are_wilsons(wins, count, low, high):
    rate = win_rate("ours", "theirs", wins, count)
    assert (rate.low, rate.high) == pytest.approx((low, high), abs=1e-5)


def test_the_report_is_a_page_figures_and_a_table(study, tmp_path):
    answer_all(study)
    write_report(study, tmp_path / "out")
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert page.count("<svg") == 2 and "<script" not in page
    assert "80.0%" in page and "16 of 20" in page
    assert json.loads((tmp_path / "out" / "report.json").read_text())["raters"] == 10
    with (tmp_path / "out" / "answers.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 11 * 8 and {row["is_check"] for row in rows} == {"0", "1"}


def test_nothing_to_report_is_told(study):
    with pytest.raises(InputError, match="has no answers that count yet"):
        write_report(study, study.folder)
    answer_all(study, raters=0, wins=0, careless=2)
    with pytest.raises(InputError, match="all of 2 raters failed an attention check"):
        write_report(study, study.folder)
    assert not (study.folder / "report.html").exists()


def test_the_command_line_makes_and_reports(two_folders, tmp_path):
    made = CliRunner().invoke(
        app, ["study", "make", *map(str, two_folders), "-o", str(tmp_path / "s"), "--checks", "0"]
    )
    assert made.exit_code == 0, made.output
    refused = CliRunner().invoke(app, ["study", "report", str(tmp_path / "s")], env={"COLUMNS": "200"})
    assert refused.exit_code == 2
    assert refused.stderr == f"facediff: {tmp_path / 's'} has no answers that count yet\n"
    refused = CliRunner().invoke(
        app, ["study", "make", *map(str, two_folders), "-o", str(tmp_path / "t"), "--checks", "99"]
    )
    assert refused.stderr.startswith("facediff: --checks is a whole number from 0 to 20, not 99")
