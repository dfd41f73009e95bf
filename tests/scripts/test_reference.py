"""The parts of the documents that are made from code and figures are up to date."""

from __future__ import annotations

import pytest

from scripts import api_index, reference


@pytest.mark.parametrize("name", reference.PAGES)
def test_a_page_is_up_to_date(name: str) -> None:
    page = reference.ROOT / name
    text = page.read_text(encoding="utf-8")
    assert reference.MARKED.search(text), f"{name} has no generated part"
    assert reference.filled(text, page.parent) == text, "run: python -m scripts.reference"


def test_the_index_says_what_everything_is() -> None:
    rows = [line for line in api_index.index().splitlines() if line.startswith("| `")]
    assert len(rows) > 100
    assert [row for row in rows if row.endswith("|  |")] == []
