"""Every sentence the apps show, in English and Chinese, looked up by one function.

A key is "section.name"; the sentences lie in `texts/*.toml`. Another language is one more entry in
`LANGUAGES`, and one more line per sentence there.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

LANGUAGES = ("en", "zh")
TEXTS = Path(__file__).parent / "texts"


def read(folder: Path) -> dict[str, Mapping[str, str]]:
    """Key -> language -> sentence, of all TOML files of a folder.

    Raises:
        ValueError: a sentence that lacks a language, or one that is there twice.
    """
    found: dict[str, Mapping[str, str]] = {}
    for path in sorted(folder.glob("*.toml")):
        with path.open("rb") as file:
            for key, sentence in _sentences(tomllib.load(file)):
                if set(sentence) != set(LANGUAGES):
                    raise ValueError(f"{path.name}: {key} has {sorted(sentence)}.")
                if key in found:
                    raise ValueError(f"{path.name}: {key} is defined twice.")
                found[key] = {lang: text.strip() for lang, text in sentence.items()}
    return found


def _sentences(table: Mapping[str, Any], section: str = "") -> Iterator[tuple[str, dict[str, str]]]:
    for name, value in table.items():
        key = f"{section}.{name}".lstrip(".")
        if isinstance(next(iter(value.values())), str):
            yield key, value
        else:
            yield from _sentences(value, key)


_SENTENCES = read(TEXTS)


def t(key: str, lang: str = "en", **values: object) -> str:
    """The sentence `key` in `lang` (English for a language without a table).

    Raises:
        KeyError: no such sentence; a bug, never a user's mistake.
    """
    sentence = _SENTENCES[key]
    text = sentence.get(lang, sentence["en"])
    return text.format(**values) if values else text


def language_of(accept_language: str | None) -> str:
    """The first language of an HTTP Accept-Language header that has a table, else English."""
    for part in (accept_language or "").split(","):
        code = part.split(";")[0].strip().lower()[:2]
        if code in LANGUAGES:
            return code
    return "en"


def table(section: str, lang: str) -> dict[str, str]:
    """A whole section in one language, without its prefix."""
    start = f"{section}."
    return {key.removeprefix(start): t(key, lang) for key in _SENTENCES if key.startswith(start)}


def keys() -> tuple[str, ...]:
    """The keys of all sentences."""
    return tuple(_SENTENCES)
