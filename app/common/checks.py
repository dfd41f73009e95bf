"""Values that can be anything JSON can hold, checked one by one, and what is known of a photo.

Whatever is not usable gets one sentence that says what was got, what was expected and what to do.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar, cast

from core.data.sparse_file import parse_sparse
from core.errors import ConfigError
from core.scale.measurements import (
    MAX_METRES,
    MIN_METRES,
    CameraHeight,
    KnownDepth,
    KnownLength,
    SparseDepth,
)
from core.scale.profile import Profile, load_profile

Name = TypeVar("Name", bound=str)
Default = TypeVar("Default", bound=str | None)
MAX_MEASURED = 100  # lengths, or depths, of one request
MAX_POINTS = 20_000  # in a call itself
MAX_SPARSE_BYTES = 16 << 20  # of an uploaded file
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


def checked_lengths(value: Any) -> tuple[KnownLength, ...]:
    """Known lengths from [u0, v0, u1, v1, metres], or a list of such.

    Raises:
        ConfigError: other numbers.
        CameraError: a length out of range.
    """
    meaning = f"five numbers u0, v0, u1, v1, metres ({MIN_METRES:g} to {MAX_METRES:g} m)"
    rows = _rows("known_length", value, 5, meaning)
    return tuple(map(KnownLength.from_numbers, rows))


def checked_depths(value: Any) -> tuple[KnownDepth, ...]:
    """Known depths from [u, v, metres], or a list of such; errors as for `checked_lengths`."""
    meaning = f"three numbers u, v, metres ({MIN_METRES:g} to {MAX_METRES:g} m)"
    return tuple(map(KnownDepth.from_numbers, _rows("known_depth", value, 3, meaning)))


def checked_height(value: Any) -> tuple[CameraHeight, ...]:
    """The camera's height in metres, or none; errors as for `checked_lengths`."""
    height = number("camera_height", value, None, None, "of metres")
    return () if height is None else (CameraHeight(height),)


def checked_sparse(file: Path | Sequence[Any] | None, scale: Any = None) -> tuple[SparseDepth, ...]:
    """Sparse depth from an uploaded CSV or depth map, or from rows [u, v, metres].

    Raises:
        DepthError: a file that is none of these, or whose unit is not said.
    """
    steps = number("sparse_scale", scale, None, None, "of steps per metre")
    if file is None:
        return ()
    if not isinstance(file, Path):
        fine = (
            isinstance(file, (list, tuple))
            and 0 < len(file) <= MAX_POINTS
            and all(is_list(row, 3) and all(map(is_number, row)) for row in file)
        )
        if not fine:
            raise wrong("sparse", file, f"1 to {MAX_POINTS:,} rows [u, v, metres]", "correct it")
        return (SparseDepth.from_numbers(file),)
    with file.open("rb") as stream:
        data = stream.read(MAX_SPARSE_BYTES + 1)
    if len(data) > MAX_SPARSE_BYTES:
        raise ConfigError(
            f"The sparse depth is larger than {MAX_SPARSE_BYTES >> 20} MiB, expected fewer points: "
            "thin them."
        )
    return (parse_sparse(data, file.name, scale=steps),)


def checked_profile(value: Any) -> tuple[Profile, ...]:
    """A scale profile: the name of one that the server has, or a profile's own JSON.

    Raises:
        ConfigError: no such profile, or no profile. A path is no name.
    """
    if missing(value):
        return ()
    if isinstance(value, str) and not value.lstrip().startswith("{"):
        return (load_profile(value.strip()),)
    if isinstance(value, str):
        return (Profile.from_json(value),)
    return (Profile.from_dict(value),)


def _rows(name: str, value: Any, count: int, meaning: str) -> list[list[float]]:
    """So many numbers, once or several times."""
    found = numbers(name, value, tuple(count * n for n in range(1, MAX_MEASURED + 1)), meaning)
    return [found[i : i + count] for i in range(0, len(found), count)] if found else []
