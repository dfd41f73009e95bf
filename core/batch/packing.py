"""A run's results as one zip, packed photo by photo while the run goes on.

Members are stored as they are: PNG and compressed arrays gain nothing from being deflated.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import sys
import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from core.atomic import check_own, open_atomic, remove_stale, write_refused
from core.batch.manifest import Entry
from core.batch.plan import MANIFEST, TABLE
from core.errors import ExportError

_CHUNK = 1 << 20
COMMENT = b"results of LapDepth Studio"  # by which a later run knows that it may replace the zip
STDOUT = "-"


def add_file(archive: zipfile.ZipFile, path: Path, name: str) -> None:
    """Stores a file that does not change meanwhile.

    Args:
        name: in the zip, with forward slashes; bytes of it that are no text are escaped.

    Raises:
        ExportError: it changed all the same.
        OSError: it cannot be read, or the zip not be written.
    """
    text = name.encode("utf-8", "backslashreplace").decode()
    with path.open("rb") as source:
        before = os.fstat(source.fileno())
        entry = zipfile.ZipInfo.from_file(path, text, strict_timestamps=False)
        with archive.open(entry, "w") as target:
            shutil.copyfileobj(source, target, _CHUNK)
        after = os.fstat(source.fileno())
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise ExportError(
            f"{path.name} changed while it was packed, expected it to stay: start again, and "
            "let nothing else write to that folder."
        )


@contextlib.contextmanager
def packed(
    target: str, out: Path, *, manifests: bool = True, move: bool = False
) -> Iterator[Callable[[Entry], None]]:
    """Packs the results below `out` as they come, and the run's manifests at the end.

    The zip has its name once it is whole; an error, or a kill, leaves none of that name.

    Args:
        target: the zip, or "-" for standard output.
        manifests: whether the run writes them.
        move: whether they are deleted there once they are packed.

    Yields:
        what has to be told every photo's end.

    Raises:
        ExportError: the zip cannot be written, or a result not be read.
    """
    with _refusals(target), _opened(target) as file, zipfile.ZipFile(file, "w") as archive:
        archive.comment = COMMENT

        def add(names: Iterable[str]) -> None:
            for name in names:
                with _refusals(target):
                    add_file(archive, out / name, name)
                    if move:
                        (out / name).unlink()

        yield lambda entry: add(entry.files)
        if manifests:
            add((MANIFEST, TABLE))


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
