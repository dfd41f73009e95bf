"""Surface normals of a depth map."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.camera import Intrinsics

_STRIP = 256  # rows at a time: memory grows with the picture's width only


def surface_normals(depth: NDArray[np.floating], intrinsics: Intrinsics) -> NDArray[np.float32]:
    """Unit normals that face the camera.

    In inverse depth q = 1 / z a plane n . X = d is linear in the pixel's coordinates, so its
    normal follows from the slopes of q: n ~ (fx q_u, fy q_v, q - (u - cx) q_u - (v - cy) q_v).
    Of the two one-sided slopes the smaller is taken: it stays on the pixel's own surface.

    Args:
        depth: (H, W) metres.
        intrinsics: of a picture of this size.

    Returns:
        (H, W, 3) float32 in the camera frame; (0, 0, -1), straight at the camera, where there is
        no depth or no neighbour.
    """
    height, width = depth.shape
    normals = np.empty((height, width, 3), np.float32)
    u = np.arange(width) - intrinsics.cx
    for start in range(0, height, _STRIP):
        stop = min(start + _STRIP, height)
        before, after = min(1, start), min(1, height - stop)
        with np.errstate(invalid="ignore", divide="ignore"):
            q = 1.0 / depth[start - before : stop + after].astype(np.float64)
            q[~np.isfinite(q) | (q <= 0)] = np.nan
            slope_u = _slope(q, 1)[before : before + stop - start]
            slope_v = _slope(q, 0)[before : before + stop - start]
            q = q[before : before + stop - start]
            v = (np.arange(start, stop) - intrinsics.cy)[:, None]
            facing = np.stack(
                (
                    -intrinsics.fx * slope_u,
                    -intrinsics.fy * slope_v,
                    -(q - u * slope_u - v * slope_v),
                ),
                axis=-1,
            )
            facing /= np.linalg.norm(facing, axis=-1, keepdims=True)
        facing[~np.isfinite(facing).all(axis=-1)] = (0.0, 0.0, -1.0)
        normals[start:stop] = facing
    return normals


def _slope(q: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    """The smaller in size of the differences to both neighbours; 0 where there is no neighbour."""
    step = np.diff(q, axis=axis)
    padding = [(0, 0), (0, 0)]
    padding[axis] = (1, 0)
    backward = np.pad(step, padding, constant_values=np.nan)
    padding[axis] = (0, 1)
    forward = np.pad(step, padding, constant_values=np.nan)
    keep = ~(np.abs(forward) < np.abs(backward)) & ~np.isnan(backward)
    return np.nan_to_num(np.where(keep, backward, forward), nan=0.0)
