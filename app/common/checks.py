"""Values that can be anything JSON can hold, checked one by one.

Whatever is not usable gets one sentence that says what was got, what was expected and what to do.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Sequence
from typing import Any, TypeVar, cast

from core.errors import ConfigError

Name = TypeVar("Name", bound=str)
Default = TypeVar("Default", bound=str | None)
_SHOWN = 60  # characters of a wrong value that an error repeats


def numbers(name: str, value: Any, counts: tuple[int, ...], meaning: str) -> list[float] | None:
    """So many numbers from a list (nested or not) or a text, or None where there are none.

    Args:
        meaning: what they are, for the error.

    Raises:
        ConfigError: something else.
    """
    if missing(value):
        return None
    parts = value.replace(",", " ").split() if isinstance(value, str) else value
    if (
        isinstance(parts, list | tuple)
        and parts
        and all(isinstance(p, list | tuple) for p in parts)
    ):
        parts = [item for row in parts for item in row]
    found = parts if isinstance(parts, list | tuple) else []
    if isinstance(value, str):
        with contextlib.suppress(ValueError):
            found = [float(part) for part in found]
    if len(found) not in counts or not all(map(is_number, found)):
        raise wrong(name, value, meaning, "correct it or leave it empty")
    return [float(item) for item in found]


def number(name: str, value: Any, low: float | None, high: float | None, unit: str) -> float | None:
    """A number, or None where there is none; text that holds one counts.

    Raises:
        ConfigError: something else, or out of the bounds.
    """
    if missing(value):
        return None
    if isinstance(value, str):
        with contextlib.suppress(ValueError):
            value = float(value)
    bounds = "a number" if low is None else f"{low:g} to {high:g}"
    if not is_number(value):
        raise wrong(name, value, f"{bounds} {unit}", "give a number or leave it empty")
    if low is not None and high is not None and not low <= value <= high:
        raise wrong(name, value, f"{bounds} {unit}", "change it or leave it empty")
    return float(value)


def is_number(value: Any) -> bool:
    """Whether it is a finite number of a sensible size (true and false are none)."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) < 1e9 and math.isfinite(value)


def is_list(value: Any, length: int) -> bool:
    """Whether it is a list of so many."""
    return isinstance(value, list | tuple) and len(value) == length


def missing(value: Any) -> bool:
    """Whether a value was left out: None, or an empty text."""
    return value is None or (isinstance(value, str) and not value.strip())


class SettingError(ConfigError):
    """A setting that cannot be used.

    Attributes:
        name: the setting's, as programs have it; a page has its own.
        said: the rest of the sentence.
    """

    def __init__(self, name: str, said: str) -> None:
        super().__init__(f"The setting {name} {said}")
        self.name, self.said = name, said


def wrong(name: str, got: Any, expected: str, remedy: str) -> ConfigError:
    """The sentence about a setting that cannot be used."""
    shown = repr(got)
    shown = shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}..."
    return SettingError(name, f"is {shown}, expected {expected}: {remedy}.")


def one_of(name: str, value: Any, allowed: Sequence[Name], default: Default) -> Name | Default:
    """One of several names, or the default where there is none.

    Raises:
        ConfigError: another value.
    """
    if missing(value):
        return default
    if not isinstance(value, str) or value not in allowed:
        raise wrong(name, value, f"one of {', '.join(allowed)}", "choose one of these")
    return cast(Name, value)


def switch(name: str, value: Any) -> bool:
    """True or false; 1 and 0 count, a missing value is false."""
    if missing(value):
        return False
    if isinstance(value, int | float) and value in (0, 1):
        return bool(value)
    raise wrong(name, value, "true or false", "send a JSON boolean")
