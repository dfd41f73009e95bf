"""A virtual object in the photo, hidden by what stands nearer."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from core.errors import CameraError, ExportError
from core.geometry.masks import measured
from core.geometry.measure import Measurer
from core.geometry.open3d_tools import RayCaster

Kind = Literal["ball", "cube"]
KINDS: tuple[Kind, ...] = get_args(Kind)

_LARGEST = 100.0  # metres
_AMBIENT = 0.35  # light that reaches a side turned away
_LIGHT = np.array([0.4, -0.7, -0.6])  # from the upper left, behind the camera
_RINGS = 32


@dataclass(frozen=True, eq=False)
class Placed:
    """A photo with an object in it.

    Attributes:
        rgb: (H, W, 3) uint8.
        visible: share of the object's pixels in the picture that nothing hides, 0..1.
        distance: metres along the optical axis to the object's centre.
    """

    rgb: NDArray[np.uint8]
    visible: float
    distance: float


def place(
    rgb: NDArray[np.uint8],
    ruler: Measurer,
    u: float,
    v: float,
    *,
    kind: Kind = "ball",
    size: float = 0.3,
    color: tuple[int, int, int] = (230, 90, 40),
    nearer: float = 0.0,
) -> Placed:
    """Stands an object on the surface that a pixel shows.

    Up is the floor's normal where a floor is found, else the camera's up. A pixel of the object
    is drawn where it is nearer than the photo's depth there, or the photo has none.

    Args:
        rgb: (H, W, 3), the measured photo.
        u: column of the pixel it stands on.
        v: row of that pixel.
        kind: "ball" or "cube".
        size: diameter or edge length, metres.
        color: sRGB.
        nearer: metres by which it is moved towards the camera (negative: away).

    Raises:
        CameraError: outside the photo, or no depth there.
        ExportError: another kind, a size out of range, or a place behind the camera.
    """
    if kind not in KINDS or not 0 < size <= _LARGEST:
        raise ExportError(
            f"The object is a '{kind}' of {size:g} m, expected one of {', '.join(KINDS)} "
            f"of up to {_LARGEST:g} m: change it."
        )
    spot = ruler.position(u, v)
    foot = np.array(spot.position) * (1 - nearer / spot.range)
    up = _up(ruler)
    centre = foot + up * size / 2
    if centre[2] <= size:
        raise ExportError(
            f"The object of {size:g} m would stand {centre[2]:.2g} m away, expected it in front "
            "of the camera: make it smaller, or choose a point further away."
        )
    points, normals, faces = _ball() if kind == "ball" else _cube(up)
    light = np.clip(normals @ (_LIGHT / np.linalg.norm(_LIGHT)), 0, 1)
    shade = (_AMBIENT + (1 - _AMBIENT) * light)[:, None] * np.array(color, np.float64)
    caster = RayCaster(points * size + centre, faces, shade)
    drawn = caster.drawn(ruler.scene.intrinsics, ruler.scene.photo_size)
    covered = np.isfinite(drawn.depth)
    behind = measured(ruler.depth) & (drawn.depth > ruler.depth)
    shown = covered & ~behind
    result = rgb.copy()
    result[shown] = np.clip(np.round(drawn.values[shown]), 0, 255).astype(np.uint8)
    share = float(shown.sum() / covered.sum()) if covered.any() else 0.0
    return Placed(result, share, float(centre[2]))


def _up(ruler: Measurer) -> NDArray[np.float64]:
    try:
        return np.array(ruler.floor().normal)
    except CameraError:  # no floor in the picture
        return np.array([0.0, -1.0, 0.0])


def _ball() -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.intp]]:
    """Vertices, normals and faces of a sphere of diameter 1 around the origin."""
    polar, around = np.meshgrid(
        np.linspace(0, math.pi, _RINGS + 1), np.linspace(0, 2 * math.pi, 2 * _RINGS + 1)
    )
    normals = np.stack(
        (np.sin(polar) * np.cos(around), np.cos(polar), np.sin(polar) * np.sin(around)), axis=-1
    )
    index = np.arange(polar.size).reshape(polar.shape)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:]
    faces = np.concatenate(
        (np.stack((a, b, c), -1).reshape(-1, 3), np.stack((b, d, c), -1).reshape(-1, 3))
    )
    flat = normals.reshape(-1, 3)
    return flat / 2, flat, faces


def _cube(
    up: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.intp]]:
    """Vertices, normals and faces of a cube of edge 1 around the origin, a corner to the front."""
    right = np.cross(up, (0.0, 0.0, 1.0))
    right /= np.linalg.norm(right)
    forward = np.cross(right, up)
    angle = math.radians(35)
    right, forward = (
        right * math.cos(angle) + forward * math.sin(angle),
        forward * math.cos(angle) - right * math.sin(angle),
    )
    points: list[NDArray[np.float64]] = []
    normals: list[NDArray[np.float64]] = []
    faces: list[tuple[int, int, int]] = []
    for axis, first, second in ((right, up, forward), (up, forward, right), (forward, right, up)):
        for sign in (-1, 1):
            start = len(points)
            for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1)):
                points.append((sign * axis + a * first + b * second) / 2)
                normals.append(sign * axis)
            faces += [(start, start + 1, start + 2), (start, start + 2, start + 3)]
    return np.array(points), np.array(normals), np.array(faces, np.intp)
