"""Reads the explorer's sentences (texts/*.toml, English and Chinese) into the apps' one table."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from app.text import LANGUAGES, register

TEXTS = Path(__file__).parent / "texts"
FORMULAS = "formulas.toml"


@functools.cache
def load() -> None:
    """Registers every sentence; repeating it is harmless.

    Raises:
        ValueError: a sentence without both languages, or one that is defined twice.
    """
    for path in sorted(TEXTS.glob("*.toml")):
        if path.name == FORMULAS:
            continue
        with path.open("rb") as file:
            for section, name, pair in _sentences(tomllib.load(file)):
                if set(pair) != set(LANGUAGES):
                    raise ValueError(f"{path.name}: {section}.{name} has {sorted(pair)}.")
                register(section, {name: (pair["en"].strip(), pair["zh"].strip())})


@functools.cache
def formulas_of(page: str) -> tuple[tuple[str, ...], str]:
    """A page's formulas in LaTeX, and their source in Markdown; empty for a page without."""
    with (TEXTS / FORMULAS).open("rb") as file:
        table = tomllib.load(file)
    entry = table.get(page, {"formulas": [], "source": ""})
    source: str = entry["source"]
    if source.startswith("paper"):
        source = table["paper"] + source.removeprefix("paper")
    return tuple(entry["formulas"]), source


def _sentences(
    table: Mapping[str, Any], section: str = ""
) -> Iterator[tuple[str, str, Mapping[str, str]]]:
    for name, value in table.items():
        if "en" in value or "zh" in value:
            yield section, name, value
        else:
            yield from _sentences(value, f"{section}.{name}".lstrip("."))
