"""The process that does heavy work in three dimensions for `core.files.geometry_process`."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from core.errors import ExportError
from core.files.geometry_process import Job
from core.files.job_process import answer, begin, die_with
from core.files.writers_3d import write_built
from core.geometry.mesh import Mesh
from core.geometry.open3d_tools import load_open3d
from core.geometry.point_cloud import PointCloud
from core.geometry.three_d import build_from
from core.images.decode_process import PATIENCE, set_alarm

_ALARM_GRACE = 5  # seconds after the parent's own time limit


def serve(folder: str, memory_bytes: int) -> None:
    """Does the job in a folder and leaves the answer there.

    Args:
        folder: with `job.json` and the arrays; the result goes into its folder `result`.
        memory_bytes: that this process may use.
    """
    place = Path(folder)
    begin(place)
    job = TypeAdapter(Job).validate_json((place / "job.json").read_bytes())
    die_with(job.parent)
    set_alarm(math.ceil(job.seconds * PATIENCE) + _ALARM_GRACE)  # die_with is Linux's
    arrays = {path.stem: np.load(path, mmap_mode="r") for path in place.glob("*.npy")}
    if job.options.needs_open3d(arrays["depth"].size):
        with contextlib.suppress(ExportError):  # said when it is used
            load_open3d()
    answer(place, memory_bytes, lambda: _facts(place, job, arrays))


def _facts(folder: Path, job: Job, arrays: Mapping[str, np.ndarray[Any, Any]]) -> dict[str, Any]:
    confidence = arrays.get("confidence")
    built = build_from(arrays["depth"], arrays["rgb"], job.scene, job.options, confidence)
    if job.file is not None:
        return write_built(folder / "result" / job.file, built)
    for name, array in _arrays(built).items():
        np.save(folder / "result" / f"{name}.npy", array, allow_pickle=False)
    if isinstance(built, PointCloud):
        return {"stride": built.stride, "dropped": dict(built.dropped)}
    return {}


def _arrays(built: PointCloud | Mesh) -> dict[str, np.ndarray[Any, Any]]:
    names = ("vertices", "faces") if isinstance(built, Mesh) else ("points", "colors", "pixels")
    arrays = {name: getattr(built, name) for name in (*names, "normals")}
    return {name: array for name, array in arrays.items() if array is not None}
