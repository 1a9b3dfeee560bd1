import json
import urllib.error
import urllib.request

import pytest

pytest.importorskip("gradio")
from gradio_client import Client

from facediff.study.answers import Answers
from facediff.study.page import Session, serving
from facediff.study.report import write_report
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


def open_link(address, rater):
    """What the page of a rater's link shows: rater, question, its drawing."""
    asked = urllib.request.Request(
        f"{address}gradio_api/call/enter?rater={rater}", b'{"data": []}', {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(asked) as event:
        number = json.load(event)["event_id"]
    with urllib.request.urlopen(f"{address}gradio_api/call/enter/{number}") as stream:
        told = stream.read().decode()
    shown = json.loads(told.split("data: ", 1)[1].splitlines()[0])
    return shown[0], shown[1], shown[3]


def best_button(question, swapped, *, careful):
    """The button of who prefers ours and scores it 5, theirs 2; who does not look falls for a check."""
    if question.kind == "score":
        right = 1 if question.wrong else 5 if question.systems[0] == "ours" else 2
        return right if careful or not question.wrong else 5
    wanted = question.systems.index("ours") if not question.wrong else "ab".index(question.wrong) ^ careful
    return 1 + (wanted ^ swapped)


def test_two_raters_answer_all_one_of_them_by_link_and_the_report_counts_who_looked(study, tmp_path):
    known = {question.name: question for question in study.questions}
    with serving(study) as address:
        page = Client(address, verbose=False)
        for careful in (True, False):
            rater, name, drawn = page.predict(api_name="/enter")
            sides = {question.name: swapped for question, swapped in study.ordered(rater)}
            for number in range(len(known)):
                assert f"{number + 1} of {len(known)}" in drawn
                if number == 3:  # the page is closed here, and opened again by its link
                    assert open_link(address, rater) == (rater, name, drawn)
                button = best_button(known[name], sides[name], careful=careful)
                rater, name, drawn = page.predict(rater, name, api_name=f"/answer_{button}")
            assert "Thank you" in drawn and name == ""
            assert "Thank you" in open_link(address, rater)[2]
        assert open_link(address, "nobody")[0] not in ("nobody", rater)
    results = write_report(study, tmp_path / "out")
    assert (results.raters, results.complete, results.excluded) == (1, 1, (rater,))
    assert [(rate.system, rate.wins, rate.count) for rate in results.wins] == [("ours", 2, 2)]
    assert [(one.system, one.mean) for one in results.opinions] == [("ours", 5), ("theirs", 2)]
