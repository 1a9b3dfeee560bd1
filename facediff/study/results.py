"""What raters said, counted: win rates with Wilson intervals, mean opinions, agreement."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest

from facediff.errors import InputError
from facediff.study.agreement import krippendorff_alpha
from facediff.study.answers import Answer
from facediff.study.plan import CHOICE, SCORE, A, Question, Study

_RESAMPLES = 2000


@dataclass(frozen=True, kw_only=True)
class WinRate:
    """How often one system was preferred to another.

    Attributes:
        system: The one; ``other`` the other.
        other: See ``system``.
        wins: How often, of ``count`` comparisons.
        count: See ``wins``.
        low: Of the Wilson interval of 95 %; ``high`` its end.
        high: See ``low``.
        p: Of a two-sided binomial test against a half; comparisons of one rater count as independent.
    """

    system: str
    other: str
    wins: int
    count: int
    low: float
    high: float
    p: float

    @property
    def rate(self) -> float:
        """The share of wins."""
        return self.wins / self.count


@dataclass(frozen=True, kw_only=True)
class Opinion:
    """The mean opinion score of a system, from 1 to 5.

    Attributes:
        system: The system.
        mean: Of all scores.
        low: Of the interval of 95 % over raters, by resampling them; ``high`` its end.
        high: See ``low``.
        count: How many scores.
    """

    system: str
    mean: float
    low: float
    high: float
    count: int


@dataclass(frozen=True, kw_only=True)
class Results:
    """What came out.

    Attributes:
        raters: How many answers count of; ``excluded`` those that failed an attention check.
        excluded: See ``raters``.
        complete: How many answered all.
        wins: Of each two systems.
        by_pair: Of each pair of videos.
        opinions: Of each system, the best first.
        left: How often the left one was chosen, whatever it was: a half if sides do not matter.
        choice_alpha: Krippendorff's alpha of choices (nominal); None where none can be had.
        score_alpha: That of scores (interval).
    """

    raters: int
    excluded: tuple[str, ...]
    complete: int
    wins: tuple[WinRate, ...]
    by_pair: tuple[WinRate, ...]
    opinions: tuple[Opinion, ...]
    left: WinRate | None
    choice_alpha: float | None
    score_alpha: float | None


def count_results(study: Study, answers: Sequence[Answer], *, seed: int = 0) -> Results:
    """Counts the answers of raters who passed their attention checks.

    Raises:
        InputError: There is no answer that counts.
    """
    known = {question.name: question for question in study.questions}
    rows = [(known[answer.question], answer) for answer in answers if answer.question in known]
    excluded = sorted({answer.rater for question, answer in rows if question.is_failed(answer.answer)})
    rows = [(question, answer) for question, answer in rows if not question.wrong and answer.rater not in excluded]
    if not rows:
        why = f": all of {len(excluded)} raters failed an attention check" if excluded else " yet"
        raise InputError(f"{study.folder} has no answers that count{why}")
    choices = [row for row in rows if row[0].kind == CHOICE]
    scores = [row for row in rows if row[0].kind == SCORE]
    raters = sorted({answer.rater for _, answer in rows})
    asked = sum(not question.wrong for question in study.questions)
    done = [sum(answer.rater == rater for _, answer in rows) for rater in raters]
    lefts = [(answer.answer == A) != answer.swapped for _, answer in choices]
    return Results(
        raters=len(raters), excluded=tuple(excluded), complete=sum(count == asked for count in done),
        wins=tuple(_wins(choices, lambda question: tuple(sorted(question.systems)))),
        by_pair=tuple(_wins(choices, lambda question: question.name)), opinions=tuple(_opinions(scores, raters, seed)),
        left=win_rate("left", "right", sum(lefts), len(lefts)) if lefts else None,
        choice_alpha=krippendorff_alpha(_table(choices, raters)),
        score_alpha=krippendorff_alpha(_table(scores, raters), interval=True),
    )  # fmt: skip


def win_rate(system: str, other: str, wins: int, count: int) -> WinRate:
    """A win rate with its interval (Wilson, 1927) and test."""
    test = binomtest(wins, count)
    interval = test.proportion_ci(method="wilson")
    return WinRate(
        system=system, other=other, wins=wins, count=count, low=float(interval.low), high=float(interval.high),
        p=float(test.pvalue),
    )  # fmt: skip


def _wins(rows: Sequence[tuple[Question, Answer]], key) -> Iterable[WinRate]:
    groups: dict[object, list[tuple[Question, Answer]]] = defaultdict(list)
    for question, answer in rows:
        groups[key(question)].append((question, answer))
    for group in groups.values():
        first, second = sorted(group[0][0].systems)
        won = sum(question.systems[answer.answer != A] == first for question, answer in group)
        yield win_rate(first, second, won, len(group))


def _opinions(rows: Sequence[tuple[Question, Answer]], raters: Sequence[str], seed: int) -> list[Opinion]:
    rng, found = np.random.default_rng(seed), []
    for system in sorted({question.systems[0] for question, _ in rows}):
        by_rater = [[int(a.answer) for q, a in rows if q.systems[0] == system and a.rater == rater] for rater in raters]
        sums = np.array([(sum(scores), len(scores)) for scores in by_rater if scores], float)
        drawn = sums[rng.integers(len(sums), size=(_RESAMPLES, len(sums)))].sum(axis=1)
        low, high = np.quantile(drawn[:, 0] / drawn[:, 1], (0.025, 0.975))
        total, count = sums.sum(axis=0)
        found.append(
            Opinion(system=system, mean=float(total / count), low=float(low), high=float(high), count=int(count))
        )
    return sorted(found, key=lambda opinion: -opinion.mean)


def _table(rows: Sequence[tuple[Question, Answer]], raters: Sequence[str]) -> np.ndarray:
    """(raters, questions) answers as numbers, NaN where there is none."""
    names = sorted({question.name for question, _ in rows})
    table = np.full((len(raters), len(names)), np.nan)
    for question, answer in rows:
        value = float(answer.answer == A) if question.kind == CHOICE else float(answer.answer)
        table[raters.index(answer.rater), names.index(question.name)] = value
    return table
