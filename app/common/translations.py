"""Every sentence the apps show, in English and Chinese, looked up by one function.

A key is "section.name"; the sentences lie in `texts/*.toml`. `CONTRIBUTING.md` lists what another
language takes.

The sentences of the core name what was got, what was expected and what to do, in English only.
`texts/core.toml` has the most frequent ones in Chinese. For any other, a Chinese page says first
what kind of thing went wrong, and then in English how exactly.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import re
import secrets
import string
import tomllib
from collections.abc import Iterator, Mapping
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from typing import Any

from core.errors import DepthError

log = logging.getLogger(__name__)

LANGUAGES = {"en": "English", "zh": "中文"}  # code -> its own name
TEXTS = Path(__file__).parent / "texts"
LANGUAGE_COOKIE = "lapdepth_lang"  # as `choices.js` calls it

INTERNAL = "Something went wrong inside the program"  # how a bug of ours begins its sentence
_PATHS = re.compile(r"(?<![\w.])(?:/[\w.+@~-]+){2,}")


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


def language_for(headers: Mapping[str, str]) -> str:
    """The language that the reader chose on either page (`choices.js`), else the browser's."""
    cookies: SimpleCookie = SimpleCookie()
    with contextlib.suppress(CookieError):
        cookies.load(headers.get("cookie") or "")
    return chosen_language(
        {name: entry.value for name, entry in cookies.items()}, headers.get("accept-language")
    )


def chosen_language(cookies: Mapping[str, str], accept_language: str | None) -> str:
    """As `language_for`, from a request's cookies and its Accept-Language header."""
    chosen = cookies.get(LANGUAGE_COOKIE)
    return chosen if chosen in LANGUAGES else language_of(accept_language)


def table(section: str, lang: str) -> dict[str, str]:
    """A whole section in one language, without its prefix."""
    start = f"{section}."
    return {key.removeprefix(start): t(key, lang) for key in _SENTENCES if key.startswith(start)}


def keys() -> tuple[str, ...]:
    """The keys of all sentences."""
    return tuple(_SENTENCES)


def of_core(english: str, lang: str) -> str:
    """A sentence of the core in a language; as it is, where the tables do not have it."""
    if lang == "en":
        return english
    patterns, names = _core()
    if english in names:
        return t(names[english], lang)
    for pattern, key in patterns:
        if found := pattern.fullmatch(english):
            said = {
                name: t(names[word], lang) if word in names else word
                for name, word in found.groupdict().items()
            }
            return t(key, lang, **said)
    return english


@functools.cache
def _core() -> tuple[list[tuple[re.Pattern[str], str]], dict[str, str]]:
    """The core's sentences as patterns with their keys, and what may stand in their blanks."""
    patterns, names = [], {}
    for key, sentence in _SENTENCES.items():
        if key.startswith(("core.", "studio.")):
            names[sentence["en"]] = key
        if key.startswith("core.") and not key.startswith("core.word."):
            parts = string.Formatter().parse(sentence["en"])
            pattern = "".join(
                re.escape(text) + (f"(?P<{name}>.+?)" if name else "") for text, name, *_ in parts
            )
            patterns.append((re.compile(pattern), key))
    return patterns, names


def error_sentence(error: BaseException, lang: str = "en") -> str:
    """What a user reads about an error: one sentence, no traceback, no path of the server.

    In another language, a sentence that is not in the tables has one before it that says what kind
    of thing went wrong.
    """
    keys_of = (f"error.{kind.__name__}" for kind in type(error).__mro__)
    said = t(next((key for key in keys_of if key in _SENTENCES), "error.bug"), lang)
    return in_language(_english(error), said, lang)


def in_language(english: str, said: str, lang: str) -> str:
    """A sentence of the core about what went wrong, in a language.

    Args:
        said: what kind of thing went wrong, in that language, for a sentence it does not have.
    """
    known = of_core(english, lang)
    if lang == "en" or known != english:
        return known
    return t("error.in_english", lang, said=said, english=english)


def _english(error: BaseException) -> str:
    """The sentence in English.

    What is not a `DepthError` is a bug or the machine's limit; it goes to the log with its
    traceback, under the number that the user is told.
    """
    if isinstance(error, DepthError):
        text = " ".join(str(error).split())
        text = _PATHS.sub(lambda match: match[0].rsplit("/", 1)[1], text)
        return text.translate({ord("<"): "‹", ord(">"): "›"})  # the page would read it as HTML
    if isinstance(error, MemoryError):
        log.error("out of memory", exc_info=error)
        return (
            "The server has no memory left for a photo of this size, expected less work at a "
            "time: try again in a moment, or send a smaller photo."
        )
    number = secrets.token_hex(4)
    log.error("internal error %s", number, exc_info=error)
    return (
        f"{INTERNAL} (number {number}), expected a result: try "
        "again, and if it stays, report this number with the server's log."
    )
