"""Files that are either whole or not there: write to a temporary name, sync, rename."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import secrets
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from core.errors import ConfigError, ExportError

if sys.platform != "win32":
    import fcntl

_log = logging.getLogger(__name__)

_PREFIX, _SUFFIX, _STAGE = ".lapdepth-", ".tmp", ".stage"
OWN_BYTES = 1 << 16  # looked at to tell a file of this program from another
# A temporary file is locked right after it is made; one this old and unlocked has lost its writer.
_UNLOCKED_SECONDS = 1.0


def write_atomic(path: str | os.PathLike[str], content: bytes | Callable[[BinaryIO], None]) -> None:
    """Write a file so that no reader, crash or full disk ever leaves half of it behind.

    The bytes go to a temporary name in the same folder (made when missing), are synced to disk and
    renamed over `path`; on any error the temporary file is removed and `path` keeps what it had.

    Args:
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
        raise write_refused(target.name, error) from error


def write_refused(name: str, error: OSError) -> ExportError:
    """The error for a file that the system does not let be written: what to do depends on why."""
    shown = name if len(name) < 80 else f"{name[:50]}...{name[-25:]}"
    if error.errno == errno.ENAMETOOLONG:
        return ExportError(
            f"{shown} could not be written ({error.strerror}), expected a name and path that this "
            "disk can hold: choose a shorter name, or choose another folder."
        )
    return ExportError(
        f"{shown} could not be written ({error.strerror or error}), expected a folder "
        "with free space and write permission: free some space or choose another folder; "
        "nothing was left half-written."
    )


def check_own(path: Path, is_ours: Callable[[bytes, bytes], bool]) -> None:
    """Lets a file be written where none is, or one that this program wrote before.

    Args:
        is_ours: told the first and the last `OWN_BYTES` of what is there.

    Raises:
        ConfigError: something else is there.
    """
    if not os.path.lexists(path):
        return
    try:
        with path.open("rb") as file:
            head = file.read(OWN_BYTES)
            file.seek(max(0, file.seek(0, os.SEEK_END) - OWN_BYTES))
            if is_ours(head, file.read()):
                return
    except OSError:  # a folder, or nothing that can be read: then it is nobody's to replace
        pass
    raise ConfigError(
        f"{path} is there already and was not written by this program, expected a name that is "
        "free: choose another, or move it away."
    )


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


@contextlib.contextmanager
def open_stage(parent: Path) -> Iterator[Path]:
    """A new locked folder below another, for files that take their places together; then it goes.

    Raises:
        OSError: the folder or disk refused.
    """
    parent.mkdir(parents=True, exist_ok=True)
    path = parent / f"{_PREFIX}{secrets.token_hex(8)}{_STAGE}"
    path.mkdir()
    try:
        descriptor = None
        with contextlib.suppress(OSError):  # not every system opens folders
            descriptor = os.open(path, os.O_RDONLY)
            _try_lock(descriptor)
        try:
            yield path
        finally:
            if descriptor is not None:
                os.close(descriptor)
    finally:
        shutil.rmtree(path, ignore_errors=True)


def remove_stale(folder: str | os.PathLike[str]) -> int:
    """Delete temporary files and stages in `folder` whose writer died; call it at start-up.

    Files that a living process is still writing are left alone: their writer holds a lock.

    Returns:
        How many were deleted. A folder that cannot be read counts as empty.
    """
    removed = 0
    try:
        found = Path(folder).glob(f"{_PREFIX}*")
        candidates = [path for path in found if path.suffix in (_SUFFIX, _STAGE)]
    except OSError:
        return 0
    for candidate in candidates:
        with contextlib.suppress(OSError):
            if _is_abandoned(candidate):
                if candidate.suffix == _STAGE:
                    shutil.rmtree(candidate)
                else:
                    candidate.unlink()
                removed += 1
    if removed:
        _log.info("removed %d temporary files of an interrupted run", removed)
    return removed


def is_temporary(path: Path) -> bool:
    """Whether a name is one of this module's temporary files."""
    return path.name.startswith(_PREFIX) and path.suffix == _SUFFIX


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
        begun = path.is_dir() and any(path.iterdir())  # it is locked before anything is put there
        return (begun or age > _UNLOCKED_SECONDS) and _try_lock(descriptor)
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
