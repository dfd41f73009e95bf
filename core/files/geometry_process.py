"""Heavy work in three dimensions in a process of its own, so that a server goes on serving.

Open3D computes for minutes without letting any other thread of its process run, and takes memory
by the gigabyte. `write_apart` and `build_apart` do what `core.files.writers_3d.write_geometry` and
`core.geometry.three_d.build` do. What is light happens here and now; what is heavy happens in a
process that may use so much memory and time, and that ends with whoever waits for it: when the wait
is given up, and when this process dies.

The process (`serve`) gets arrays and settings as files (.npy, JSON) in a folder of the caller's,
and leaves its results there: nothing is pickled.
"""

from __future__ import annotations

import contextlib
import math
import os
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core.errors import EngineError, ExportError
from core.files.job_process import answer, begin, die_with, done_apart
from core.files.writers_2d import Facts
from core.files.writers_3d import write_built, write_geometry
from core.geometry.mesh import Mesh
from core.geometry.point_cloud import PointCloud
from core.geometry.provenance import SceneInfo
from core.geometry.three_d import SpaceOptions, build, build_from, confidence_for
from core.images.decode_process import PATIENCE, set_alarm

if TYPE_CHECKING:
    from core.prediction import Prediction

MEMORY_BYTES = 4_000_000_000
SECONDS = 90.0
_ALARM_GRACE = 5  # seconds after the parent's own time limit
AT_ONCE = 1  # such processes at a time: there is memory for one, and other work for the other core
_STEP_SECONDS = 0.1  # between two looks at who waits
_MANY_POINTS = 4_000_000  # more of them take seconds and half a gigabyte
_MANY_LINES = 250_000  # points of an .obj, which is text: 7 microseconds each
_REMEDY = (
    "take a lower density or fewer points, fewer triangles, a coarser surface, or a smaller photo"
)
_places = threading.BoundedSemaphore(AT_ONCE)


@dataclass(frozen=True)
class Apart:
    """What a heavy piece of work may cost.

    Attributes:
        memory_bytes: of its process.
        seconds: wall time of its process, more only where the machine is too busy for it
            (`Deadline`); waiting for a place is extra.
        wanted: asked ten times a second whether anybody still waits; may also raise.
        tell: called with the pictures of a clip that are drawn, and those in all.
    """

    memory_bytes: int = MEMORY_BYTES
    seconds: float = SECONDS
    wanted: Callable[[], bool] = lambda: True
    tell: Callable[[int, int], None] = lambda done, total: None


@dataclass(frozen=True)
class Job:
    """What the process is told.

    Attributes:
        scene: model, intrinsics, scale; in the camera frame.
        options: what to build.
        file: name of the file to write, None for arrays.
        seconds: that it may take; long after, it ends itself, should nobody else do it.
        parent: the process that waits for it.
    """

    scene: SceneInfo
    options: SpaceOptions
    file: str | None
    seconds: float
    parent: int


def is_heavy(wanted: SpaceOptions, pixels: int, ending: str = "") -> bool:
    """Whether it takes long, or much memory, or keeps other threads from running."""
    points = wanted.lightened().points_of(pixels)
    return wanted.needs_open3d(pixels) or points > (
        _MANY_LINES if ending == ".zip" else _MANY_POINTS
    )


def write_apart(
    path: Path,
    prediction: Prediction,
    rgb: NDArray[np.uint8],
    wanted: SpaceOptions,
    apart: Apart,
) -> Facts:
    """`core.files.writers_3d.write_geometry`, within limits.

    Raises:
        DepthError: as there; or it needs more time or memory than it may have, or nobody waits any
            more.
    """
    wanted = wanted.for_file(path.suffix)
    if not is_heavy(wanted, prediction.depth.size, path.suffix):
        return write_geometry(path, prediction, rgb, wanted)
    with _done(prediction, rgb, wanted, path.name, apart, path.parent) as (folder, facts):
        (folder / "result" / path.name).replace(path)
    return facts


def build_apart(
    prediction: Prediction, rgb: NDArray[np.uint8], wanted: SpaceOptions, apart: Apart
) -> PointCloud | Mesh:
    """`core.geometry.three_d.build`, within limits."""
    if not is_heavy(wanted, prediction.depth.size):
        return build(prediction, rgb, wanted)
    with _done(prediction, rgb, wanted, None, apart, None) as (folder, facts):
        arrays = {path.stem: np.load(path) for path in (folder / "result").glob("*.npy")}
    scene = SceneInfo.of(prediction)
    if wanted.pose is not None:
        scene = scene.with_pose(np.reshape(wanted.pose, (4, 4)))
    normals = arrays.get("normals")
    if "faces" in arrays:
        return Mesh(arrays["vertices"], arrays["faces"], scene, rgb, normals)
    return PointCloud(
        arrays["points"],
        arrays["colors"],
        arrays["pixels"],
        scene,
        rgb,
        normals,
        facts["stride"],
        facts["dropped"],
    )


@contextlib.contextmanager
def _done(
    prediction: Prediction,
    rgb: NDArray[np.uint8],
    wanted: SpaceOptions,
    file: str | None,
    apart: Apart,
    beside: Path | None,
) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The folder with what the process made, and its facts; the folder goes with the block."""
    from pydantic import TypeAdapter  # only who has heavy work pays for the import

    try:
        with tempfile.TemporaryDirectory(prefix=".apart-", dir=beside) as name:
            folder = Path(name)
            (folder / "result").mkdir()
            arrays: dict[str, NDArray[Any]] = {"depth": prediction.depth, "rgb": rgb}
            confidence = confidence_for(prediction, wanted)
            if confidence is not None:
                arrays["confidence"] = confidence
            for stem, array in arrays.items():
                np.save(folder / f"{stem}.npy", array, allow_pickle=False)
            job = Job(SceneInfo.of(prediction), wanted, file, apart.seconds, os.getpid())
            (folder / "job.json").write_bytes(TypeAdapter(Job).dump_json(job))
            with _place(apart):
                facts = done_apart(
                    __name__,
                    folder,
                    lambda: check_wanted(apart),
                    memory_bytes=apart.memory_bytes,
                    seconds=apart.seconds,
                    name="The work in 3D",
                    remedy=_REMEDY,
                )
            yield folder, facts
    except OSError as error:
        raise ExportError(
            f"The work in 3D could not be handed over ({error.strerror or error}), expected a "
            "folder with free space and room for one more process: free some and try again."
        ) from error


@contextlib.contextmanager
def _place(apart: Apart) -> Iterator[None]:
    while not _places.acquire(timeout=_STEP_SECONDS):
        check_wanted(apart)
    try:
        yield
    finally:
        _places.release()


def check_wanted(apart: Apart) -> None:
    """Ends work that nobody waits for.

    Raises:
        EngineError: that is so.
    """
    if not apart.wanted():
        raise EngineError(
            "The work in 3D was stopped since nobody waits for it any more, expected somebody who "
            "does: ask for it again."
        )


def serve(folder: str, memory_bytes: int) -> None:
    """Does the job in a folder, in a process of its own, and leaves the answer there."""
    from pydantic import TypeAdapter

    place = Path(folder)
    begin(place)
    job = TypeAdapter(Job).validate_json((place / "job.json").read_bytes())
    die_with(job.parent)
    set_alarm(math.ceil(job.seconds * PATIENCE) + _ALARM_GRACE)  # die_with is Linux's
    arrays = {path.stem: np.load(path, mmap_mode="r") for path in place.glob("*.npy")}
    if job.options.needs_open3d(arrays["depth"].size):
        from core.geometry.open3d_tools import load_open3d

        with contextlib.suppress(ExportError):  # said when it is used
            load_open3d()
    answer(place, memory_bytes, lambda: _made(place / "result", job, arrays))


def _made(result: Path, job: Job, arrays: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
    confidence = arrays.get("confidence")
    built = build_from(arrays["depth"], arrays["rgb"], job.scene, job.options, confidence)
    if job.file is not None:
        return write_built(result / job.file, built)
    names = ("vertices", "faces") if isinstance(built, Mesh) else ("points", "colors", "pixels")
    for name in (*names, "normals"):
        if getattr(built, name) is not None:
            np.save(result / f"{name}.npy", getattr(built, name), allow_pickle=False)
    if isinstance(built, PointCloud):
        return {"stride": built.stride, "dropped": dict(built.dropped)}
    return {}
