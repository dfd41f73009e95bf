"""What the commands show in a terminal: a progress bar, complaints on stderr, JSON on stdout."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable, Iterator
from typing import Any


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
