"""What is known of a photo, as a request says it: lengths, depths, a height, points, a profile."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from app.common.checks import is_list, is_number, missing, number, numbers, wrong
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

MAX_MEASURED = 100  # lengths, or depths, of one request

MAX_POINTS = 20_000  # in a call itself
MAX_SPARSE_BYTES = 16 << 20  # of an uploaded file


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
