"""How a study asks, said once; the flags of ``facediff study make`` are made of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from facediff.options import Checked, Opt


@dataclass(frozen=True, kw_only=True)
class StudyOptions(Checked):
    """How a study asks."""

    ask: Annotated[
        str, Opt("choice: which of two; score: each alone, from 1 to 5; both.", choices=("choice", "score", "both"))
    ] = "choice"
    question: Annotated[str, Opt("What is asked of two videos.")] = "Which video looks more like a real recording?"
    score_question: Annotated[str, Opt("What is asked of one video.")] = "How natural does this video look?"
    checks: Annotated[int, Opt("Attention checks: videos that nobody can prefer who looks.", 0, 20)] = 2
    seed: Annotated[int, Opt("Of the order that each rater sees.", 0, 2**31 - 1)] = 0
