"""Synthetic scenes whose geometry is known in closed form."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.camera import Intrinsics

WIDTH, HEIGHT = 96, 72
CAMERA = Intrinsics(80.0, 82.0, 46.3, 37.1)

Map = NDArray[np.float64]


def rays() -> Map:
    """(H, W, 3) directions with z = 1."""
    v, u = np.indices((HEIGHT, WIDTH))
    return np.stack(
        ((u - CAMERA.cx) / CAMERA.fx, (v - CAMERA.cy) / CAMERA.fy, np.ones(u.shape)), axis=-1
    )


def plane(normal: tuple[float, float, float], offset: float) -> Map:
    """Depth of the plane normal . x = offset."""
    return np.asarray(offset / (rays() @ np.array(normal)))


def sphere(centre: tuple[float, float, float], radius: float, behind: float) -> Map:
    """Depth of a ball in front of a wall at z = behind."""
    direction, middle = rays(), np.array(centre)
    a = (direction**2).sum(axis=-1)
    b = direction @ middle
    c = middle @ middle - radius**2
    root = b * b - a * c
    near = (b - np.sqrt(np.maximum(root, 0))) / a
    return np.where(root > 0, near, behind)


def staircase(steps: int, first: float, tread: float, rise: float, bottom: float) -> Map:
    """Depth of steps that go up and away: risers at z = first + k tread, floor at y = bottom."""
    direction = rays()
    depth = np.full((HEIGHT, WIDTH), first + steps * tread)
    for step in reversed(range(steps)):
        riser = first + step * tread
        top, low = bottom - (step + 1) * rise, bottom - step * rise
        y = direction[..., 1] * riser
        depth = np.where((y >= top) & (y <= low), riser, depth)
        with np.errstate(divide="ignore"):
            on_tread = top / direction[..., 1]
        hits = (on_tread >= riser) & (on_tread <= riser + tread) & (on_tread < depth)
        depth = np.where(hits, on_tread, depth)
    return depth


def picture() -> NDArray[np.uint8]:
    """A picture whose every pixel tells its place: red the column, green the row."""
    v, u = np.indices((HEIGHT, WIDTH))
    return np.stack((u * 2, v * 3, 255 - u), axis=-1).astype(np.uint8)
