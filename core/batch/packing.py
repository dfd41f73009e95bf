"""A run's results as one zip, packed photo by photo while the run goes on.

`zipfile` keeps every member's description until the end (56 MB for 100,000 of them, measured). Here
the directory that comes last waits in a scratch file. Members are stored as they are: PNG and
compressed arrays gain nothing from being deflated. Layout: PKWARE's APPNOTE 6.3, with the
64-bit records where numbers need them.
"""

from __future__ import annotations

import contextlib
import datetime
import errno
import os
import shutil
import struct
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from core.atomic import check_own, open_atomic, remove_stale, write_refused
from core.batch.manifest import Entry
from core.batch.plan import MANIFEST, TABLE
from core.errors import ExportError

_CHUNK = 1 << 20
_SEE_64, _SEE_64_FILES = 0xFFFFFFFF, 0xFFFF  # in an old record: the number is in the new one
_LARGE, _MANY = _SEE_64, _SEE_64_FILES  # from here on
_UTF8 = 0x0800
_UNIX_FILE = 0o100644 << 16
COMMENT = b"results of LapDepth Studio"  # by which a later run knows that it may replace the zip
_MADE_BY = (3 << 8) | 45  # Unix, version 4.5: the first with 64-bit records


class ZipStream:
    """Writes a zip as its files come; a context manager that ends it, unless an error does.

    Args:
        file: open for writing bytes; never sought in, so it may be a pipe.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._directory: BinaryIO = tempfile.TemporaryFile()  # noqa: SIM115 - closed by __exit__
        self._offset = 0
        self._count = 0

    def add(self, path: Path, name: str) -> None:
        """Stores a file that does not change meanwhile.

        Args:
            path: of the file.
            name: in the zip, with forward slashes.

        Raises:
            ExportError: it changed all the same.
            OSError: it cannot be read, or the zip not be written.
        """
        with path.open("rb") as source:
            size, crc = _measured(source)
            source.seek(0)
            changed = datetime.datetime.fromtimestamp(path.stat().st_mtime)
            self._begin(name, size, crc, changed)
            left, again = size, 0
            while left and (chunk := source.read(min(left, _CHUNK))):
                left, again = left - len(chunk), zlib.crc32(chunk, again)
                self._write(chunk)
        if left or again != crc:
            raise ExportError(
                f"{path.name} changed while it was packed, expected it to stay: start again, and "
                "let nothing else write to that folder."
            )

    def __enter__(self) -> ZipStream:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        with self._directory:
            if kind is None:
                self._end()

    def _begin(self, name: str, size: int, crc: int, changed: datetime.datetime) -> None:
        """The header before a file, and its line of the directory."""
        try:
            text, flags = name.encode(), _UTF8
        except UnicodeEncodeError:  # a name that is no text: its bytes, as the disk has them
            text, flags = os.fsencode(name), 0
        date = (max(0, changed.year - 1980) << 9) | (changed.month << 5) | changed.day
        time = (changed.hour << 11) | (changed.minute << 5) | (changed.second // 2)
        large, far = size >= _LARGE, self._offset >= _LARGE
        sizes = (_SEE_64, _SEE_64) if large else (size, size)
        here = struct.pack("<HHQQ", 1, 16, size, size) if large else b""
        there = (struct.pack("<QQ", size, size) if large else b"") + (
            struct.pack("<Q", self._offset) if far else b""
        )
        if there:
            there = struct.pack("<HH", 1, len(there)) + there
        common = struct.pack("<HHHHHIII", 45, flags, 0, time, date, crc, *sizes)
        self._directory.write(
            struct.pack("<IH", 0x02014B50, _MADE_BY)
            + common
            + struct.pack(
                "<HHHHHII",
                len(text), len(there), 0, 0, 0, _UNIX_FILE, _SEE_64 if far else self._offset,
            )
            + text
            + there
        )  # fmt: skip
        self._count += 1
        lengths = struct.pack("<HH", len(text), len(here))
        self._write(struct.pack("<I", 0x04034B50) + common + lengths + text + here)

    def _end(self) -> None:
        start, size = self._offset, self._directory.tell()
        self._directory.seek(0)
        shutil.copyfileobj(self._directory, self._file, _CHUNK)
        if self._count >= _MANY or size >= _LARGE or start >= _LARGE:
            counts = (self._count, self._count, size, start)
            self._file.write(
                struct.pack("<IQHHIIQQQQ", 0x06064B50, 44, _MADE_BY, 45, 0, 0, *counts)
            )
            self._file.write(struct.pack("<IIQI", 0x07064B50, 0, start + size, 1))
        count = min(self._count, _SEE_64_FILES)
        short = (count, count, min(size, _SEE_64), min(start, _SEE_64), len(COMMENT))
        self._file.write(struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, *short) + COMMENT)
        self._file.flush()

    def _write(self, data: bytes) -> None:
        self._file.write(data)
        self._offset += len(data)


def _measured(source: BinaryIO) -> tuple[int, int]:
    """Bytes and CRC-32 of what follows in a file."""
    size = crc = 0
    while chunk := source.read(_CHUNK):
        size, crc = size + len(chunk), zlib.crc32(chunk, crc)
    return size, crc


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
