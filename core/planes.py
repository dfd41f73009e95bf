"""Planes through 3D points: least squares, and the floor of a scene. Deterministic."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.errors import CameraError

_TRIALS = 400  # three points all on a floor that covers a sixth of the sample: found 5 times in 6
_SAMPLE = 8_000  # points that vote
_SEED = 2021
_TOLERANCE = 0.02  # of depth: what monocular and stereo depth scatter by on a flat floor
_LEAST_SHARE = 0.05  # of all points: less is a table, a step or chance
_MOST_TILT = 40.0  # degrees between the floor's normal and the camera's up
_MOST_BELOW = 0.08  # share of the points that may lie below a floor

Points = NDArray[np.floating]


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


def fit_plane(points: Points, *, rounds: int = 3) -> Plane:
    """Total least squares; in later rounds without what lies beyond 2.5 robust deviations.

    Args:
        points: (n, 3) metres.
        rounds: 1 is plain least squares.

    Raises:
        CameraError: fewer than three points, or points on one line.
    """
    inside = np.asarray(points, np.float64)
    everything = inside
    for _ in range(rounds):
        normal, offset = _least_squares(inside)
        distance = np.abs(everything @ normal - offset)
        deviation = 1.4826 * float(np.median(np.abs(inside @ normal - offset)))
        chosen = everything[distance <= max(2.5 * deviation, 1e-6 * abs(offset) + 1e-9)]
        if rounds == 1 or len(chosen) < 3:
            break
        inside = chosen
    normal, offset = _least_squares(inside)
    return _plane(normal, offset, inside, len(inside) / len(everything))


def fit_floor(points: Points) -> Plane:
    """The floor: the largest plane that faces up and has next to nothing below it.

    RANSAC (Fischler and Bolles, 1981) over planes through three points, seeded; a point belongs
    to a plane within 2 % of its depth; then least squares over all that belong.

    Args:
        points: (n, 3) metres in the camera frame, the camera held roughly upright.

    Raises:
        CameraError: no such plane.
    """
    cloud: NDArray[np.float64] = np.asarray(points, np.float64)
    sample = cloud[:: max(1, len(cloud) // _SAMPLE)]
    best, best_score = None, 0.0
    if len(sample) >= 3:
        tolerance = _TOLERANCE * sample[:, 2]
        random = np.random.default_rng(_SEED)
        # Floors are low in the picture: two of three candidates come from the lower half.
        lower = np.flatnonzero(sample[:, 1] >= np.median(sample[:, 1]))
        for trial in range(_TRIALS):
            pool = np.arange(len(sample)) if trial % 3 == 0 else lower
            three = sample[random.choice(pool, 3, replace=len(pool) < 3)]
            normal = np.cross(three[1] - three[0], three[2] - three[0])
            length = float(np.linalg.norm(normal))
            if length < 1e-12:
                continue
            normal *= -math.copysign(1.0, normal[1]) / length  # up is -y
            if -normal[1] < math.cos(math.radians(_MOST_TILT)):
                continue
            height = sample @ normal - normal @ three[0]
            on = np.abs(height) <= tolerance
            below = float((height < -2 * tolerance).mean())
            score = float(on.mean()) - below
            if score > best_score and below <= _MOST_BELOW:
                best, best_score = (normal, float(normal @ three[0])), score
    if best is not None:
        for _ in range(3):
            normal, offset = best
            on = np.abs(cloud @ normal - offset) <= _TOLERANCE * cloud[:, 2]
            if on.sum() < max(3, _LEAST_SHARE * len(cloud)):
                break
            normal, offset = _least_squares(cloud[on])
            if normal[1] > 0:
                normal, offset = -normal, -offset
            best = normal, offset
        else:
            on = np.abs(cloud @ normal - offset) <= _TOLERANCE * cloud[:, 2]
            return _oriented(normal, offset, cloud[on], float(on.mean()))
    raise CameraError(
        f"No floor is found in {len(cloud)} points, expected a level plane over at least "
        f"{_LEAST_SHARE:.0%} of the picture with little below it: choose a photo that shows more "
        "floor, taken with the camera held upright."
    )


def _least_squares(points: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """Normal and offset of the plane with the least squared distances."""
    if len(points) < 3:
        raise CameraError(
            f"The selection has {len(points)} points with depth, expected at least 3 for a plane: "
            "select a larger patch."
        )
    centre = points.mean(axis=0)
    spread, axes = np.linalg.eigh((points - centre).T @ (points - centre))
    if spread[1] <= 1e-10 * spread[2]:
        raise CameraError(
            "The selected points lie on one line, expected a patch: select a larger one."
        )
    return axes[:, 0], float(axes[:, 0] @ centre)


def _plane(
    normal: NDArray[np.float64], offset: float, points: NDArray[np.float64], share: float
) -> Plane:
    """With the normal on the camera's side, that is with a negative offset."""
    if offset > 0:
        normal, offset = -normal, -offset
    return _oriented(normal, offset, points, share)


def _oriented(
    normal: NDArray[np.float64], offset: float, points: NDArray[np.float64], share: float
) -> Plane:
    residual = float(np.sqrt(np.mean((points @ normal - offset) ** 2)))
    x, y, z = (float(value) for value in normal)
    return Plane((x, y, z), offset, residual, share)
