"""Measuring in a photo: positions, distances, boxes, and what a program or a page shows of them."""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from typing import Any

from app.common.request import Selection
from app.common.result import Result
from core.geometry.measure import Measurer, if_there, survey_box, survey_points
from core.geometry.measurements import Distance, to_csv


def measure(result: Result, chosen: Selection) -> dict[str, Any]:
    """Measures what was selected.

    Args:
        result: photo and depth.
        chosen: points or a box, in pixels of the photo.

    Returns:
        JSON-ready, lengths in metres, positions in the OpenCV camera frame. For points:
        `positions`, `points` (each with pixel, position, range and, where a floor is seen,
        height), `distance` between the first two (None for one) and `distances` of each to the
        next. For a box: `nearest` and `median` depth along the optical axis, the same straight
        from the camera as `nearest_range` and `median_range`, and `area` where it is flat.
        `uncertainty` is that of the first of these numbers, None where the model states none.
        Always the model, whether it is metric, the intrinsics with their source, and the scale
        with the known length that it comes from.

    Raises:
        CameraError: a point or box outside the photo, or without depth.
    """
    ruler = Measurer.of(result.prediction)
    found = _box(ruler, chosen.box) if chosen.box else _points(ruler, chosen.points)
    prediction, known = result.prediction, result.prediction.calibration
    return found | {
        "unit": prediction.unit,
        "metric": prediction.metric,
        "notes": list(prediction.notes),
        "model": prediction.info.name,
        "intrinsics": prediction.intrinsics.to_dict(),
        "scale": prediction.scale,
        "calibration": None if known is None else known.to_dict(),
    }


def measured_csv(result: Result, chosen: Selection) -> str:
    """The same as a table, one line a result, for a spreadsheet."""
    ruler = Measurer.of(result.prediction)
    boxed = chosen.box is not None
    found = survey_box(ruler, chosen.box or ()) if boxed else survey_points(ruler, chosen.points)
    return to_csv(found, ruler.scene)


def _points(ruler: Measurer, pixels: tuple[tuple[float, float], ...]) -> dict[str, Any]:
    points = [ruler.position(*pixel) for pixel in pixels]
    steps: list[Distance] = [ruler.distance(start, end) for start, end in pairwise(pixels)]
    heights = [if_there(partial(ruler.height, *pixel)) for pixel in pixels[:2]]
    listed = [point.to_dict() | {"depth": point.position[2]} for point in points]
    for entry, height in zip(listed, heights, strict=False):
        entry["height"] = None if height is None else height.height
        entry["height_uncertainty"] = None if height is None else height.uncertainty
    return {
        "positions": [list(point.position) for point in points],
        "points": listed,
        "distance": steps[0].distance if steps else None,
        "uncertainty": steps[0].uncertainty if steps else points[0].uncertainty,
        "distances": [step.distance for step in steps],
    }


def _box(ruler: Measurer, corners: tuple[float, float, float, float]) -> dict[str, Any]:
    area = if_there(partial(ruler.area, *corners))
    return ruler.box(*corners).to_dict() | {
        "area": None if area is None else area.area,
        "area_uncertainty": None if area is None else area.uncertainty,
    }
