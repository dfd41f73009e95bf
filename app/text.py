"""Every sentence the apps show, in English and Chinese, looked up by one function.

A key is "section.name". What both apps say is registered here; a page with many sentences of its
own keeps them beside itself and adds them with `register`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from app.page_phrases import PAGE
from app.result_phrases import RESULTS

LANGUAGES = ("en", "zh")


class Phrase(NamedTuple):
    """One sentence in each language; `{name}` marks a value filled in by `t`."""

    en: str
    zh: str


_PHRASES: dict[str, Phrase] = {}


def register(section: str, phrases: Mapping[str, tuple[str, str]]) -> None:
    """Adds a table of (English, Chinese) pairs under "section."; repeating a table is harmless.

    Raises:
        ValueError: a key is already taken by a different sentence.
    """
    for name, pair in phrases.items():
        key, phrase = f"{section}.{name}", Phrase(*pair)
        if _PHRASES.setdefault(key, phrase) != phrase:
            raise ValueError(f"The text {key!r} is defined twice with different sentences.")


def t(key: str, lang: str = "en", **values: object) -> str:
    """The sentence `key` in `lang` (English for a language without a table).

    Raises:
        KeyError: no such sentence; a bug, never a user's mistake.
    """
    phrase = _PHRASES[key]
    text = phrase.zh if lang == "zh" else phrase.en
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
    return {key.removeprefix(start): t(key, lang) for key in _PHRASES if key.startswith(start)}


def keys() -> tuple[str, ...]:
    """All registered keys, for the tests that check the tables."""
    return tuple(_PHRASES)


for _section, _phrases in (PAGE | RESULTS).items():
    register(_section, _phrases)
