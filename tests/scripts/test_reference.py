"""The parts of the documentation that are made from the code are up to date."""

from __future__ import annotations

import pytest

from app.environment import VARIABLES
from scripts import reference


@pytest.mark.parametrize("name", reference.PAGES)
def test_a_page_is_up_to_date(name: str) -> None:
    text = (reference.ROOT / name).read_text(encoding="utf-8")
    assert reference.MARKED.search(text), f"{name} has no generated part"
    assert reference.filled(text) == text, "run: python -m scripts.reference"


def test_every_variable_has_a_row() -> None:
    table = reference.variables()
    assert all(f"| `{variable.name}` |" in table for variable in VARIABLES)


def test_only_what_is_marked_changes() -> None:
    page = "before\n<!-- generated: variables -->\nold\n<!-- /generated -->\nafter\n"
    assert reference.filled(page).startswith("before\n<!-- generated: variables -->\n\n**Start**")
    assert reference.filled(page).endswith("\n\n<!-- /generated -->\nafter\n")
    with pytest.raises(KeyError):
        reference.filled("<!-- generated: nothing -->\n<!-- /generated -->")
