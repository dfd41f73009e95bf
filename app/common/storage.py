"""Temporary files of the web app: one folder made by the server, one sub-folder per result.

Clients never name a path: what they send must be a file that this server stored for them, and
what they get lies in a folder with a random name, deleted when their session ends or when it is
old. Everything goes when the server stops; a killed server's folder is removed by the next one.
"""

from __future__ import annotations

import contextlib
import logging
import math
import os
import re
import secrets
import shutil
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from core.atomic import write_atomic
from core.errors import ExportError, ImageError

log = logging.getLogger(__name__)

_PREFIX = "lapdepth-studio-"
_OWNER = "owner.pid"
_RESULTS = "results"
_READING_SECONDS = 60.0
_JUMP_SECONDS = 30.0  # a change of the clock that no correction makes
_SURPLUS = 1.5  # of what may be kept, until the next sweep has made room
_DISK_RESERVE = 200e6  # bytes left for the results of what is uploaded


class Storage:
    """The server's own temporary folder.

    Args:
        parent: where to make it; None takes the system's folder for temporary files.

    Attributes:
        root: the folder, readable by this user only. Uploads lie directly in it.
    """

    def __init__(self, parent: Path | None = None) -> None:
        try:
            home = Path(tempfile.gettempdir() if parent is None else parent)
        except OSError as error:  # it tries to write, here and there
            raise ExportError(
                "No folder for temporary files can be written, expected one with free space: free "
                "some space, or set TMPDIR to another folder."
            ) from error
        remove_orphans(home)
        try:
            self.root = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=home)).resolve()
            (self.root / _OWNER).write_text(str(os.getpid()))
            (self.root / _RESULTS).mkdir(mode=0o700)
        except OSError as error:
            raise ExportError(
                f"No temporary folder can be made in {home} ({error.strerror}), expected a "
                "writable one with free space: set TMPDIR to another folder."
            ) from error
        self._clock = _ClockWatch()
        self._kept = {_OWNER, _RESULTS}
        self._sessions: dict[str, set[Path]] = defaultdict(set)
        self._lock = threading.Lock()

    def protect(self) -> None:
        """Keeps for good what lies here now: the server's own pictures, before any upload."""
        self._kept.update(path.name for path in self.root.iterdir())

    def folder(self, session: str | None) -> Path:
        """A new empty folder with an unguessable name, deleted with its session."""
        path = self.root / _RESULTS / secrets.token_urlsafe(18)
        try:
            path.mkdir(mode=0o700)
        except OSError as error:
            raise ExportError(
                f"No folder for the results can be made ({error.strerror}), expected a writable "
                "disk with free space: free some space on the server and try again."
            ) from error
        if session is not None:
            with self._lock:
                self._sessions[session].add(path)
        return path

    def end_session(self, session: str | None) -> None:
        """Deletes every result of a session."""
        with self._lock:
            folders = self._sessions.pop(session or "", set())
        for path in folders:
            shutil.rmtree(path, ignore_errors=True)

    def sweep(self, age: float, most_bytes: float = math.inf) -> int:
        """Deletes uploads and results that are old, and the oldest where all are too large.

        Args:
            age: seconds without a change after which they are old.
            most_bytes: of everything together; what is younger than a minute stays all the same,
                since its client may still be reading it.
        """
        now, removed, total = time.time(), 0, 0
        trusted = self._clock.steady_for(age)  # else no time of change can be believed
        for changed, size, path in sorted(self._contents(), reverse=True):
            total += size
            unchanged = abs(now - changed)  # after a jump a change may seem to be in the future
            spare = total > most_bytes and unchanged > _READING_SECONDS
            if (unchanged > age and trusted) or spare:
                with contextlib.suppress(OSError):
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
                    removed += 1
        with self._lock:
            for session in list(self._sessions):
                self._sessions[session] = {p for p in self._sessions[session] if p.exists()}
                if not self._sessions[session]:
                    del self._sessions[session]
        return removed

    def _contents(self) -> Iterator[tuple[float, int, Path]]:
        """Time of the latest change, bytes and path of every upload and result."""
        for path in [*self.root.iterdir(), *(self.root / _RESULTS).iterdir()]:
            if path.name not in self._kept:
                with contextlib.suppress(OSError):  # it may go while it is looked at
                    inside = [path.lstat(), *_inside(path)]
                    newest = max(entry.st_mtime for entry in inside)
                    yield newest, sum(entry.st_size for entry in inside), path

    def used_bytes(self) -> int:
        """Of all uploads and results. Reads the whole folder: not for the event loop."""
        return sum(size for _, size, _ in self._contents())

    def room(self, most_bytes: float) -> float:
        """Bytes that uploads may still take: of what the server may use, and of the disk.

        Reads the whole folder: not for the event loop.
        """
        try:
            free = shutil.disk_usage(self.root).free
        except OSError:
            return 0.0
        return min(most_bytes * _SURPLUS - self.used_bytes(), free - _DISK_RESERVE)

    def close(self) -> None:
        """Deletes the whole folder."""
        shutil.rmtree(self.root, ignore_errors=True)

    def keep(self, name: str, data: bytes) -> Path:
        """Keeps a file as if it had been uploaded; it goes with the other uploads."""
        path = self.root / secrets.token_urlsafe(18) / (Path(name).name or "photo")
        write_atomic(path, data)
        return path

    def uploaded(self, value: Any) -> Path:
        """The file behind what a client sent for a picture.

        Args:
            value: the description that the upload returned: {"path": ..., "meta": ...}.

        Raises:
            ImageError: anything but a file that was uploaded to this server and is still there.
        """
        path = value.get("path") if isinstance(value, dict) else None
        if not isinstance(path, str) or not path or "\0" in path or len(path) > 4096:
            raise ImageError(
                f"The picture is {_shape_of(value)}, expected an uploaded file: upload it first "
                "(in Python: gradio_client.handle_file with a file on your computer)."
            )
        if re.match(r"(?i)[a-z][a-z0-9+.-]*://", path):
            raise ImageError(
                "The picture is a web address, expected an uploaded file: this server fetches "
                "nothing from the network, so download the picture and upload it."
            )
        with contextlib.suppress(OSError, ValueError):  # a name that no file can have
            resolved = Path(path).resolve()
            inside = resolved.is_relative_to(self.root) and resolved.parent != self.root
            result = resolved.is_relative_to(self.root / _RESULTS)
            if inside and not result and resolved.is_file():
                return resolved
        raise ImageError(
            "The picture is not a file of this server's uploads (it may have expired), "
            "expected a recent upload: upload it again."
        )


def _inside(folder: Path) -> Iterator[os.stat_result]:
    """Of everything in a folder, at any depth; nothing where it is a file."""
    waiting = [] if folder.is_symlink() or not folder.is_dir() else [str(folder)]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                yield entry.stat(follow_symlinks=False)
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)


class _ClockWatch:
    """Notices that the time of day was changed under a running program."""

    def __init__(self) -> None:
        self._offset = time.time() - time.monotonic()
        self._changed: float | None = None

    def steady_for(self, seconds: float) -> bool:
        """Whether no change was seen within so many seconds."""
        offset, now = time.time() - time.monotonic(), time.monotonic()
        if abs(offset - self._offset) > _JUMP_SECONDS:
            log.warning("the clock jumped by %.0f s", offset - self._offset)
            self._changed = now
        self._offset = offset
        return self._changed is None or now - self._changed > seconds


def remove_orphans(home: Path) -> None:
    """Deletes the folders of servers that were killed."""
    for path in home.glob(f"{_PREFIX}*"):
        try:
            if path.is_symlink() or path.stat().st_uid != os.getuid():
                continue
            owner = int((path / _OWNER).read_text())
            os.kill(owner, 0)
        except ProcessLookupError:
            log.info("removing the temporary files of a server that was killed: %s", path)
            shutil.rmtree(path, ignore_errors=True)
        except (OSError, ValueError):
            continue


def _shape_of(value: Any) -> str:
    kinds: dict[type, str] = {
        str: "a text",
        dict: "an incomplete description of a file",
        list: "a list",
    }
    kind: type = type(value)
    return "missing" if value is None else kinds.get(kind, f"a {kind.__name__}")
