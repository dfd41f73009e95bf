"""Lengths, heights and areas from depth, in metres, with the uncertainty that the model states.

Pixels are those of the photo, centres at integers; a position between pixels takes the nearest
one's depth, since a mean across a border would be a point in the air.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from core.camera import unproject
from core.errors import CameraError
from core.geometry.masks import measured
from core.geometry.measure_results import Area, Box, Distance, Height, Measured, Position
from core.geometry.planes import Plane, fit_floor, fit_plane
from core.geometry.provenance import SceneInfo
from core.scale.measurements import Pixel

if TYPE_CHECKING:
    from core.prediction import Prediction

NEAREST_PERCENTILE = 2.0  # of a box's depths: the nearest that is no stray pixel
_FLOOR_POINTS = 60_000  # enough for a plane, however large the photo
_PATCH_TOLERANCE = 0.02  # of depth: how far a pixel of a flat patch may lie from its plane
_LEAST_FLAT = 0.5  # share of the patch that has to lie on the plane


def relative_error(confidence: NDArray[np.floating] | float) -> Any:
    """What confidence means in metres: a confidence of 0.9 expects an error of 10 % of depth."""
    return 1.0 - np.clip(confidence, 0.0, 1.0)


@dataclass(frozen=True, eq=False)
class Measurer:
    """A depth map to measure in.

    Attributes:
        depth: (H, W) metres, `scene.scale` in it already.
        confidence: (H, W) in 0..1, or None.
    """

    depth: NDArray[np.floating]
    scene: SceneInfo
    confidence: NDArray[np.floating] | None = None

    def __post_init__(self) -> None:
        if self.depth.shape != self.scene.photo_size[::-1]:
            raise CameraError(
                f"The depth map has shape {self.depth.shape}, expected "
                f"{self.scene.photo_size[::-1]}, the photo's: pass the depth of this photo."
            )

    @classmethod
    def of(cls, prediction: Prediction) -> Measurer:
        """Of a predicted photo, calibrated or not."""
        return cls(prediction.depth, SceneInfo.of(prediction), prediction.confidence)

    def position(self, u: float, v: float) -> Position:
        """The point at a pixel of the photo.

        Raises:
            CameraError: outside the photo, or no depth there.
        """
        column, row = self.pixel(u, v)
        depth = float(self.depth[row, column])
        if not (math.isfinite(depth) and depth > 0):
            raise CameraError(
                f"The pixel ({column}, {row}) has the depth {depth:g}, expected metres above 0: "
                "choose a pixel next to it."
            )
        x, y, z = (float(axis) for axis in self.scene.intrinsics.rays(column, row) * depth)
        distance = math.sqrt(x * x + y * y + z * z)
        share = self._relative_error(np.s_[row, column])
        error = None if share is None else float(share) * distance
        return Position((column, row), (x, y, z), distance, error)

    def depth_at(self, point: Position) -> float:
        """Its depth in metres: along the optical axis, in a panorama along the ray."""
        return float(self.depth[point.pixel[1], point.pixel[0]])

    def distance(self, start: Pixel, end: Pixel) -> Distance:
        """Straight-line metres between the points at two pixels.

        Raises:
            CameraError: outside the photo, or no depth there.
        """
        first, second = self.position(*start), self.position(*end)
        a, b = np.array(first.position), np.array(second.position)
        length = float(np.linalg.norm(b - a))
        error = None
        if first.uncertainty is not None and second.uncertainty is not None:
            # An error of depth moves a point along its own ray: only the part of that which lies
            # along the measured line counts.
            line = (b - a) / length if length > 0 else np.zeros(3)
            error = math.hypot(
                first.uncertainty * float(line @ a) / first.range,
                second.uncertainty * float(line @ b) / second.range,
            )
        return Distance(first, second, length, error)

    def box(self, u0: float, v0: float, u1: float, v1: float) -> Box:
        """Nearest and median distance of what a box shows, its corners in any order.

        Raises:
            CameraError: outside the photo, empty, or no depth inside.
        """
        bounds, depth = self._inside(u0, v0, u1, v1)
        valid = measured(depth)
        z = depth[valid]
        camera = self.scene.intrinsics
        rays = camera.rays(
            np.arange(bounds[0], bounds[2]), np.arange(bounds[1], bounds[3])[:, None]
        )
        ranges = z * np.linalg.norm(rays, axis=-1)[valid]
        share = self._relative_error(np.s_[bounds[1] : bounds[3], bounds[0] : bounds[2]])
        return Box(
            bounds,
            float(np.percentile(z, NEAREST_PERCENTILE)),
            float(np.median(z)),
            float(np.percentile(ranges, NEAREST_PERCENTILE)),
            float(np.median(ranges)),
            NEAREST_PERCENTILE,
            int(z.size),
            None if share is None else float(np.median(share[valid] * z)),
        )

    def floor(self) -> Plane:
        """The floor (or, where none is seen, the lowest level surface that is large), found once.

        Raises:
            CameraError: no level plane that covers enough of the picture.
        """
        return self._floor

    def height(self, u: float, v: float, floor: Plane | None = None) -> Height:
        """Metres of the point at a pixel above the floor (negative below it).

        Raises:
            CameraError: outside the photo, no depth there, or no floor.
        """
        point = self.position(u, v)
        plane = self._floor if floor is None else floor
        ray = np.array(point.position) / point.range
        error = None
        if point.uncertainty is not None:
            along = point.uncertainty * abs(float(ray @ np.array(plane.normal)))
            error = math.hypot(along, plane.residual)
        above = float(plane.height(np.array(point.position)))
        return Height(point, above, error, plane.residual, plane.camera_height)

    def area(self, u0: float, v0: float, u1: float, v1: float) -> Area:
        """Area of the flat patch that a box selects.

        A pixel sees z^3 / (fx fy d) of a plane at distance d from the camera, z being where its
        ray meets the plane; in a panorama, z being the distance, less by the cosine of latitude.

        Raises:
            CameraError: outside the photo, empty, no depth inside, or not flat.
        """
        bounds, depth = self._inside(u0, v0, u1, v1)
        camera = self.scene.intrinsics
        points = unproject(depth, camera.cropped(bounds[0], bounds[1])).astype(np.float64)
        valid = measured(depth)
        plane = fit_plane(points[valid])
        on = valid & (np.abs(plane.height(points)) <= _PATCH_TOLERANCE * np.nan_to_num(depth))
        share = float(on.mean())
        if share < _LEAST_FLAT:
            raise CameraError(
                f"Only {share:.0%} of the selection lies on one plane, expected at least "
                f"{_LEAST_FLAT:.0%}: select a flat patch, a table top or a piece of wall."
            )
        rays = unproject(np.ones_like(depth), camera.cropped(bounds[0], bounds[1]))
        z = plane.offset / (rays[on].astype(np.float64) @ np.array(plane.normal))
        narrower = 1.0 if camera.projection == "pinhole" else np.hypot(*rays[on][:, ::2].T)
        area = float((z**3 * narrower).sum() / (camera.fx * camera.fy * abs(plane.offset)))
        residual = float(np.sqrt(np.mean(plane.height(points[on]) ** 2)))
        error = self._relative_error(np.s_[bounds[1] : bounds[3], bounds[0] : bounds[2]])
        return Area(
            bounds,
            area,
            share,
            residual,
            plane.normal,
            None if error is None else float(2 * area * np.median(error[on])),
        )

    @cached_property
    def _floor(self) -> Plane:
        step = max(1, math.isqrt(self.depth.size // _FLOOR_POINTS))
        camera = self.scene.intrinsics
        depth = self.depth[::step, ::step]
        numbers = {name: getattr(camera, name) / step for name in ("fx", "fy", "cx", "cy")}
        thinned = replace(camera, **numbers)
        there = measured(depth)
        return fit_floor(unproject(depth, thinned)[there], depth[there])

    def _relative_error(self, where: Any) -> Any:
        return None if self.confidence is None else relative_error(self.confidence[where])

    def pixel(self, u: float, v: float) -> tuple[int, int]:
        """Column and row of the pixel nearest to a position.

        Raises:
            CameraError: outside the photo.
        """
        width, height = self.scene.photo_size
        # A picture spans half a pixel beyond its outer pixels' centres; NaN is outside too.
        if not (-0.5 <= u <= width - 0.5 and -0.5 <= v <= height - 0.5):
            raise CameraError(
                f"The point ({u:g}, {v:g}) is outside the photo, expected 0 to {width - 1} across "
                f"and 0 to {height - 1} down: choose a point on the photo."
            )
        return (
            min(max(math.floor(u + 0.5), 0), width - 1),
            min(max(math.floor(v + 0.5), 0), height - 1),
        )

    def _inside(
        self, u0: float, v0: float, u1: float, v1: float
    ) -> tuple[tuple[int, int, int, int], NDArray[np.floating]]:
        """Pixel bounds of a box and its depth, at least one pixel of which is valid."""
        width, height = self.scene.photo_size
        (u0, u1), (v0, v1) = sorted((u0, u1)), sorted((v0, v1))
        if not (u0 >= -0.5 and u1 <= width and v0 >= -0.5 and v1 <= height):
            raise CameraError(
                f"The box ({u0:g}, {v0:g}) to ({u1:g}, {v1:g}) reaches outside the photo, "
                f"expected 0 to {width} across and 0 to {height} down: draw it on the photo."
            )
        left, top = max(0, math.floor(u0)), max(0, math.floor(v0))
        right, bottom = min(width, math.ceil(u1)), min(height, math.ceil(v1))
        if right <= left or bottom <= top:
            raise CameraError(
                f"The box ({u0:g}, {v0:g}) to ({u1:g}, {v1:g}) is empty, expected at least one "
                "pixel: mark two different corners."
            )
        depth = self.depth[top:bottom, left:right]
        if not measured(depth).any():
            raise CameraError(
                f"None of the {depth.size} pixels in the box has depth, expected at least one: "
                "draw the box over a measured part."
            )
        return (left, top, right, bottom), depth


Result = TypeVar("Result", bound=Measured)


def survey_points(ruler: Measurer, pixels: Sequence[Pixel]) -> list[Measured]:
    """Positions, then distances from each point to the next, then heights above a floor in sight.

    Raises:
        CameraError: a point outside the photo, or without depth.
    """
    found: list[Measured] = [ruler.position(*pixel) for pixel in pixels]
    found += [ruler.distance(start, end) for start, end in pairwise(pixels)]
    heights = (if_there(partial(ruler.height, *pixel)) for pixel in pixels)
    return found + [height for height in heights if height is not None]


def survey_box(ruler: Measurer, corners: Sequence[float]) -> list[Measured]:
    """Nearest and median distance of what a box (u0, v0, u1, v1) holds, and its area where flat.

    Raises:
        CameraError: a box outside the photo, empty, or without depth.
    """
    found: list[Measured] = [ruler.box(*corners)]
    area = if_there(partial(ruler.area, *corners))
    return found if area is None else [*found, area]


def if_there(measure: Callable[[], Result]) -> Result | None:
    """A result that not every scene has: no floor in sight, or a patch that is not flat."""
    try:
        return measure()
    except CameraError:
        return None
