"""Who looks at frames has them from one reading, however many look, whatever each does, and whatever goes wrong."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from itertools import islice

import numpy as np
import pytest

from facediff.errors import InputError, MediaError
from facediff.evaluation.cases import Case, Item
from facediff.evaluation.frame_choice import read_chosen
from facediff.evaluation.registry import metrics, select_metrics
from facediff.evaluation.report import measure_case
from facediff.evaluation.screening import Screening, at_once
from facediff.media import VideoReader


class Film(VideoReader):
    """A reader that counts how often it is read and what it draws, and breaks where it is told to."""

    def __init__(self, path, breaks_at: int = -1) -> None:
        super().__init__(path)
        self.readings, self.drawn, self.breaks_at, self.breaks_with = 0, 0, breaks_at, MediaError("torn")

    def _drawn(self, rows):
        self.readings += 1
        for row, frame in super()._drawn(rows):
            if row == self.breaks_at:
                raise self.breaks_with
            self.drawn += 1
            yield row, frame


@pytest.fixture
def film(spoilt) -> Film:
    return Film(spoilt["plain"])


@pytest.fixture
def other(spoilt) -> Film:
    return Film(spoilt["soft"])


@pytest.fixture(scope="module")
def short(spoilt, write_film_copy, tmp_path_factory) -> Item:
    """A second of a film against a second of its truth."""
    folder = tmp_path_factory.mktemp("screening")
    paths = [write_film_copy(folder / f"{name}.mp4", islice(VideoReader(spoilt[name]), 25), np.zeros(16000, np.float32))
             for name in ("soft", "plain")]  # fmt: skip
    return Item(made=paths[0], truth=paths[1])


def sums(rows, *shown) -> list[tuple]:
    return [(row, *(int(frame.sum()) for frame in frames)) for row, *frames in read_chosen(rows, *shown)]


def test_all_who_look_have_what_they_would_have_read_themselves(film, other) -> None:
    screening = Screening()
    shown, beside = screening.show(film), screening.show(other)
    wanted = [({1, 4, 40}, [shown]), (None, [beside]), ({2, 3, 71}, [shown, beside]), (set(), [shown]),
              ({500}, [beside, shown])]  # fmt: skip
    found = screening.run([lambda rows=rows, videos=videos: sums(rows, *videos) for rows, videos in wanted])
    assert (film.readings, other.readings) == (1, 1)
    alone = {shown: film, beside: other}
    assert found == [sums(rows, *(alone[video] for video in videos)) for rows, videos in wanted]
    assert [len(one) for one in found] == [3, 72, 3, 0, 0]


def test_only_frames_that_somebody_wants_are_drawn_and_none_when_all_have_left(film) -> None:
    screening, drawn = Screening(), []
    shown = screening.show(film)

    def draw(rows):
        for row in sorted(rows):
            time.sleep(0.001)
            drawn.append(row)
            yield row, np.zeros((2, 2, 3))

    film._drawn = draw

    def first() -> int:
        return next(read_chosen({3, 9, *range(50, 10000)}, shown))[0]

    assert screening.run([first, first, lambda: len(sums({3, 5}, shown))]) == [3, 3, 2]
    assert drawn[:3] == [3, 5, 9] and len(drawn) < 1000


def test_who_looks_again_or_is_no_viewer_reads_anew(film) -> None:
    screening = Screening()
    shown = screening.show(film)
    assert screening.run([lambda: [sums({7}, shown), sums({7}, shown)]]) == [[sums({7}, film)] * 2]
    assert len(list(shown)) == 72 and film.readings == 4


def test_many_who_take_different_times_stay_within_a_few_frames(film) -> None:
    screening, taken, lock = Screening(), {}, threading.Lock()
    shown, apart = screening.show(film), []

    def look(number: int) -> None:
        for row, _ in read_chosen(None, shown):
            with lock:
                taken[number] = row
                if len(taken) == 4:
                    apart.append(max(taken.values()) - min(taken.values()))

    screening.run([lambda number=number: look(number) for number in range(4)])
    assert set(taken.values()) == {71} and max(apart) <= 3


def test_one_that_fails_keeps_no_other_from_the_end(film) -> None:
    screening, seen = Screening(), []
    shown = screening.show(film)

    def fail() -> None:
        next(read_chosen(None, shown))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        screening.run([fail, lambda: seen.append(len(sums(None, shown)))])
    assert seen == [72]


def test_a_film_that_cannot_be_read_on_is_told_to_all(spoilt) -> None:
    film, screening = Film(spoilt["plain"], breaks_at=3), Screening()
    shown, told = screening.show(film), []

    def look() -> None:
        try:
            sums(None, shown)
        except MediaError as error:
            told.append(str(error))

    screening.run([look, look])
    assert told == ["torn", "torn"]


def test_who_stops_it_stops_all(spoilt) -> None:
    film, screening = Film(spoilt["plain"], breaks_at=3), Screening()
    film.breaks_with = KeyboardInterrupt()
    shown = screening.show(film)
    with pytest.raises(KeyboardInterrupt):
        screening.run([lambda: sums(None, shown)] * 2)
    with pytest.raises(KeyboardInterrupt):  # and nobody begins
        screening.run([lambda: sums(None, shown)])


def test_works_at_once_give_what_each_gives_and_raise_what_one_raises() -> None:
    assert at_once([]) == [] and at_once([lambda: 1, lambda: 2]) == [1, 2]
    with pytest.raises(InputError, match="no"):
        at_once([lambda: 1, refuse])


def refuse() -> None:
    raise InputError("no")


@pytest.mark.slow
def test_a_video_and_its_truth_are_read_twice_for_all_figures(short) -> None:
    """Once for the face, once for all that look at it; and the truth's first frame is the picture to be like."""
    case = Case(short)
    case.reader, case.truth.reader = films = Film(short.made), Film(short.truth)
    report = measure_case(case, select_metrics(["fidelity", "pixels", "temporal", "perceptual"]))
    assert films[0].drawn == 25 and films[1].drawn < 30  # the face is found by readers of its own
    alone = Case(short)
    for name in ("psnr", "psnr_frame", "akd", "flicker", "warping_error", "lpips_facediff", "identity_ssim"):
        found = metrics()[name].measure(alone)
        assert report.figures[name] == pytest.approx(found if isinstance(found, float) else found.figure), name


@pytest.mark.slow
def test_each_metric_that_looks_at_frames_says_by_what(short, monkeypatch) -> None:
    """Or it would read the video by itself."""
    case, chosen = Case(short), select_metrics(None)
    case.see(view for one in chosen for view in one.views)
    _ = case.model, case.truth.model
    readings = []
    monkeypatch.setattr(VideoReader, "_drawn", lambda self, rows: readings.append(self.path.name) or iter(()))
    for one in chosen:
        for of in (case, case.truth) if one.is_of_one or one.is_of_sets else (case,):
            with suppress(InputError):  # too short for some
                of.once(one.features or one.measure)
    assert len(chosen) > 40 and readings == []
