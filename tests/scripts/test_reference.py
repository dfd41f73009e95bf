"""The parts of the documentation that are made from the code are up to date."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from app.common.environment import VARIABLES
from scripts import api_index, reference


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


def test_the_reference_is_made_from_the_public_modules(tmp_path: Path) -> None:
    """As `make docs` does, with the light ones of its modules."""
    light = [name for name in api_index.MODULES if name in ("core.errors", "core.camera")]
    command = [sys.executable, "-m", "pdoc", "--docformat", "google", "--output-directory"]
    subprocess.run([*command, str(tmp_path), *light], cwd=reference.ROOT, check=True)
    assert "Intrinsics" in (tmp_path / "core" / "camera.html").read_text()


def test_the_index_says_what_everything_is() -> None:
    rows = [line for line in api_index.index().splitlines() if line.startswith("| `")]
    assert len(rows) > 100
    assert [row for row in rows if row.endswith("|  |")] == []
