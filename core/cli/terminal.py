"""What the commands show in a terminal: a progress bar, complaints on stderr, JSON on stdout."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable, Iterator
from typing import Any

from core.errors import ConfigError

MARK = "-"
NAME = "stdin"  # what its results are called


def read_bytes() -> bytes:
    """What comes on standard input, at most one byte more than a picture may have.

    Raises:
        ConfigError: it is a terminal, or closed.
    """
    from core.images.limits import DEFAULT_LIMITS

    if sys.stdin is None or sys.stdin.isatty():
        raise ConfigError(
            "- stands for a picture on standard input, which is a terminal, expected a file or a "
            "pipe: write `< photo.jpg` behind the command, or give the file's name."
        )
    return sys.stdin.buffer.read(DEFAULT_LIMITS.max_bytes + 1)


def read_picture() -> bytes:
    """An encoded picture of allowed size from standard input.

    Raises:
        ConfigError: it is a terminal, or closed.
        ImageError: nothing came, or too much.
    """
    from core.images.limits import DEFAULT_LIMITS, check_bytes

    data = read_bytes()
    check_bytes(len(data), DEFAULT_LIMITS, NAME)
    return data


@contextlib.contextmanager
def progress(
    total: int | None, unit: str
) -> Iterator[tuple[Callable[..., None], Callable[[str], None]]]:
    """A progress bar on stderr where that is a terminal: (advance, say a line above it)."""
    from tqdm import tqdm  # type: ignore[import-untyped]

    with tqdm(total=total, unit=unit, file=sys.stderr, disable=None, dynamic_ncols=True) as bar:

        def advance(of: int | None = None) -> None:
            if of is not None:
                bar.total = of
            bar.update()

        def say(line: str) -> None:
            with bar.external_write_mode(file=sys.stderr):
                complain(line)

        yield advance, say


def complain(text: str) -> None:
    """One line on stderr."""
    print(" ".join(text.split()), file=sys.stderr)


def print_json(content: Any) -> None:
    """Indented JSON on stdout."""
    print(json.dumps(content, indent=2))
