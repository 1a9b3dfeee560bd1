import urllib.error
import urllib.request

import pytest

pytest.importorskip("gradio")

from facediff.study.answers import Answers
from facediff.study.page import Session, serving
from facediff.study.stage import draw_end, draw_question


@pytest.fixture
def session(study):
    return Session(study, Answers(study.folder / "answers.sqlite"))


def test_a_rater_goes_through_all_and_comes_back_by_link(session):
    rater = session.enter("")
    seen = []
    while (coming := session.next(rater)) is not None:
        seen.append(coming[0].name)
        session.take(rater, coming[0].name, 1, 2.0)
        assert session.enter(rater) == rater
    assert sorted(seen) == sorted(question.name for question in session.study.questions)
    assert session.enter("stranger") not in ("stranger", rater)


def test_sides_are_turned_back(session):
    rater = session.enter("")
    said = {}
    while (coming := session.next(rater)) is not None:
        question, swapped = coming
        if question.kind == "choice":
            said[question.name] = "b" if swapped else "a"  # the left one
        session.take(rater, question.name, 1, 2.0)
    kept = {answer.question: answer.answer for answer in session.answers.read()}
    assert {name: kept[name] for name in said} == said


def test_second_clicks_strangers_and_other_numbers_are_not_kept(session):
    rater = session.enter("")
    first, _ = session.next(rater)
    session.take(rater, "another", 1, 1.0)
    session.take("stranger", first.name, 1, 1.0)
    session.take(rater, first.name, 9, 1.0)
    assert session.answers.read() == []
    session.take(rater, first.name, 1, 1.0)
    session.take(rater, first.name, 2, 1.0)
    assert len(session.answers.read()) == 1


def test_what_is_drawn_tells_no_system_and_is_escaped(study):
    choice = next(question for question in study.questions if question.name.startswith("choice"))
    texts = {"choice": "Which is <b>better</b>?", "score": ""}
    plain, turned = (draw_question(choice, swapped, texts, 1, 8, "/clips") for swapped in (False, True))
    assert plain.index(choice.files[0]) < plain.index(choice.files[1])
    assert turned.index(choice.files[1]) < turned.index(choice.files[0])
    assert "ours" not in plain and "theirs" not in plain and "&lt;b&gt;" in plain and "2 of 8" in plain
    assert "Thank you" in draw_end(8)


def test_the_server_shows_videos_and_no_answers(study):
    with serving(study) as address:
        file = study.questions[0].files[0]
        wanted = urllib.request.Request(f"{address}clips/{file}", headers={"Range": "bytes=0-9"})
        with urllib.request.urlopen(wanted) as answer:
            assert answer.status == 206 and len(answer.read()) == 10
        for path in ("clips/../answers.sqlite", "clips/..%2Fanswers.sqlite", "answers.sqlite"):
            with pytest.raises(urllib.error.HTTPError):
                urllib.request.urlopen(f"{address}{path}")
        with urllib.request.urlopen(address) as page:
            assert "gradio" in page.read().decode()
