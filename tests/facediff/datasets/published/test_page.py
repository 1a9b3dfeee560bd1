from pathlib import Path

from facediff.datasets.published.page import make_page

PAGE = Path(__file__).parents[4] / "docs" / "datasets.md"


def test_the_page_is_made_from_the_cards():
    told = "docs/datasets.md is of another day; run: python -m facediff.datasets.published.page docs/datasets.md"
    assert PAGE.read_text(encoding="utf-8") == make_page(), told
