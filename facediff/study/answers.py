"""Answers in SQLite: each is kept when it is given, and once."""

from __future__ import annotations

import contextlib
import secrets
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from facediff.errors import InputError, OutputError

_TABLES = """
CREATE TABLE IF NOT EXISTS raters (rater TEXT PRIMARY KEY, begun REAL NOT NULL);
CREATE TABLE IF NOT EXISTS answers (
    rater TEXT NOT NULL REFERENCES raters, question TEXT NOT NULL, answer TEXT NOT NULL, swapped INTEGER NOT NULL,
    seconds REAL NOT NULL, given REAL NOT NULL, PRIMARY KEY (rater, question)
);
"""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One answer.

    Attributes:
        rater: Who gave it.
        question: The name of what was asked.
        answer: ``a`` or ``b``, whatever side it was on; or ``1`` to ``5``.
        swapped: Whether a was on the right.
        seconds: How long it took.
        given: When, in seconds since 1970.
    """

    rater: str
    question: str
    answer: str
    swapped: bool
    seconds: float
    given: float


class Answers:
    """The answers of a study.

    Args:
        path: The file; made if it is not there.

    Raises:
        InputError: It is no file of answers.
        OutputError: It cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._open() as database:
            database.executescript(_TABLES)

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            with contextlib.closing(sqlite3.connect(self._path, timeout=30)) as database, database:
                yield database
        except sqlite3.OperationalError as error:
            raise OutputError(f"{self._path} cannot be written: {error}") from error
        except sqlite3.DatabaseError as error:
            raise InputError(f"{self._path} is no file of answers: {error}") from error

    def begin(self) -> str:
        """A new rater."""
        rater = secrets.token_urlsafe(9)
        with self._open() as database:
            database.execute("INSERT INTO raters VALUES (?, ?)", (rater, time.time()))
        return rater

    def knows(self, rater: str) -> bool:
        """Whether there is such a rater."""
        with self._open() as database:
            return database.execute("SELECT 1 FROM raters WHERE rater = ?", (rater,)).fetchone() is not None

    def answered(self, rater: str) -> set[str]:
        """The questions that a rater has answered."""
        with self._open() as database:
            return {name for (name,) in database.execute("SELECT question FROM answers WHERE rater = ?", (rater,))}

    def keep(self, rater: str, question: str, answer: str, *, swapped: bool, seconds: float) -> None:
        """Keeps an answer; a second one to the same question is not kept."""
        row = (rater, question, answer, int(swapped), seconds, time.time())
        with self._open() as database:
            database.execute("INSERT OR IGNORE INTO answers VALUES (?, ?, ?, ?, ?, ?)", row)

    def read(self) -> list[Answer]:
        """All of them, in the order in which they were given."""
        with self._open() as database:
            rows = database.execute(
                "SELECT rater, question, answer, swapped, seconds, given FROM answers ORDER BY given"
            )
            return [
                Answer(rater=row[0], question=row[1], answer=row[2], swapped=bool(row[3]), seconds=row[4], given=row[5])
                for row in rows
            ]
