"""A job in a process of its own, seen from both sides: who waits for it, and what it answers.

The job's folder holds what it works on; its answer is one JSON object in it: a result, or a
sentence for people, or what went wrong in the program. Nothing is pickled.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import logging
import os
import signal
import subprocess
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from core import errors
from core.atomic import write_atomic
from core.errors import DepthError, EngineError
from core.images import decode_process
from core.images.decode_process import Deadline

_log = logging.getLogger(__name__)

_OUT_OF_MEMORY = 3  # exit status
_ANSWER = "answer.json"
_STEP_SECONDS = 0.1  # between two looks at who waits
_PR_SET_PDEATHSIG = 1  # prctl.h


def done_apart(
    module: str,
    folder: Path,
    while_waiting: Callable[[], None],
    *,
    memory_bytes: int,
    seconds: float,
    name: str,
    remedy: str,
) -> Any:
    """Lets a module's `serve(folder, memory_bytes)` do the job in a folder.

    Args:
        module: of this program, by its dotted name; its `serve` calls `begin` and `answer`.
        folder: with the job; the answer goes there.
        while_waiting: called ten times a second; what it raises ends the process.
        seconds: wall time of the process, more only where the machine is too busy (`Deadline`).
        name, remedy: begin and end the sentence on a job that costs more: "The work in 3D".

    Returns:
        the result, as it came through JSON.

    Raises:
        DepthError: the job's own, or it needs more memory or time than it may have.
        OSError: the process cannot be started.
    """
    process = decode_process.start(module, str(folder), memory_bytes)
    deadline = Deadline(process, seconds)
    try:
        with deadline:
            while process.poll() is None:
                while_waiting()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(_STEP_SECONDS)
    finally:
        decode_process.end(process)
    if deadline.expired:
        raise EngineError(f"{name} took longer than {seconds:g} s, expected less: {remedy}.")
    said = folder / _ANSWER
    answer = json.loads(said.read_text()) if said.is_file() else {}
    if "result" in answer:
        return answer["result"]
    if "error" in answer:
        raise getattr(errors, answer["error"]["kind"], DepthError)(answer["error"]["sentence"])
    # Native code that gets no memory ends its process by a signal.
    if "bug" in answer or not (process.returncode == _OUT_OF_MEMORY or process.returncode < 0):
        _log.error("%s failed:\n%s", name, answer.get("bug", "at the start"))
        raise EngineError(
            f"{name} failed inside the program, expected a result: try again, and report it if it "
            "fails again."
        )
    raise EngineError(
        f"{name} needs more than {memory_bytes / 1e9:.3g} GB of memory, expected less: {remedy}."
    )


def begin(folder: Path) -> None:
    """Prepares the job's process: silent, deaf to Ctrl-C, its temporary files in the folder."""
    os.dup2(2, 1)  # nobody reads what libraries print
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    tempfile.tempdir = str(folder)  # goes with the folder, however this process ends


def answer(folder: Path, memory_bytes: int, work: Callable[[], Any]) -> None:
    """Does the work within its memory and leaves the answer in the folder."""
    # What is allocated, unlike the address space, in which Open3D's libraries have a gigabyte.
    decode_process.restrict(DATA=memory_bytes, CORE=0)
    try:
        said: dict[str, Any] = {"result": work()}
    except DepthError as error:
        said = {"error": {"kind": type(error).__name__, "sentence": str(error)}}
    except MemoryError:
        os._exit(_OUT_OF_MEMORY)
    except Exception:  # a bug of ours: the parent logs it
        said = {"bug": traceback.format_exc()}
    write_atomic(folder / _ANSWER, json.dumps(said).encode())


def die_with(parent: int) -> None:
    """Ends this process when its parent ends; Linux only."""
    with contextlib.suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before
        os._exit(1)
