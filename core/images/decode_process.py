"""Decoder processes: started without secrets in their environment, and ended for good."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO

from core.errors import EngineError

# An ordinary photo of 100 megapixels takes 1 to 3 s of a core; on a machine with ten programs to a
# core that was seen to last 19 s.
PATIENCE = 2.5  # times the limit, for a process that gets on but was hardly given a core
_FAIR_SHARE = 0.3  # of a core: who had this much until the limit was not held up by others
_STALLED_SECONDS = 3.0  # without a hundredth of a second of computing: it hangs
_STEP_SECONDS = 0.25


class Deadline:
    """Kills a process that is still busy when its time is over.

    That is after `seconds`, whether it computes or hangs. Only a process that computes, now and
    then at least, and that the machine gave less than `_FAIR_SHARE` of a core may go on, to
    `PATIENCE` times as long.

    Args:
        process: whose time is limited while the context lasts.
        seconds: wall time.

    Attributes:
        expired: whether it was killed.
    """

    def __init__(self, process: subprocess.Popen[bytes], seconds: float) -> None:
        self.expired = False
        self._process = process
        self._seconds = seconds
        self._done = threading.Event()
        self._watch = threading.Thread(target=self._run, daemon=True)
        self._used_before = cpu_seconds(process.pid)

    def __enter__(self) -> None:
        self._watch.start()

    def __exit__(self, *_: object) -> None:
        self._done.set()

    def _run(self) -> None:
        start = moved = time.monotonic()
        used = self._used_before
        while not self._done.wait(min(_STEP_SECONDS, self._seconds)):
            now, before, used = time.monotonic(), used, cpu_seconds(self._process.pid)
            if used > before:
                moved = now
            stalled = now - moved >= min(_STALLED_SECONDS, self._seconds)
            fair = used - self._used_before >= self._seconds * _FAIR_SHARE
            late = now - start >= self._seconds * PATIENCE
            if now - start >= self._seconds and (stalled or fair or late):
                self.expired = True
                self._process.kill()
                return


def cpu_seconds(pid: int) -> float:
    """What a process has computed so far; 0 where the system does not tell."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")  # utime, stime
    except (OSError, ValueError, IndexError):
        return 0.0


_KEPT = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "SYSTEMROOT", "TEMP", "TMPDIR")
# One picture, one thread: more would only reserve address space.
_ADDED = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
_BOOTSTRAP = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from {module} import serve; serve(sys.argv[2], int(sys.argv[3]))"
)


def start(
    module: str, argument: str, memory_bytes: int, *, asked: bool = False
) -> subprocess.Popen[bytes]:
    """Starts a process that calls a module's `serve(argument, memory_bytes)`.

    Args:
        module: of this program, by its dotted name.
        argument: for `serve`.
        memory_bytes: address space that the process may use.
        asked: whether it reads requests; it answers on its standard output either way.

    Raises:
        OSError: it cannot be started.
    """
    search_path = json.dumps([str(Path(entry).absolute()) for entry in sys.path])
    environment = {key: os.environ[key] for key in _KEPT if key in os.environ}
    return subprocess.Popen(  # noqa: S603 - our own program
        [
            *(sys.executable, "-c", _BOOTSTRAP.format(module=module)),
            *(search_path, argument, str(memory_bytes)),
        ],
        stdin=subprocess.PIPE if asked else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # native libraries write to it directly
        env=environment | _ADDED,
    )


def end(process: subprocess.Popen[bytes]) -> None:
    """Kills a process and closes its pipes."""
    process.kill()
    for pipe in (process.stdin, process.stdout):
        with contextlib.suppress(OSError):  # flushing into a dead process
            if pipe is not None:
                pipe.close()
    process.wait()


def opened(pipe: IO[bytes] | None) -> IO[bytes]:
    """A pipe that a process was started with."""
    if pipe is None:
        raise OSError("the decoder has no such pipe")
    return pipe


def not_started(kind: str, error: Exception) -> EngineError:
    """The error for a decoder, of a "picture" or a "video", that cannot be started."""
    return EngineError(
        f"The {kind} decoder could not be started ({error}), expected room for one more process: "
        "free some memory and try again."
    )
