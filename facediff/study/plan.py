"""A study as a folder: its questions, and its videos under names that tell nothing."""

from __future__ import annotations

import json
import random
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from facediff.errors import InputError
from facediff.study.options import StudyOptions
from facediff.study.pairs import Pair
from facediff.study.videos import describe, write_broken, write_playable
from facediff.system.files import atomic_folder

PLAN, VIDEOS, ANSWERS = "study.json", "videos", "answers.sqlite"
CHOICE, SCORE = "choice", "score"
A, B = SIDES = ("a", "b")
_VERSION = 1


@dataclass(frozen=True, kw_only=True)
class Question:
    """One question.

    Attributes:
        name: No other question has it.
        kind: ``choice`` or ``score``.
        files: Names of two videos, a and b, or of one.
        systems: What made them.
        wrong: Of an attention check, the answer that says that nobody looked: the broken side of a choice, or
            ``broken`` for a score; none of other questions.
    """

    name: str
    kind: str
    files: tuple[str, ...]
    systems: tuple[str, ...]
    wrong: str | None = None

    @property
    def answers(self) -> tuple[str, ...]:
        """What can be answered."""
        return SIDES if self.kind == CHOICE else ("1", "2", "3", "4", "5")

    def is_failed(self, answer: str) -> bool:
        """Whether an answer to a check says that nobody looked."""
        return self.wrong is not None and (answer == self.wrong if self.kind == CHOICE else int(answer) > 2)


@dataclass(frozen=True, kw_only=True)
class Study:
    """What is asked.

    Attributes:
        folder: Where it lies.
        questions: All of them, in the order of making.
        texts: What is asked, by kind.
        seed: Of the order that each rater sees.
    """

    folder: Path
    questions: tuple[Question, ...]
    texts: dict[str, str]
    seed: int

    def ordered(self, rater: str) -> list[tuple[Question, bool]]:
        """The questions in a rater's order, and whether a is on the right; the same whenever it is asked for."""
        rng = random.Random(f"{self.seed}/{rater}")
        order = list(self.questions)
        rng.shuffle(order)
        order.sort(key=lambda question: question.kind)  # one kind after the other, so that nobody has to switch
        return [(question, rng.random() < 0.5) for question in order]


def make_study(pairs: Sequence[Pair], folder: Path, options: StudyOptions) -> list[str]:
    """Writes a study into a new folder.

    Returns:
        A sentence for each pair whose videos a rater could tell apart by their length, size or sound.

    Raises:
        MediaError: A video cannot be read.
        OutputError: The folder is there, or cannot be written.
    """
    notes, questions, names = [], [], {}
    with atomic_folder(folder, "the study") as made:
        (made / VIDEOS).mkdir()
        for number, pair in enumerate(pairs):
            said = [describe(path) for path in (pair.a, pair.b)]
            notes += [f"{pair.name}: {told}" for told in said[0].differences(said[1])]
            for path in (pair.a, pair.b):
                if path not in names:
                    names[path] = f"{secrets.token_hex(8)}.mp4"
                    write_playable(path, made / VIDEOS / names[path])
            files, systems = (names[pair.a], names[pair.b]), (pair.system_a, pair.system_b)
            questions.append(
                Question(name=f"{CHOICE}-{number:03d}-{pair.name}", kind=CHOICE, files=files, systems=systems)
            )
        questions += _scores(questions) if options.ask in (SCORE, "both") else []
        if options.ask == SCORE:
            questions = [question for question in questions if question.kind == SCORE]
        kinds = sorted({question.kind for question in questions})
        for number in range(options.checks):
            pair = pairs[number % len(pairs)]
            broken = f"{secrets.token_hex(8)}.mp4"
            write_broken(pair.a, made / VIDEOS / broken)
            questions.append(_check(number, kinds[number % len(kinds)], names[pair.a], broken))
        texts = {CHOICE: options.question, SCORE: options.score_question}
        plan = {"version": _VERSION, "seed": options.seed, "texts": texts, "questions": [asdict(q) for q in questions]}
        (made / PLAN).write_text(json.dumps(plan, indent=1), encoding="utf-8")
    return notes


def _scores(choices: Sequence[Question]) -> list[Question]:
    """Each video once."""
    found = {}
    for question in choices:
        for file, system in zip(question.files, question.systems, strict=True):
            found[file] = Question(name=f"{SCORE}-{file}", kind=SCORE, files=(file,), systems=(system,))
    return list(found.values())


def _check(number: int, kind: str, whole: str, broken: str) -> Question:
    if kind == SCORE:
        return Question(name=f"check-{number}", kind=SCORE, files=(broken,), systems=("",), wrong="broken")
    files = (broken, whole) if number % 2 else (whole, broken)
    return Question(name=f"check-{number}", kind=CHOICE, files=files, systems=("", ""), wrong=A if number % 2 else B)


def read_study(folder: Path) -> Study:
    """A study that was made.

    Raises:
        InputError: There is none, or a video of it is gone.
    """
    try:
        plan = json.loads((folder / PLAN).read_text(encoding="utf-8"))
        rows = [{**row, "files": tuple(row["files"]), "systems": tuple(row["systems"])} for row in plan["questions"]]
        study = Study(
            folder=folder, questions=tuple(Question(**row) for row in rows), texts=plan["texts"], seed=plan["seed"]
        )
    except FileNotFoundError as error:
        raise InputError(f"there is no study in {folder}; make one with 'facediff study make'") from error
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{folder / PLAN} is not the plan of a study of this version; make it anew") from error
    for question in study.questions:
        for file in question.files:
            if not (folder / VIDEOS / file).is_file():
                raise InputError(f"{folder} lacks the video {file}; make the study anew")
    return study
