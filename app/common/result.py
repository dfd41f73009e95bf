"""A photo with its depth: what both pages draw, measure and save, and how they measure in it."""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import Any, Generic, TypeVar

from app.common.request import DepthRequest, Selection
from core.geometry.find_scale import calibrated
from core.geometry.measure import Measurer, if_there, survey_box, survey_points
from core.geometry.measure_results import Distance, to_csv
from core.images.decode import Photo
from core.prediction import Prediction
from core.weights.choice_table import Choice

Value = TypeVar("Value")


class BoundedCache(Generic[Value]):
    """Thread-safe, least recently used first out, bounded by the sum of its values' sizes.

    Args:
        capacity: bytes of all values together; a larger single value is never kept.
        size_of: bytes of one value. It is asked again whenever one is put: a value may have grown
            by what was computed of it on demand.
        seconds: after which a value is forgotten, however often it was used.
    """

    def __init__(
        self,
        capacity: int,
        size_of: Callable[[Value], int],
        seconds: float = math.inf,
    ) -> None:
        self._capacity = capacity
        self._size_of = size_of
        self._seconds = seconds
        self._values: OrderedDict[Hashable, tuple[Value, float]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> Value | None:
        """The value last put under `key`, or None."""
        with self._lock:
            self._forget_old()
            if key not in self._values:
                return None
            self._values.move_to_end(key)
            return self._values[key][0]

    def put(self, key: Hashable, value: Value) -> None:
        """Keeps `value`, dropping others if there is not room for all."""
        with self._lock:
            self._forget_old()
            self._values.pop(key, None)
            if self._size_of(value) > self._capacity:
                return
            self._values[key] = (value, time.monotonic())
            surplus = self._bytes() - self._capacity
            while surplus > 0:
                _, (dropped, _) = self._values.popitem(last=False)
                surplus -= self._size_of(dropped)

    def clear(self) -> None:
        """Forgets everything."""
        with self._lock:
            self._values.clear()

    @property
    def used(self) -> int:
        """Bytes held now."""
        with self._lock:
            self._forget_old()
            return self._bytes()

    def _bytes(self) -> int:
        return sum(self._size_of(value) for value, _ in self._values.values())

    def _forget_old(self) -> None:
        if self._seconds < math.inf:
            end = time.monotonic() - self._seconds
            for key in [key for key, (_, made) in self._values.items() if made <= end]:
                del self._values[key]


@dataclass(frozen=True)
class Result:
    """A photo and its depth, as one request got it.

    Attributes:
        photo: as decoded; rgb (H, W, 3) uint8.
        prediction: depth (H, W) metres and what belongs to it.
        request: what was asked for; its model is the one that was used.
        choice: how the photo chose its model; None where the model was given.
    """

    photo: Photo
    prediction: Prediction
    request: DepthRequest
    choice: Choice | None = None

    def for_request(self, name: str, request: DepthRequest, choice: Choice | None) -> Result:
        """The same result as another request for the same prediction gets it.

        Args:
            name: of the request's own file: who sends the same bytes learns no other's name.
            request: with what the depth is rescaled by, which is not kept.
            choice: how the photo chose its model, where the request left that to it.
        """
        if (name, request, choice) == (self.photo.name, self.request, self.choice):
            return self
        prediction = calibrated(self.prediction, *request.known)
        return Result(replace(self.photo, name=name), prediction, request, choice)

    @property
    def bytes(self) -> int:
        """Memory that keeping it costs, without what is computed on demand later."""
        depth = self.prediction.depth.nbytes
        spare = depth if self.prediction.info.error_model is not None else 0  # the confidence
        return int(self.photo.rgb.nbytes + depth + spare + self.prediction.spare_bytes)


def measure(result: Result, chosen: Selection) -> dict[str, Any]:
    """Measures what was selected.

    Args:
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
    listed = [point.to_dict() | {"depth": ruler.depth_at(point)} for point in points]
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
