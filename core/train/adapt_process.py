"""Adapting in a process of its own, for pages: bounded in memory and time, and ended on demand.

It works at low priority, so that other people's photos come first, and leaves how far it is and at
last its answer in the folder of the job.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from core.atomic import write_atomic
from core.errors import EngineError
from core.files.job_process import answer, begin, die_with, done_apart

MEMORY_BYTES = 6_000_000_000
_SPARE_SECONDS = 240.0  # besides the minutes asked for: starting, reading frames, judging
_NICE = 5  # of 20; by a third of what a photo gets, or minutes would become an hour
_JOB, _PROGRESS = "job.json", "progress.json"

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

    def while_waiting() -> None:
        if not wanted():
            raise EngineError(
                "Adapting was stopped since nobody waits for it any more, expected somebody who "
                "does: nothing was changed."
            )
        with contextlib.suppress(OSError, ValueError):
            tell(*json.loads((folder / _PROGRESS).read_text()))

    report: Report = done_apart(
        __name__,
        folder,
        while_waiting,
        memory_bytes=MEMORY_BYTES,
        seconds=60 * float(asked["minutes"]) + _SPARE_SECONDS,
        name="Adapting",
        remedy="give fewer or smaller photos; nothing was changed",
    )
    return report


def serve(folder: str, memory_bytes: int) -> None:
    """Does the job in a folder and leaves the answer there."""
    place = Path(folder)
    begin(place)
    job = json.loads((place / _JOB).read_text())
    die_with(job.pop("parent"))
    if hasattr(os, "nice"):
        os.nice(_NICE)
    os.environ["LAPDEPTH_MODELS"] = job.pop("models")
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.pop(name, None)
    answer(place, memory_bytes, lambda: _adapted(place, job))


def _adapted(place: Path, job: dict[str, Any]) -> Report:
    from core.train.adapt import AdaptRequest, adapt  # PyTorch: the parent does without

    def tell(done: int, total: int) -> None:
        write_atomic(place / _PROGRESS, json.dumps([done, total]).encode())

    report = adapt(AdaptRequest(**{**job, "data": Path(job["data"])}), tell)
    return report.to_dict()
