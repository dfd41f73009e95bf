"""Surface normals of a depth map, planes through 3D points, and the floor of a scene."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.camera import Intrinsics
from core.errors import CameraError

_STRIP = 256  # rows at a time: memory grows with the picture's width only

_TRIALS = 400  # three points all on a floor that covers a sixth of the sample: found 5 times in 6
_SAMPLE = 8_000  # points that vote
_PATCH_TRIALS, _PATCH_SAMPLE = 60, 2_000  # 60: half the points elsewhere, missed once in 3000
_SEED = 2021
_TOLERANCE = 0.02  # of depth: what monocular and stereo depth scatter by on a flat floor
_LEAST_TOLERANCE = 0.001  # of depth: narrower than any depth map's own rounding
_ROUNDS = 6
_LEAST_SHARE = 0.05  # of all points: less is a table, a step or chance
_MOST_TILT = 40.0  # degrees between the floor's normal and the camera's up
_MOST_BELOW = 0.08  # share of the points that may lie below a floor

Points = NDArray[np.floating]
_Candidate = tuple[NDArray[np.float64], float]  # unit normal and offset


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
        no depth or no neighbour (in a panorama the pixel's own ray, backwards).
    """
    height, width = depth.shape
    normals = np.empty((height, width, 3), np.float32)
    u = np.arange(width) - intrinsics.cx
    pinhole = intrinsics.projection == "pinhole"
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
            if pinhole:
                slopes = -intrinsics.fx * slope_u, -intrinsics.fy * slope_v
                facing = np.stack((*slopes, -(q - u * slope_u - v * slope_v)), axis=-1)
            else:
                facing = _facing_on_sphere(q, slope_u, slope_v, intrinsics.cropped(0, start))
            facing /= np.linalg.norm(facing, axis=-1, keepdims=True)
        lost = ~np.isfinite(facing).all(axis=-1)
        if pinhole:
            facing[lost] = (0.0, 0.0, -1.0)
        else:
            rows, columns = np.nonzero(lost)
            facing[lost] = -intrinsics.rays(columns, rows + start)
        normals[start:stop] = facing
    return normals


def _facing_on_sphere(
    q: NDArray[np.float64],
    slope_u: NDArray[np.float64],
    slope_v: NDArray[np.float64],
    camera: Intrinsics,
) -> NDArray[np.float64]:
    """Normals of an equirectangular picture, not of unit length.

    Inverse distance q of a plane n . X = d is n . ray / d: linear in the ray, so that n / d is q
    times the ray plus the gradient of q along the sphere.
    """
    height, width = q.shape
    x = (np.arange(width) - camera.cx) / camera.fx
    y = ((np.arange(height) - camera.cy) / camera.fy)[:, None]
    east, south = camera.fx * slope_u / np.cos(y), camera.fy * slope_v
    out = q * np.cos(y) - south * np.sin(y)  # along the horizon's direction below or above the ray
    return -np.stack(
        (
            out * np.sin(x) + east * np.cos(x),
            q * np.sin(y) + south * np.cos(y),
            out * np.cos(x) - east * np.sin(x),
        ),
        axis=-1,
    )


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


@dataclass(frozen=True)
class Plane:
    """normal . x = offset, in the camera frame (OpenCV axes), metres.

    Attributes:
        normal: unit length, towards the camera's side: height above the plane is positive there.
        offset: normal . x of its points; minus it is the camera's own distance from the plane.
        residual: root mean square distance of its points, metres.
        share: of the points looked at, how many belong to it, 0..1.
    """

    normal: tuple[float, float, float]
    offset: float
    residual: float
    share: float

    @property
    def camera_height(self) -> float:
        """Distance of the camera from the plane in metres."""
        return -self.offset

    @property
    def tilt(self) -> float:
        """Degrees between the plane's normal and the camera's up (y down, so -y)."""
        return math.degrees(math.acos(max(-1.0, min(1.0, -self.normal[1]))))

    def height(self, points: Points) -> NDArray[np.float64]:
        """Signed distance (...) of points (..., 3), metres; positive on the camera's side."""
        distance = np.asarray(points, np.float64) @ np.array(self.normal) - self.offset
        return np.asarray(distance)


def fit_plane(points: Points) -> Plane:
    """The plane of a patch by total least squares; up to half the points may lie elsewhere.

    It begins with the plane of least median distance among planes through three points, seeded,
    and leaves out what lies beyond 2.5 robust deviations.

    Args:
        points: (n, 3) metres.

    Raises:
        CameraError: fewer than three points, or points on one line.
    """
    patch: NDArray[np.float64] = np.asarray(points, np.float64)
    inside = patch
    normal, offset = _least_squares(patch)
    sample = patch[:: max(1, len(patch) // _PATCH_SAMPLE)]
    least = float(np.median(np.abs(sample @ normal - offset)))
    random = np.random.default_rng(_SEED)
    for _ in range(_PATCH_TRIALS):
        candidate = _through(sample[random.choice(len(sample), 3, replace=False)])
        if candidate is None:
            continue
        middle = float(np.median(np.abs(sample @ candidate[0] - candidate[1])))
        if middle < least:
            (normal, offset), least = candidate, middle
    for _ in range(3):
        distance = np.abs(patch @ normal - offset)
        limit = 2.5 * 1.4826 * float(np.median(distance[distance <= np.median(distance) * 4]))
        chosen = distance <= max(limit, 1e-6 * abs(offset) + 1e-9)
        if chosen.sum() < 3:
            break
        inside = patch[chosen]
        normal, offset = _least_squares(inside)
    if offset > 0:  # the normal is on the camera's side
        normal, offset = -normal, -offset
    return _oriented(normal, offset, inside, len(inside) / len(patch))


def fit_floor(points: Points, depth: NDArray[np.floating] | None = None) -> Plane:
    """The floor: the largest plane that faces up and has next to nothing below it.

    RANSAC (Fischler and Bolles, 1981) over planes through three points, seeded; a point belongs
    to a plane within 2 % of its depth. Then least squares of the relative distances, the limit
    narrowed to 2.5 robust deviations, so that the foot of a wall does not tilt the floor.

    Args:
        points: (n, 3) metres in the camera frame, the camera held roughly upright.
        depth: (n,) of them; their z where it is left out.

    Raises:
        CameraError: no such plane.
    """
    cloud: NDArray[np.float64] = np.asarray(points, np.float64)
    away = cloud[:, 2] if depth is None else np.asarray(depth, np.float64)
    some = slice(None, None, max(1, len(cloud) // _SAMPLE))
    found = _best_level_plane(cloud[some], away[some])
    tolerance = _TOLERANCE
    for _ in range(_ROUNDS):
        if found is None:
            break
        distance = np.abs(cloud @ found[0] - found[1]) / away
        on = distance <= tolerance
        if on.mean() < _LEAST_SHARE:
            found = None
            break
        normal, offset = _least_squares(cloud[on], weights=away[on] ** -2)
        found = (-normal, -offset) if normal[1] > 0 else (normal, offset)
        deviation = 1.4826 * float(np.median(distance[on]))
        tolerance = min(max(2.5 * deviation, _LEAST_TOLERANCE), _TOLERANCE)
    if found is None:
        raise CameraError(
            f"No floor is found in {len(cloud)} points, expected a level plane over at least "
            f"{_LEAST_SHARE:.0%} of the picture with little below it: choose a photo that shows "
            "more floor, taken with the camera held upright."
        )
    on = np.abs(cloud @ found[0] - found[1]) <= _TOLERANCE * away
    return _oriented(*found, cloud[on], float(on.mean()))


def _best_level_plane(sample: NDArray[np.float64], away: NDArray[np.float64]) -> _Candidate | None:
    """The candidate that most points fit, less the share of points below it."""
    best, best_score = None, 0.0
    if len(sample) < 3:
        return None
    tolerance = _TOLERANCE * away
    random = np.random.default_rng(_SEED)
    # Floors are low in the picture: two of three candidates come from the lower half.
    everywhere = np.arange(len(sample))
    lower = np.flatnonzero(sample[:, 1] >= np.median(sample[:, 1]))
    for trial in range(_TRIALS):
        pool = everywhere if trial % 3 == 0 or len(lower) < 3 else lower
        candidate = _through(sample[random.choice(pool, 3, replace=False)])
        if candidate is None:
            continue
        normal, offset = candidate
        if normal[1] > 0:  # up is -y
            normal, offset = -normal, -offset
        if -normal[1] < math.cos(math.radians(_MOST_TILT)):
            continue
        height = sample @ normal - offset
        below = float((height < -2 * tolerance).mean())
        # Each point counts by how well it fits (MSAC, Torr and Zisserman, 2000): a plane that
        # leans to catch the foot of a wall as well loses more on the floor than it gains.
        score = float(np.maximum(0, 1 - (height / tolerance) ** 2).mean()) - below
        if score > best_score and below <= _MOST_BELOW:
            best, best_score = (normal, offset), score
    return best


def _through(three: NDArray[np.float64]) -> _Candidate | None:
    """The plane through three points; None where they lie on a line."""
    normal = np.cross(three[1] - three[0], three[2] - three[0])
    length = float(np.linalg.norm(normal))
    if length < 1e-12:
        return None
    normal = normal / length
    return normal, float(normal @ three[0])


def _least_squares(
    points: NDArray[np.float64], weights: NDArray[np.float64] | None = None
) -> _Candidate:
    """Normal and offset of the plane with the least squared (weighted) distances."""
    if len(points) < 3:
        raise CameraError(
            f"The selection has {len(points)} points with depth, expected at least 3 for a plane: "
            "select a larger patch."
        )
    centre = np.average(points, axis=0, weights=weights)
    apart = points - centre
    spread, axes = np.linalg.eigh(
        apart.T @ (apart if weights is None else apart * weights[:, None])
    )
    if spread[1] <= 1e-10 * spread[2]:
        raise CameraError(
            "The selected points lie on one line, expected a patch: select a larger one."
        )
    return axes[:, 0], float(axes[:, 0] @ centre)


def _oriented(
    normal: NDArray[np.float64], offset: float, points: NDArray[np.float64], share: float
) -> Plane:
    residual = float(np.sqrt(np.mean((points @ normal - offset) ** 2)))
    x, y, z = (float(value) for value in normal)
    return Plane((x, y, z), offset, residual, share)
