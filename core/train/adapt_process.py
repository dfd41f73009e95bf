"""Adapting in a process of its own, for pages: bounded in memory and time, and ended on demand.

It works at low priority, so that other people's photos come first, and leaves how far it is and at
last its answer in the folder of the job.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import subprocess
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from core import errors
from core.atomic import write_atomic
from core.errors import DepthError, EngineError
from core.files.geometry_child import die_with, restrict
from core.files.geometry_process import OUT_OF_MEMORY
from core.images import decode_process
from core.images.decode_process import Deadline

_log = logging.getLogger(__name__)

MEMORY_BYTES = 6_000_000_000
_STEP_SECONDS = 0.2  # between two looks at who waits
_SPARE_SECONDS = 240.0  # besides the minutes asked for: starting, reading frames, judging
_NICE = 10
_JOB, _PROGRESS, _ANSWER = "job.json", "progress.json", "answer.json"

Report = dict[str, Any]


def adapt_apart(
    asked: dict[str, Any],
    folder: Path,
    models: Path,
    wanted: Callable[[], bool],
    tell: Callable[[int, int], None],
) -> Report:
    """`core.train.adapt.adapt` in another process.

    Args:
        asked: data, name, model and minutes of an `AdaptRequest`.
        folder: for the job's own files; goes with its owner.
        models: folder of models, from which it starts and to which the new one is added.
        wanted: whether anybody still waits.
        tell: called with (steps done, steps in all).

    Returns:
        `core.train.adapt_report.Adapted.to_dict`.

    Raises:
        DepthError: as `adapt`; or it took too much memory or time, or nobody waits any more.
    """
    job = {**asked, "data": str(asked["data"]), "models": str(models), "parent": os.getpid()}
    (folder / _JOB).write_text(json.dumps(job))
    seconds = 60 * float(asked["minutes"]) + _SPARE_SECONDS
    process = decode_process.start(__name__, str(folder), MEMORY_BYTES)
    deadline = Deadline(process, seconds)
    try:
        with deadline:
            while process.poll() is None:
                if not wanted():
                    raise EngineError(
                        "Adapting was stopped since nobody waits for it any more, expected "
                        "somebody who does: nothing was changed."
                    )
                with contextlib.suppress(OSError, ValueError):
                    tell(*json.loads((folder / _PROGRESS).read_text()))
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(_STEP_SECONDS)
    finally:
        decode_process.end(process)
    if deadline.expired:
        raise EngineError(
            f"Adapting took longer than {seconds / 60:.0f} minutes, expected less: give fewer or "
            "smaller frames; nothing was changed."
        )
    return _answer(folder, process.returncode)


def _answer(folder: Path, status: int) -> Report:
    said = folder / _ANSWER
    answer = json.loads(said.read_text()) if said.is_file() else {}
    if "report" in answer:
        return dict(answer["report"])
    if "error" in answer:
        raise getattr(errors, answer["error"]["kind"], DepthError)(answer["error"]["sentence"])
    if "bug" in answer or not (status == OUT_OF_MEMORY or status < 0):
        _log.error("adapting failed:\n%s", answer.get("bug", "at the start"))
        raise EngineError(
            "Adapting failed inside the program, expected a result: try again, and report it if it "
            "fails again."
        )
    raise EngineError(
        f"Adapting needs more than {MEMORY_BYTES / 1e9:.3g} GB of memory, expected less: give "
        "smaller photos."
    )


def serve(folder: str, memory_bytes: int) -> None:
    """Does the job in a folder and leaves the answer there."""
    os.dup2(2, 1)  # nobody reads what libraries print
    place = Path(folder)
    job = json.loads((place / _JOB).read_text())
    die_with(job.pop("parent"))
    if hasattr(os, "nice"):
        os.nice(_NICE)
    os.environ["LAPDEPTH_MODELS"] = job.pop("models")
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.pop(name, None)
    tempfile.tempdir = folder
    restrict(memory_bytes)
    try:
        answer: dict[str, Any] = {"report": _adapted(place, job)}
    except DepthError as error:
        answer = {"error": {"kind": type(error).__name__, "sentence": str(error)}}
    except MemoryError:
        os._exit(OUT_OF_MEMORY)
    except Exception:  # a bug of ours: the parent logs it
        answer = {"bug": traceback.format_exc()}
    write_atomic(place / _ANSWER, json.dumps(answer).encode())


def _adapted(place: Path, job: dict[str, Any]) -> Report:
    from core.train.adapt import AdaptRequest, adapt  # PyTorch: the parent does without

    def tell(done: int, total: int) -> None:
        write_atomic(place / _PROGRESS, json.dumps([done, total]).encode())

    report = adapt(AdaptRequest(**{**job, "data": Path(job["data"])}), tell)
    return report.to_dict()
