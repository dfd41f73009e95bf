"""The process that does heavy work in three dimensions for `core.files.geometry_process`."""

from __future__ import annotations

import contextlib
import ctypes
import json
import math
import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from core.errors import DepthError, ExportError
from core.files.geometry_process import OUT_OF_MEMORY, Job
from core.files.outputs_3d import write_built
from core.geometry.build import build_from
from core.geometry.mesh import Mesh
from core.geometry.open3d_tools import load_open3d
from core.geometry.point_cloud import PointCloud
from core.images.decode_process import PATIENCE, set_alarm

if sys.platform != "win32":
    import resource

_PR_SET_PDEATHSIG = 1  # prctl.h
_ALARM_GRACE = 5  # seconds after the parent's own time limit


def serve(folder: str, memory_bytes: int) -> None:
    """Does the job in a folder and leaves the answer there.

    Args:
        folder: with `job.json` and the arrays; the result goes into its folder `result`.
        memory_bytes: that this process may use.
    """
    os.dup2(2, 1)  # nobody reads what Open3D prints
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    place = Path(folder)
    tempfile.tempdir = folder  # goes with the folder, however this process ends
    job = TypeAdapter(Job).validate_json((place / "job.json").read_bytes())
    die_with(job.parent)
    set_alarm(math.ceil(job.seconds * PATIENCE) + _ALARM_GRACE)
    arrays = {path.stem: np.load(path, mmap_mode="r") for path in place.glob("*.npy")}
    if job.options.needs_open3d(arrays["depth"].size):
        with contextlib.suppress(ExportError):  # said when it is used
            load_open3d()
    restrict(memory_bytes)
    try:
        answer: dict[str, Any] = {"facts": _facts(place, job, arrays)}
    except DepthError as error:
        answer = {"error": {"kind": type(error).__name__, "sentence": str(error)}}
    except MemoryError:
        os._exit(OUT_OF_MEMORY)
    except Exception:  # a bug of ours: the parent logs it
        answer = {"bug": traceback.format_exc()}
    (place / "answer.json").write_text(json.dumps(answer))


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


def restrict(memory_bytes: int) -> None:
    """Bounds memory and forbids core dumps."""
    if sys.platform == "win32":
        return
    # What is allocated, unlike the address space, in which Open3D's libraries have a gigabyte.
    for kind, limit in ((resource.RLIMIT_DATA, memory_bytes), (resource.RLIMIT_CORE, 0)):
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(kind, (limit, limit))


def die_with(parent: int) -> None:
    """On Linux; elsewhere the alarm ends a process whose parent died."""
    with contextlib.suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before
        os._exit(1)
