"""Solid shapes: where a ray meets them, and which way their surface faces there.

Camera frame everywhere: x right, y down, z forward, metres. A shape turns about the vertical
axis only, and its material is asked in its own coordinates, so a texture turns with it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
# Local points (n, 3) and local normals (n, 3) to linear rgb (n, 3).
Material = Callable[[Array, Array], Array]

EPSILON = 1e-6


class Shape(Protocol):
    """What the renderer needs of a shape."""

    centre: tuple[float, float, float]
    size: tuple[float, float, float]
    material: Material
    glow: float

    def to_local(self, points: Array) -> Array:
        """World points (n, 3) in the shape's own coordinates."""

    def turn(self, directions: Array) -> Array:
        """World directions (n, 3) in the shape's own axes."""

    def hit(self, origins: Array, directions: Array) -> Array:
        """Ray parameters (n,) of the first surface in front, inf where the ray misses."""

    def normal(self, local: Array) -> Array:
        """Outward unit normals (n, 3) at local surface points, in local axes."""


@dataclass(frozen=True)
class _Placed:
    """A centre, a size (extent along each local axis) and a turn about the vertical, in degrees."""

    centre: tuple[float, float, float]
    size: tuple[float, float, float]
    material: Material
    yaw: float = 0.0
    glow: float = 0.0
    _axes: Array = field(init=False, repr=False)

    def __post_init__(self) -> None:
        angle = np.deg2rad(self.yaw)
        c, s = np.cos(angle), np.sin(angle)
        object.__setattr__(self, "_axes", np.array([[c, 0, -s], [0, 1, 0], [s, 0, c]]))

    def to_local(self, points: Array) -> Array:
        return (points - np.array(self.centre)) @ self._axes.T

    def turn(self, directions: Array) -> Array:
        return directions @ self._axes.T


def _first(near: Array, far: Array) -> Array:
    """The first root in front of the origin, given an interval that may be empty."""
    t = np.where(near > EPSILON, near, far)
    return np.where((near <= far) & (t > EPSILON), t, np.inf)


@dataclass(frozen=True)
class Box(_Placed):
    """A box; `size` is its width, height and depth."""

    def hit(self, origins: Array, directions: Array) -> Array:
        o, d = self.to_local(origins), self.turn(directions)
        half = np.array(self.size) / 2
        with np.errstate(divide="ignore", invalid="ignore"):
            a, b = (-half - o) / d, (half - o) / d
        low, high = np.minimum(a, b), np.maximum(a, b)
        near = np.fmax(np.fmax(low[:, 0], low[:, 1]), low[:, 2])
        far = np.fmin(np.fmin(high[:, 0], high[:, 1]), high[:, 2])
        return _first(near, far)

    def normal(self, local: Array) -> Array:
        scaled = local / (np.array(self.size) / 2)
        axis = np.argmax(np.abs(scaled), axis=1)
        rows = np.arange(len(local))
        normals = np.zeros_like(local)
        normals[rows, axis] = np.sign(scaled[rows, axis])
        return normals


@dataclass(frozen=True)
class Ellipsoid(_Placed):
    """An ellipsoid; `size` is its three diameters."""

    def hit(self, origins: Array, directions: Array) -> Array:
        half = np.array(self.size) / 2
        o, d = self.to_local(origins) / half, self.turn(directions) / half
        a = (d * d).sum(axis=1)
        b = (o * d).sum(axis=1)
        c = (o * o).sum(axis=1) - 1
        disc = b * b - a * c
        root = np.sqrt(np.maximum(disc, 0))
        return np.where(disc >= 0, _first((-b - root) / a, (-b + root) / a), np.inf)

    def normal(self, local: Array) -> Array:
        half = np.array(self.size) / 2
        gradient = local / (half * half)
        return gradient / np.linalg.norm(gradient, axis=1, keepdims=True)


@dataclass(frozen=True)
class Cylinder(_Placed):
    """An upright elliptic cylinder with flat ends; `size` is x diameter, height, z diameter."""

    def hit(self, origins: Array, directions: Array) -> Array:
        half = np.array(self.size) / 2
        o, d = self.to_local(origins) / half, self.turn(directions) / half
        a = d[:, 0] ** 2 + d[:, 2] ** 2 + 1e-12
        b = o[:, 0] * d[:, 0] + o[:, 2] * d[:, 2]
        disc = b * b - a * (o[:, 0] ** 2 + o[:, 2] ** 2 - 1)
        root = np.sqrt(np.maximum(disc, 0))
        with np.errstate(divide="ignore", invalid="ignore"):
            ends = np.sort(np.stack([(-1 - o[:, 1]) / d[:, 1], (1 - o[:, 1]) / d[:, 1]]), axis=0)
        near = np.fmax((-b - root) / a, ends[0])
        far = np.fmin((-b + root) / a, ends[1])
        return np.where(disc >= 0, _first(near, far), np.inf)

    def normal(self, local: Array) -> Array:
        half = np.array(self.size) / 2
        unit = local / half
        side = np.stack(
            [local[:, 0] / half[0] ** 2, np.zeros(len(local)), local[:, 2] / half[2] ** 2]
        )
        side = side.T / np.maximum(np.linalg.norm(side, axis=0), 1e-12)[:, None]
        end = np.zeros_like(local)
        end[:, 1] = np.sign(local[:, 1])
        on_end = np.abs(unit[:, 1]) > unit[:, 0] ** 2 + unit[:, 2] ** 2
        return np.where(on_end[:, None], end, side)
