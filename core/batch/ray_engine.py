"""The batch path on Ray Data: the same files and manifest, by several processes or machines.

Ray's actors each load the model once and take photos one by one through the same code as
the single process, with a batch of one and a fixed number of threads: so the files are the same,
byte for byte. Ray restarts an actor that dies and hands its photos to another; those of them that
were finished already are found finished. Photos wait in Ray only as paths, in bounded number.

On several machines photos and results lie at the same path on each of them.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from core.batch.manifest import BatchSettings, Entry, Totals
from core.batch.photo import PhotoRunner
from core.batch.plan import Job
from core.batch.run import record, remove_stale_below, sources_of, with_one_scale
from core.errors import DepthError, EngineError
from core.predictor import models_of_run
from core.threads import usable_threads
from core.weights.registry import named_folder

_ROWS = 64  # photos of one piece of work at most: what is handed on when an actor dies


def predict_files_on_ray(
    jobs: Sequence[Job],
    out: Path,
    model: str | None,
    settings: BatchSettings,
    *,
    workers: int | None = None,
    left_out: Mapping[str, int] | None = None,
    on_entry: Callable[[Entry], None] | None = None,
) -> Totals:
    """`core.batch.run.predict_files` on Ray; the cluster of RAY_ADDRESS, else one on this machine.

    Args:
        model: its name; None lets the photo choose.
        workers: actors; None takes one for each core, with one thread each. With OMP_NUM_THREADS
            set, each has that many threads, and there are as many as fit.
    """
    ray = _ray()
    models, _ = models_of_run(model)
    settings = with_one_scale(settings, jobs, out, models)
    asked = os.environ.get("OMP_NUM_THREADS", "")
    threads = usable_threads() if asked.isdigit() else 1
    workers = workers or max(1, (os.cpu_count() or 1) // threads)
    remove_stale_below(jobs, out)
    started_here = _start(ray, workers * threads + 1)  # one more reads the plan
    try:
        entries = _entries(ray, jobs, out, model, settings, workers, threads)
        totals = record(
            entries, len(jobs), out, models, settings, left_out=left_out, on_entry=on_entry
        )
        remove_stale_below(jobs, out)  # of an actor that died in this run
        return totals
    finally:
        if started_here:
            ray.shutdown()


class PhotoActor:
    """What every Ray process holds: the model, loaded with the first photo that needs it."""

    def __init__(
        self, out: Path, model: str | None, settings: BatchSettings, sources: frozenset[str]
    ) -> None:
        models, load = models_of_run(model, settings.precision)
        self._runner = PhotoRunner(out, models, load, settings, sources=sources)

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        """A row with a job to one with its entry, both as text."""
        source, stem, *others = json.loads(row["job"])
        job = Job(Path(source), Path(stem), tuple(map(Path, others)))
        entry = self._runner.run(job)
        return {"index": row["index"], "entry": entry.to_line()}


def _entries(
    ray: Any,
    jobs: Sequence[Job],
    out: Path,
    model: str | None,
    settings: BatchSettings,
    workers: int,
    threads: int,
) -> Iterator[Entry]:
    """What becomes of every photo, in the plan's order."""
    rows = [  # as JSON, since Arrow takes no name that is no text
        {
            "index": i,
            "job": json.dumps([str(job.source.absolute()), *map(str, (job.stem, *job.others))]),
        }
        for i, job in enumerate(jobs)
    ]
    variables = {"OMP_NUM_THREADS": str(threads)}
    folder = named_folder()
    if folder is not None:  # of models, as every process finds it
        variables["LAPDEPTH_MODELS"] = str(folder)
    if model and Path(model).is_file():
        model = str(Path(model).absolute())
    pieces = max(min(len(rows), 4 * workers), -(-len(rows) // _ROWS))
    dataset = ray.data.from_items(rows, override_num_blocks=pieces).map(
        PhotoActor,
        fn_constructor_args=(out.absolute(), model, settings, sources_of(jobs)),
        compute=ray.data.ActorPoolStrategy(size=workers),
        num_cpus=threads,
        runtime_env={"env_vars": variables},
    )
    try:
        for row in dataset.iter_rows():
            entry = json.loads(row["entry"])
            yield Entry(**{**entry, "input": jobs[row["index"]].label})
    except ray.exceptions.RayError as error:
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, DepthError):
                raise cause from error
            cause = getattr(cause, "cause", None) or cause.__cause__
        raise EngineError(
            f"Ray gave up ({str(error).strip().splitlines()[0][:200]}), expected its processes to "
            "live: start the same command again, it goes on where it stopped."
        ) from error


def _ray() -> Any:
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise EngineError(
            f"Ray cannot be used ({error}), expected the optional extra ray: install it with "
            'pip install "ray[data]", or use --engine local.'
        ) from error
    return ray


def _start(ray: Any, cores: int) -> bool:
    """Joins a cluster, or starts one that ends with this process: whether the latter."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is sent anywhere
    os.environ.setdefault("RAY_worker_niceness", "0")  # its processes do the work, not the driver
    if ray.is_initialized():
        return False
    options: dict[str, Any] = {"logging_level": "ERROR", "log_to_driver": False}
    if "RAY_ADDRESS" not in os.environ:
        options |= {"num_cpus": max(cores, os.cpu_count() or 1), "include_dashboard": False}
    try:
        ray.init(**options)
    except Exception as error:  # a node that does not come up raises a plain Exception
        raise EngineError(
            f"Ray does not start ({str(error).splitlines()[0][:200]}), expected a cluster at "
            "RAY_ADDRESS, or room for one on this machine: check both."
        ) from error
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    context = ray.data.DataContext.get_current()
    context.execution_options.preserve_order = True
    context.enable_progress_bars = False  # the command has its own
    return True
