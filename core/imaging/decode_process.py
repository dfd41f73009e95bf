"""Decoder processes: started without secrets in their environment, and ended for good."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import IO

from core.errors import EngineError

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
