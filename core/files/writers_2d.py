"""Flat files for the table of `core.files.outputs`: depth, levels, normals, positions.

Normals and positions are in the camera's frame. A normal has length 1 and faces the camera, so its
z is negative; the PNG holds (n + 1) / 2 in 8 bits, and 128 128 128, which is no direction, where
there is no depth. The EXR files hold NaN there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core.atomic import write_atomic
from core.camera import Intrinsics, unproject
from core.files.colormap import display_range
from core.files.depth_maps import (
    ColorSettings,
    check_fits,
    checked_reach,
    depth16_scale,
    encode_color,
    encode_exr,
    encode_layers,
    encode_steps,
    write_npz,
)
from core.files.png import encode_strips, with_text
from core.geometry.masks import measured
from core.geometry.planes import surface_normals
from core.geometry.provenance import SceneInfo

if TYPE_CHECKING:
    from core.files.geometry_process import Apart
    from core.geometry.three_d import SpaceOptions
    from core.prediction import Prediction

Facts = dict[str, Any]  # JSON-ready: what a reader of the file has to know
FRAME = "OpenCV camera: x right, y down, z forward"


@dataclass(frozen=True, eq=False)
class ExportJob:
    """What the writers may need.

    Attributes:
        prediction: depth, levels and intrinsics of one photo.
        rgb: (H, W, 3) uint8, the photo at the size of `prediction.depth`.
        colors: for the colour PNG.
        space: what the 3D files hold; None: the defaults.
        png_scale: steps per metre of the 16-bit PNG, the same for all photos of a run; None: by
            the range that this photo's model has.
        apart: what geometry may cost; heavy one is then made in a process of its own. None: no
            limit, and made here.
    """

    prediction: Prediction
    rgb: NDArray[np.uint8]
    colors: ColorSettings = field(default_factory=ColorSettings)
    space: SpaceOptions | None = None
    png_scale: float | None = None
    apart: Apart | None = None

    def origin(self) -> dict[str, str]:
        """Model, camera with its source, units and scale, as every file that can says them."""
        return SceneInfo.of(self.prediction).comments()


def _write_color(path: Path, job: ExportJob) -> Facts:
    near, far = display_range(job.prediction.depth, job.colors.near, job.colors.far)
    settings = ColorSettings(job.colors.colormap, near, far)
    write_atomic(path, with_text(encode_color(job.prediction.depth, settings), job.origin()))
    return {"colormap": settings.colormap, "near_m": near, "far_m": far}


def _write_depth16(path: Path, job: ExportJob) -> Facts:
    highest = checked_reach(job.prediction.depth)
    prediction = job.prediction
    reach = prediction.in_scale(prediction.info.config.max_depth * prediction.focal_scale)
    scale = job.png_scale or depth16_scale(max(reach, highest))  # a highest of NaN loses
    check_fits(highest, scale)
    text = {**job.origin(), "depth_unit": f"1/{scale:g} m, 0 = no depth"}
    write_atomic(path, with_text(encode_steps(prediction.depth, scale), text))
    return {"scale": scale, "unit": f"1/{scale:g} m", "invalid": 0}


def _write_npy(path: Path, job: ExportJob) -> Facts:
    depth = np.ascontiguousarray(job.prediction.depth, np.float32)
    checked_reach(depth)
    write_atomic(path, lambda file: np.lib.format.write_array(file, depth, allow_pickle=False))
    return {"unit": job.prediction.unit}


def _write_npz(path: Path, job: ExportJob) -> Facts:
    depth = np.ascontiguousarray(job.prediction.depth, np.float32)
    checked_reach(depth)
    camera = job.prediction.intrinsics
    matrix = np.array([[camera.fx, 0, camera.cx], [0, camera.fy, camera.cy], [0, 0, 1]])
    arrays = {"depth": depth, "intrinsics": matrix}
    arrays["origin"] = np.array([f"{key}: {text}" for key, text in job.origin().items()])
    write_atomic(path, lambda file: write_npz(file, arrays))
    return {"unit": job.prediction.unit, "arrays": list(arrays)}


def _write_exr(path: Path, job: ExportJob) -> Facts:
    checked_reach(job.prediction.depth)
    depth = job.prediction.depth.astype(np.float32, copy=False)
    write_atomic(path, encode_exr(depth, comments=job.origin()))
    return {"unit": job.prediction.unit, "channel": "Z"}


def _write_levels(path: Path, job: ExportJob) -> Facts:
    """Arrays `residual_S`, `band_S` and `depth_S` for each stride S, coarse -> fine."""
    arrays = {
        f"{field}_{level.stride}": getattr(level, field)
        for level in job.prediction.levels
        for field in ("residual", "band", "depth")
    }
    write_atomic(path, lambda file: write_npz(file, arrays))
    return {
        "unit": job.prediction.unit,
        "strides": [level.stride for level in job.prediction.levels],
    }


def normals_of(depth: NDArray[np.float32], camera: Intrinsics) -> NDArray[np.float32]:
    """Unit normals (H, W, 3) that face the camera; NaN where there is no depth."""
    normals = surface_normals(depth, camera)
    normals[~measured(depth)] = np.nan
    return normals


def _write_normals(path: Path, job: ExportJob) -> Facts:
    depth, camera = job.prediction.depth, job.prediction.intrinsics
    checked_reach(depth)

    def strip(top: int, bottom: int) -> NDArray[np.uint8]:
        first, last = max(0, top - 1), min(len(depth), bottom + 1)  # slopes need their neighbours
        normals = normals_of(depth[first:last], camera.cropped(0, first))[top - first :]
        steps = np.rint((normals[: bottom - top] + 1) * np.float32(127.5))
        coded: NDArray[np.uint8] = np.nan_to_num(steps, nan=128).astype(np.uint8)
        return coded

    png = encode_strips((*depth.shape, 3), np.dtype(np.uint8), strip)
    write_atomic(path, with_text(png, {**job.origin(), "content": "(normal + 1) / 2"}))
    return {"frame": FRAME, "content": "(n + 1) / 2 of 255", "invalid": 128}


def _write_normals_exr(path: Path, job: ExportJob) -> Facts:
    """The channels N.X, N.Y and N.Z, 16-bit floats."""
    checked_reach(job.prediction.depth)
    normals = normals_of(job.prediction.depth, job.prediction.intrinsics).astype(np.float16)
    channels = {f"N.{axis}": normals[..., index] for index, axis in enumerate("XYZ")}
    comments = {"N": f"unit normal towards the camera, {FRAME}", **job.origin()}
    write_atomic(path, encode_layers(channels, comments))
    return {"frame": FRAME, "channels": list(channels), "invalid": "NaN"}


def _write_points_exr(path: Path, job: ExportJob) -> Facts:
    """The channels X, Y and Z, 32-bit floats; Z alone is the depth."""
    prediction, origin = job.prediction, job.origin()
    checked_reach(prediction.depth)
    points = unproject(prediction.depth, prediction.intrinsics)
    points[~measured(prediction.depth)] = np.nan
    channels = {axis: points[..., index] for index, axis in enumerate("XYZ")}
    comments = {"X Y Z": f"position, {origin['units']}, {FRAME}", **origin}
    write_atomic(path, encode_layers(channels, comments))
    facts = {"unit": prediction.unit, "frame": FRAME}
    return facts | {"channels": list(channels), "invalid": "NaN"}


WRITERS: Mapping[str, Callable[[Path, ExportJob], Facts]] = {
    "color": _write_color,
    "depth16": _write_depth16,
    "npy": _write_npy,
    "npz": _write_npz,
    "exr": _write_exr,
    "levels": _write_levels,
    "normals": _write_normals,
    "normals_exr": _write_normals_exr,
    "points_exr": _write_points_exr,
}
