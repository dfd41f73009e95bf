"""Files that are either whole or not there: write to a temporary name, sync, rename."""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from core.errors import ExportError

if sys.platform != "win32":
    import fcntl

_log = logging.getLogger(__name__)

_PREFIX, _SUFFIX = ".lapdepth-", ".tmp"
# A temporary file is locked right after it is made; one this old and unlocked has lost its writer.
_UNLOCKED_SECONDS = 1.0


def write_atomic(path: str | os.PathLike[str], content: bytes | Callable[[BinaryIO], None]) -> None:
    """Write a file so that no reader, crash or full disk ever leaves half of it behind.

    The bytes go to a temporary name in the same folder (made when missing), are synced to disk and
    renamed over `path`; on any error the temporary file is removed and `path` keeps what it had.

    Args:
        path: the file to make or replace.
        content: its bytes, or a function that writes them to an open binary file.

    Raises:
        ExportError: the folder or disk refused; names the file and what to do. Other exceptions of
            `content` pass through.
    """
    target = Path(path)
    try:
        with open_atomic(target) as file:
            if callable(content):
                content(file)
            else:
                file.write(content)
    except OSError as error:
        raise ExportError(
            f"{target.name} could not be written ({error.strerror or error}), expected a folder "
            "with free space and write permission: free some space or choose another folder; "
            "nothing was left half-written."
        ) from error


@contextlib.contextmanager
def open_atomic(path: Path) -> Iterator[BinaryIO]:
    """A new binary file that takes its name when the block ends, and is deleted when an error does.

    Raises:
        OSError: the folder or disk refused.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with _temporary(path.parent) as (file, temporary):
        yield file
        file.flush()
        os.fsync(file.fileno())
        temporary.replace(path)
    _sync_folder(path.parent)


def remove_stale(folder: str | os.PathLike[str]) -> int:
    """Delete temporary files in `folder` whose writer died; call it at start-up.

    Files that a living process is still writing are left alone: their writer holds a lock.

    Returns:
        How many were deleted. A folder that cannot be read counts as empty.
    """
    removed = 0
    try:
        candidates = list(Path(folder).glob(f"{_PREFIX}*{_SUFFIX}"))
    except OSError:
        return 0
    for candidate in candidates:
        with contextlib.suppress(OSError):
            if _is_abandoned(candidate):
                candidate.unlink()
                removed += 1
    if removed:
        _log.info("removed %d temporary files of an interrupted run", removed)
    return removed


@contextlib.contextmanager
def _temporary(folder: Path) -> Iterator[tuple[BinaryIO, Path]]:
    """A new locked file in `folder`, deleted on the way out unless it was renamed."""
    path = folder / f"{_PREFIX}{secrets.token_hex(8)}{_SUFFIX}"
    # O_EXCL: never follow or reuse what someone else put there; 0o666 lets the umask decide.
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags, 0o666)
    try:
        with os.fdopen(descriptor, "w+b") as file:
            _try_lock(file.fileno())
            yield file, path
    finally:
        with contextlib.suppress(OSError):
            path.unlink()


def _try_lock(descriptor: int) -> bool:
    """Take an exclusive lock if the file system has locks and nobody else holds it."""
    if sys.platform == "win32":
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _is_abandoned(path: Path) -> bool:
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
    try:
        # abs(): after a clock jump the file may seem to come from the future.
        age = abs(time.time() - os.fstat(descriptor).st_mtime)
        return age > _UNLOCKED_SECONDS and _try_lock(descriptor)
    finally:
        os.close(descriptor)


def _sync_folder(folder: Path) -> None:
    """Make the rename itself survive a power cut; not every system lets a folder be synced."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
