from __future__ import annotations

from pathlib import Path

from facediff.cli.metrics_page import _GROUPS, filled, tables
from facediff.evaluation.published import PUBLISHED
from facediff.evaluation.registry import metrics

PAGE = Path(__file__).parents[3] / "docs" / "evaluate.md"


def test_the_page_is_what_is_made_from_the_metrics_today() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert filled(page) == page, "run: python -m facediff.cli.metrics_page docs/evaluate.md"


def test_every_metric_and_all_weights_have_a_row() -> None:
    made = tables()
    assert all(f"\n| `{name}` |" in made["metrics"] for name in metrics())
    assert all(f"\n| `{name}` |" in made["weights"] for name in PUBLISHED)
    assert {one.group for one in metrics().values()} == set(_GROUPS)


def test_what_stands_between_the_marks_is_replaced_and_the_rest_stays() -> None:
    page = "before\n<!-- weights -->\nof yesterday\n<!-- /weights -->\nafter\n"
    new = filled(page)
    assert new.startswith("before\n<!-- weights -->\n") and new.endswith("<!-- /weights -->\nafter\n")
    assert "of yesterday" not in new and filled(new) == new
