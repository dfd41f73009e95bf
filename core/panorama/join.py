"""Depth of overlapping views to one distance map.

Every view's depth is right up to a factor of its own at best. So each gets a scale, and a slope of
it across the view, in log distance; all of them come from one robust least-squares problem over
what two views both see. What fixes the common scale is the prior: factors are 1 on average, and
views of the horizon, as people photograph, count more than those of the ceiling.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, optimize

from core.camera import Intrinsics
from core.panorama.views import CutView, Floats, View

_DIRECTIONS = 6000  # at which views are compared, evenly spread
_LOOSE = 0.08  # log distance: what views differ by on one surface; beyond, borders decide
_FACTOR, _SLOPE = 0.25, 0.06  # log: how far a horizontal view's scale and its slope may be off
_STEEPER = 4.0  # times as far for a view straight up or down
_ROUNDS = 40
_STRIP = 64  # rows of the map at a time


Seen = tuple[NDArray[np.intp], Floats, Floats]
"""Of some directions: the view's number, where it sees them, and the log distance there."""


@dataclass(frozen=True, eq=False)
class Joining:
    """How the depths of views become one map.

    Attributes:
        fields: (n, 3) of each: factor and slopes to the right and down, of log distance.
        spread: median difference of two views where both see something, relative, after joining.
    """

    views: tuple[CutView, ...]
    fields: NDArray[np.float64]
    spread: float

    @classmethod
    def of(cls, views: Sequence[CutView], depths: Sequence[Floats]) -> Joining:
        """Solves for the scales.

        Args:
            depths: (n, n) metres along each view's optical axis.
        """
        seen = [
            _sampled(cut, _log_distance(cut, depth), _directions())
            for cut, depth in zip(views, depths, strict=True)
        ]
        first: list[Seen] = []
        second: list[Seen] = []
        for i, (i_there, i_place, i_log) in enumerate(seen):
            for j in range(i + 1, len(views)):
                j_there, j_place, j_log = seen[j]
                both = i_there & j_there
                if not both.any():
                    continue
                ours, theirs = both[i_there], both[j_there]
                first.append((np.full(ours.sum(), i), i_place[ours], i_log[ours]))
                second.append((np.full(theirs.sum(), j), j_place[theirs], j_log[theirs]))
        prior = _prior(views)
        if not first:
            return cls(tuple(views), np.zeros((len(views), 3)), 0.0)
        a, b = _together(first), _together(second)
        apart = (a[2] - b[2]).astype(np.float64)
        matrix = _rows(a, len(views)) - _rows(b, len(views))
        # Pairs outnumber the priors by far, and neighbouring directions say the same.
        weight = math.sqrt(_DIRECTIONS / len(views) / len(apart))
        whole = np.concatenate((matrix * weight / _LOOSE, np.diag(1 / prior.ravel())))
        right = np.concatenate((apart * weight / _LOOSE, np.zeros(prior.size)))
        pairs = len(apart)

        def loss(squares: NDArray[np.float64]) -> NDArray[np.float64]:
            """Geman and McClure for pairs, so that borders lose their say; squares for priors."""
            value = np.stack((squares, np.ones_like(squares), np.zeros_like(squares)))
            z = squares[:pairs] / weight**2
            value[0, :pairs] = weight**2 * z / (1 + z)
            value[1, :pairs] = (1 + z) ** -2
            value[2, :pairs] = -2 * (1 + z) ** -3 / weight**2
            return value

        start = np.linalg.lstsq(whole, -right, rcond=None)[0]
        solved = optimize.least_squares(
            lambda x: whole @ x + right, start, jac=lambda _: whole, loss=loss,
            max_nfev=_ROUNDS, method="trf",
        )  # fmt: skip
        left = np.abs(matrix @ solved.x + apart)
        return cls(tuple(views), solved.x.reshape(-1, 3), float(np.expm1(np.median(left))))

    def distance(
        self, depths: Sequence[Floats], camera: Intrinsics, size: tuple[int, int]
    ) -> Floats:
        """The joined map (h, w), metres along each ray; NaN where no view looks.

        Args:
            depths: (n, n) metres of each view.
            size: width and height of the map.
        """
        logs = [_log_distance(cut, depth) for cut, depth in zip(self.views, depths, strict=True)]
        metres: Floats = np.exp(self.blended(logs, camera, size, self.fields))
        return metres

    def blended(
        self,
        pictures: Sequence[Floats],
        camera: Intrinsics,
        size: tuple[int, int],
        fields: NDArray[np.float64] | None = None,
    ) -> Floats:
        """Something of every view (n, n) as one equirectangular map (h, w).

        Args:
            size: width and height of the map.
            fields: added to them; None adds nothing.
        """
        width, height = size
        result = np.empty((height, width), np.float32)
        for top in range(0, height, _STRIP):
            rows = np.arange(top, min(top + _STRIP, height))
            directions = camera.rays(np.arange(width), rows[:, None]).astype(np.float32)
            total = np.zeros(directions.shape[:2], np.float32)
            weights = np.zeros_like(total)
            for index, (cut, picture) in enumerate(zip(self.views, pictures, strict=True)):
                there, place, values = _sampled(cut, picture, directions)
                if not len(place):
                    continue
                if fields is not None:
                    values = values + (_basis(place) @ fields[index]).astype(np.float32)
                # Zero with its slope at the view's border, so that no seam is seen.
                weight = ((1 - place**2) ** 2).prod(axis=1) / _trust(cut.view) + np.float32(1e-6)
                total[there] += weight * values
                weights[there] += weight
            with np.errstate(invalid="ignore", divide="ignore"):
                result[rows] = total / weights
        return result


def _directions() -> NDArray[np.float64]:
    """(n, 3) unit vectors, evenly spread: the Fibonacci lattice."""
    index = np.arange(_DIRECTIONS) + 0.5
    y = 1 - 2 * index / _DIRECTIONS
    turn = math.pi * (1 + math.sqrt(5)) * index
    level = np.sqrt(1 - y * y)
    return np.stack((level * np.cos(turn), y, level * np.sin(turn)), axis=-1)


def _log_distance(cut: CutView, depth: Floats) -> Floats:
    side = len(depth)
    rays = cut.camera.resized(len(cut.rgb), len(cut.rgb), side, side).rays(
        np.arange(side), np.arange(side)[:, None]
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        logs: Floats = np.log(depth * np.linalg.norm(rays, axis=-1)).astype(np.float32)
    return logs


def _sampled(
    cut: CutView, picture: Floats, directions: NDArray[np.floating]
) -> tuple[NDArray[np.bool_], Floats, Floats]:
    """Which directions a view sees and has values of, where it sees them, and the values there."""
    there, place = cut.view.places(directions)
    side = len(picture)
    pixels = ((place[:, ::-1] + 1) / 2 * side - 0.5).T
    values = ndimage.map_coordinates(picture, pixels, np.float32, order=1, mode="nearest")
    known = np.isfinite(values)
    if cut.inside is not None:
        row, column = np.clip(((place[:, ::-1] + 1) / 2 * len(cut.inside)).astype(np.intp), 0,
                              len(cut.inside) - 1).T  # fmt: skip
        known &= cut.inside[row, column]
    there[there] = known
    return there, place[known], values[known]


def _basis(place: Floats) -> NDArray[np.float64]:
    return np.column_stack((np.ones(len(place)), place))


def _together(parts: Sequence[Seen]) -> Seen:
    index, place, logs = zip(*parts, strict=True)
    return np.concatenate(index), np.concatenate(place), np.concatenate(logs)


def _rows(seen: Seen, views: int) -> NDArray[np.float64]:
    index, place, _ = seen
    rows = np.zeros((len(index), views, 3))
    rows[np.arange(len(index)), index] = _basis(place)
    return rows.reshape(len(index), -1)


def _trust(view: View) -> float:
    """1 for a view of the horizon, more the less is known about its scale."""
    return 1 + (_STEEPER - 1) * math.sin(math.radians(abs(view.pitch))) ** 2


def _prior(views: Sequence[CutView]) -> NDArray[np.float64]:
    """(n, 3): how far off each view's factor and slopes are expected to be."""
    return np.outer([_trust(cut.view) for cut in views], (_FACTOR, _SLOPE, _SLOPE))
