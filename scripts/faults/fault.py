"""One fault: how it is caused, what should happen, what did."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PHOTO = ROOT / "assets" / "examples" / "room.jpg"
PYTHON = sys.executable
SECONDS = 300.0  # for one command, on a machine that is busy with others
_PLACES = re.compile(r"(/tmp|/run|/dev/shm)/[\w./-]*/")


class UnexpectedError(Exception):
    """The program did not do what it should."""


class UnavailableError(Exception):
    """This machine does not let the fault be caused; says why."""


@dataclass(frozen=True)
class Fault:
    """A row of the table.

    Attributes:
        name: the fault.
        cause: the command, or what is done.
        expected: what should happen.
        run: causes it; returns what was seen, in a few words.
    """

    name: str
    cause: str
    expected: str
    run: Callable[[], str]


def expect(condition: object, seen: object) -> None:
    """Checks one thing.

    Raises:
        UnexpectedError: it is not so; says what was seen instead.
    """
    if not condition:
        raise UnexpectedError(str(seen)[:500])


def command(
    *arguments: str | Path, prefix: Sequence[str] = (), **environment: str
) -> subprocess.CompletedProcess[str]:
    """Runs `python -m core ...` to its end, behind the words of `prefix`."""
    return subprocess.run(
        [*prefix, PYTHON, "-m", *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def one_sentence(done: subprocess.CompletedProcess[str], status: int) -> str:
    """What a command that failed said: no traceback, and the status that belongs to it.

    Raises:
        UnexpectedError: another status, or a traceback.
    """
    said = done.stderr.strip()
    expect(done.returncode == status, f"status {done.returncode}: {said or done.stdout}")
    expect("Traceback" not in said, said)
    expect(said and "\n" not in said, f"no sentence: {said!r}")
    return f"status {status}: {short(said)}"


def short(text: str) -> str:
    """Text for a cell of the table, without the places of this machine."""
    line = _PLACES.sub("", " ".join(text.split()).replace(f"{ROOT}/", "")).replace("|", "/")
    return line if len(line) <= 220 else line[:217] + "..."


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """A folder that goes away."""
    with tempfile.TemporaryDirectory(prefix="lapdepth-faults-") as folder:
        yield Path(folder)


@contextlib.contextmanager
def small_disk(kilobytes: int) -> Iterator[Path]:
    """A file system of its own, that small.

    Raises:
        UnavailableError: nothing may be mounted here.
    """
    with scratch() as folder:
        target = folder / "disk"
        target.mkdir()
        options = f"size={kilobytes}k"
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(target)],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise UnavailableError("a file system cannot be mounted here")
        try:
            yield target
        finally:
            subprocess.run(["umount", "-l", str(target)], check=False)


def read_only(folder: Path) -> None:
    """Makes the file system of `small_disk` read-only."""
    subprocess.run(
        ["mount", "-o", "remount,ro", str(folder)],
        check=True,
    )


def leftovers(folder: Path) -> list[str]:
    """Temporary files of the program below a folder."""
    return [path.name for path in folder.rglob(".lapdepth-*")]
