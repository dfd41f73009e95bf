"""Everything that can be measured at some points, or in a box, as a list of results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import TypeVar

from core.errors import CameraError
from core.geometry.calibration import Pixel
from core.geometry.measure import Measurer
from core.geometry.measurements import Measured

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
