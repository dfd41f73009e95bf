"""Surface normals and positions of every pixel: PNG for people, OpenEXR for compositing.

Both are in the camera's frame (OpenCV: x right, y down, z forward). A normal has length 1 and faces
the camera, so its z is negative; the PNG holds (n + 1) / 2 in 8 bits, and 128 128 128, which is no
direction, where there is no depth. The EXR files hold NaN there.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from core.camera import Intrinsics, unproject
from core.files.depth_maps import encode_layers
from core.files.png import encode_strips
from core.geometry.masks import measured
from core.geometry.planes import surface_normals

FRAME = "OpenCV camera: x right, y down, z forward"


def normals_of(depth: NDArray[np.float32], camera: Intrinsics) -> NDArray[np.float32]:
    """Unit normals (H, W, 3) that face the camera; NaN where there is no depth."""
    normals = surface_normals(depth, camera)
    normals[~measured(depth)] = np.nan
    return normals


def encode_normals_png(depth: NDArray[np.float32], camera: Intrinsics) -> bytes:
    """An 8-bit RGB PNG of (n + 1) / 2, made strip by strip.

    Args:
        depth: (H, W) metres.
    """
    height = depth.shape[0]

    def strip(top: int, bottom: int) -> NDArray[np.uint8]:
        first, last = max(0, top - 1), min(height, bottom + 1)  # slopes need their neighbours
        normals = normals_of(depth[first:last], camera.cropped(0, first))[top - first :]
        steps = np.rint((normals[: bottom - top] + 1) * np.float32(127.5))
        coded: NDArray[np.uint8] = np.nan_to_num(steps, nan=128).astype(np.uint8)
        return coded

    return encode_strips((*depth.shape, 3), np.dtype(np.uint8), strip)


def encode_normals_exr(
    depth: NDArray[np.float32], camera: Intrinsics, comments: Mapping[str, str]
) -> bytes:
    """OpenEXR with the channels N.X, N.Y and N.Z, 16-bit floats."""
    normals = normals_of(depth, camera).astype(np.float16)
    channels = {f"N.{axis}": normals[..., index] for index, axis in enumerate("XYZ")}
    return encode_layers(channels, {"N": f"unit normal towards the camera, {FRAME}", **comments})


def encode_points_exr(
    depth: NDArray[np.float32], camera: Intrinsics, comments: Mapping[str, str], unit: str
) -> bytes:
    """OpenEXR with the channels X, Y and Z, 32-bit floats; Z alone is the depth.

    Args:
        depth: (H, W) metres.
        comments: key -> text.
        unit: of the depth, in words.
    """
    points = unproject(depth, camera)
    points[~measured(depth)] = np.nan
    channels = {axis: points[..., index] for index, axis in enumerate("XYZ")}
    return encode_layers(channels, {"X Y Z": f"position, {unit}, {FRAME}", **comments})
