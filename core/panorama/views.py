"""The overlapping views that an equirectangular picture is cut into, and where its pixels lie.

Directions are unit vectors in the panorama's own camera frame (OpenCV axes: x right, y down, z
towards the picture's middle column). A view is square and looks along its own z axis; places in it
are from -1 to 1, left to right and top to bottom.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from core.camera import WHOLE_SPHERE, Intrinsics, from_fov

VIEW_FOV = 70.0  # degrees: about what the models were trained with, and some to overlap
_TANGENT = math.tan(math.radians(VIEW_FOV / 2))
_LEAST_INSIDE = 0.35  # share of a view that the picture has to cover
_FINER = 1.5  # as fine as a view is the panorama that it is sampled from

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class View:
    """One direction to look in.

    Attributes:
        yaw: degrees to the right of the panorama's middle.
        pitch: degrees up.
    """

    yaw: float
    pitch: float

    @cached_property
    def rotation(self) -> NDArray[np.float64]:
        """(3, 3): from the view's frame to the panorama's."""
        y, p = math.radians(self.yaw), math.radians(self.pitch)
        turn = np.array([[math.cos(y), 0, math.sin(y)], [0, 1, 0], [-math.sin(y), 0, math.cos(y)]])
        tilt = np.array([[1, 0, 0], [0, math.cos(p), -math.sin(p)], [0, math.sin(p), math.cos(p)]])
        return np.asarray(turn @ tilt)

    def places(self, directions: NDArray[np.floating]) -> tuple[NDArray[np.bool_], Floats]:
        """Which directions (..., 3) the view sees, and where: (n, 2) of those in -1 .. 1."""
        turned = self.rotation.T.astype(directions.dtype)
        # What is in front first: two thirds of the sphere need no division.
        ahead = directions @ turned[2]
        seen = ahead > 0.5
        x, y = (directions[seen] @ turned[axis] / ahead[seen] / _TANGENT for axis in (0, 1))
        inside = (np.abs(x) <= 1) & (np.abs(y) <= 1)
        seen[seen] = inside
        return seen, np.stack((x[inside], y[inside]), axis=-1).astype(np.float32)


def _ring(pitch: float, count: int) -> tuple[View, ...]:
    return tuple(View(360 / count * index, pitch) for index in range(count))


# Neighbours share a third of their width; steep views, of which the models know little, are few.
VIEWS = (
    *_ring(0, 8), *_ring(45, 6), *_ring(-45, 6), View(0, 90), View(0, -90)
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class CutView:
    """A view as the network sees it.

    Attributes:
        view: the direction.
        rgb: (n, n, 3) uint8.
        inside: (n, n) bool, what the panorama shows; None where that is all.
    """

    view: View
    rgb: NDArray[np.uint8]
    inside: NDArray[np.bool_] | None

    @property
    def camera(self) -> Intrinsics:
        """Of the view, in its pixels."""
        side = len(self.rgb)
        return replace(from_fov(side, side, VIEW_FOV), source="given")


def cut(rgb: NDArray[np.uint8], camera: Intrinsics, side: int) -> list[CutView]:
    """The views of a panorama.

    Args:
        rgb: (H, W, 3) uint8, equirectangular.
        side: of a view, pixels.
    """
    height, width = rgb.shape[:2]
    wanted = _FINER * side / (2 * _TANGENT) / camera.fx  # per pixel of the panorama
    if wanted < 1:  # antialiased: a view is a smaller picture than its part of the panorama
        size = max(1, round(width * wanted)), max(1, round(height * wanted))
        smaller = Image.fromarray(rgb).resize(size, Image.Resampling.BILINEAR, reducing_gap=3)
        rgb, camera = np.asarray(smaller), camera.resized(width, height, *size)
    around = is_whole(camera, rgb.shape[1])
    padded = np.pad(rgb, ((0, 0), (1, 1), (0, 0)), mode="wrap" if around else "edge")
    across = ((np.arange(side) + 0.5) / side * 2 - 1) * _TANGENT
    rays = np.stack((*np.meshgrid(across, across), np.ones((side, side))), axis=-1)
    rays /= np.linalg.norm(rays, axis=-1, keepdims=True)
    found = []
    for view in VIEWS:
        u, v = sphere_pixels(rays @ view.rotation.T, camera)
        inside = (np.abs(v - (rgb.shape[0] - 1) / 2) <= rgb.shape[0] / 2) & (
            (np.abs(u - (rgb.shape[1] - 1) / 2) <= rgb.shape[1] / 2) | around
        )
        if inside.mean() < _LEAST_INSIDE:
            continue
        seen = np.empty((side, side, 3), np.uint8)
        for channel in range(3):
            ndimage.map_coordinates(
                padded[..., channel], (v, u + 1), seen[..., channel], order=1, mode="nearest"
            )
        found.append(CutView(view, seen, None if inside.all() else inside))
    return found


def is_whole(camera: Intrinsics, width: int) -> bool:
    """Whether the picture's left and right ends are neighbours."""
    return camera.hfov(width) > WHOLE_SPHERE - 0.5


def sphere_pixels(
    directions: NDArray[np.floating], camera: Intrinsics
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Column and row (...) of directions (..., 3), columns within half a turn of the middle."""
    around = np.arctan2(directions[..., 0], directions[..., 2])
    down = np.arcsin(np.clip(directions[..., 1], -1, 1))
    return around * camera.fx + camera.cx, down * camera.fy + camera.cy
