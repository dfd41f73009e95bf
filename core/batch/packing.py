"""A run's results as one zip, packed photo by photo while the run goes on."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from core.atomic import check_own, open_atomic, remove_stale, write_refused
from core.batch.manifest import Entry
from core.batch.plan import MANIFEST, TABLE
from core.batch.zip_stream import COMMENT, ZipStream
from core.errors import ExportError

STDOUT = "-"


@contextlib.contextmanager
def packed(
    target: str, out: Path, *, manifests: bool = True, move: bool = False
) -> Iterator[Callable[[Entry], None]]:
    """Packs the results below `out` as they come, and the run's manifests at the end.

    The zip has its name once it is whole; an error, or a kill, leaves none of that name.

    Args:
        target: the zip, or "-" for standard output.
        out: the folder of the results.
        manifests: whether the run writes them.
        move: whether they are deleted there once they are packed.

    Yields:
        what has to be told every photo's end.

    Raises:
        ExportError: the zip cannot be written, or a result not be read.
    """
    with _refusals(target), _opened(target) as file, ZipStream(file) as archive:

        def add(names: Iterator[str]) -> None:
            for name in names:
                with _refusals(target):
                    archive.add(out / name, name)
                    if move:
                        (out / name).unlink()

        yield lambda entry: add(iter(entry.files))
        if manifests:
            add(iter((MANIFEST, TABLE)))


def check_own_zip(path: Path) -> None:
    """Lets no other file than a zip of results be replaced by one.

    Raises:
        ConfigError: something else has its name.
    """
    check_own(path, lambda head, tail: head[:2] == b"PK" and tail.endswith(COMMENT))


@contextlib.contextmanager
def _opened(target: str) -> Iterator[BinaryIO]:
    if target == STDOUT:
        sys.stdout.flush()
        with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as file:
            yield file
        return
    path = Path(target)
    remove_stale(path.parent)  # what a run that was killed left there
    with open_atomic(path) as file:
        yield file


@contextlib.contextmanager
def _refusals(target: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise write_refused(Path(target).name, error) from error
        name = "The zip on standard output" if target == STDOUT else Path(target).name
        raise ExportError(
            f"{name} could not be written ({error.strerror or error}), expected free space and "
            "write permission: free some space or choose another place; the folder of results "
            "keeps what is finished."
        ) from error
