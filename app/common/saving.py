"""Files of one result: the server makes the names, `core.files.outputs` the contents."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.common.cancellation import geometry_limits
from app.common.request import ViewSettings
from app.common.result import Result
from core.batch.names import portable
from core.files.outputs import OUTPUTS, write_outputs
from core.files.sidecar import describe, write_sidecar
from core.files.writers_2d import ExportJob
from core.files.writers_3d import write_object
from core.geometry.three_d import SpaceOptions
from core.images.decode import Photo

_VIEWER_FOV = 0.8  # radians, vertical: what Babylon.js takes
_VIEWER_ASPECT = 1.5
_STEPS_BACK = tuple(np.arange(0.05, 0.55, 0.05).tolist())  # shares of the middle's distance
_NEARLY_ALL = 0.98
_ODD = re.compile(r"[^\w.-]+")


@dataclass(frozen=True)
class Saved:
    """What was written.

    Attributes:
        files: by kind of output.
        facts: by kind: what a reader of the file has to know, the scale of a PNG for instance.
        sidecar: the JSON file that describes them all.
    """

    files: dict[str, Path]
    facts: dict[str, dict[str, Any]]
    sidecar: Path


def stem_of(photo: Photo) -> str:
    """A file name's beginning for a photo's results: its own name, made harmless."""
    return safe_stem(Path(photo.name).stem)


def safe_stem(name: str) -> str:
    """A name with nothing in it that a shell, a path or Windows minds; never empty."""
    plain = _ODD.sub("_", name).strip("._")[:80] or "photo"
    return str(portable(Path(plain)))


def save_outputs(
    result: Result,
    names: Sequence[str],
    folder: Path,
    space: SpaceOptions | None = None,
) -> Saved:
    """Writes the asked-for files of a result and their sidecar.

    Args:
        names: keys of `core.files.outputs.OUTPUTS`.

    Raises:
        ExportError: a file cannot be written, or cannot hold this depth.
    """
    colors = result.request.colors
    job = ExportJob(result.prediction, result.photo.rgb, colors, space, apart=geometry_limits())
    stem = folder / stem_of(result.photo)
    files = {name: OUTPUTS[name].path(stem) for name in names}
    facts = write_outputs([OUTPUTS[name] for name in files], stem, job)
    described = {name: {"file": path.name, **facts[name]} for name, path in files.items()}
    sidecar = write_sidecar(stem, describe(result.photo, result.prediction, described))
    return Saved(files, facts, sidecar)


def first_look(vertices: NDArray[np.float32]) -> tuple[float, float, float]:
    """Where a viewer that turns around the middle of a model stands to see it as the photo did.

    Args:
        vertices: (n, 3) in the camera frame.

    Returns:
        Babylon.js' alpha and beta in degrees and its radius in metres: on the line from the
        middle through the photo's own place, as far back as it takes to see nearly everything
        (from farther back, what near things hide would show as holes).
    """
    points = vertices[:: max(1, len(vertices) // 5000)].astype(np.float64)
    middle = (vertices.min(axis=0) + vertices.max(axis=0)).astype(np.float64) / 2
    radius = float(np.linalg.norm(middle))
    forward = middle / radius
    right = np.cross((0.0, 1.0, 0.0), forward)
    right /= np.linalg.norm(right)
    down = np.cross(forward, right)
    edge = math.tan(_VIEWER_FOV / 2) * np.array((_VIEWER_ASPECT, 1.0))

    def sees(back: float) -> bool:
        moved = points + forward * radius * back
        across = np.abs(moved @ np.stack((right, down), axis=1)) / (moved @ forward)[:, None]
        return bool((across <= edge).all(axis=1).mean() > _NEARLY_ALL)

    back = next(filter(sees, _STEPS_BACK), _STEPS_BACK[-1])
    x, y, z = middle / radius
    return (
        math.degrees(math.atan2(z, -x)),
        math.degrees(math.acos(y)),
        radius * (1 + back),
    )


def save_view(
    result: Result,
    wanted: ViewSettings,
    folder: Path,
    tell: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[Path, dict[str, Any]]:
    """Makes the asked-for view.

    Returns:
        the file (.mp4 or .png), and what there is to say about it; of an object its `distance`
        along the optical axis in metres and the share `visible` that nothing hides.

    Raises:
        DepthError: no depth at the object's place, nothing to render, or the disk refused.
    """
    stem = folder / stem_of(result.photo)
    if wanted.kind != "object":
        output = OUTPUTS[wanted.kind]
        path = output.path(stem)
        return path, {"kind": wanted.kind} | output.write(
            path, ExportJob(result.prediction, result.photo.rgb, apart=geometry_limits(tell))
        )
    path = stem.with_name(f"{stem.name}_object.png")
    facts = write_object(
        path,
        result.prediction,
        result.photo.rgb,
        kind=wanted.thing,
        at=wanted.at,
        size=wanted.size,
        back=wanted.back,
    )
    return path, {"kind": "object"} | facts
