"""What measuring gives: plain results in metres, as JSON or CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from core.geometry.provenance import SceneInfo

_ORIGIN = ("units", "model", "intrinsics", "intrinsics_source", "scale", "calibration")


@dataclass(frozen=True)
class Measured:
    """A result: JSON and one line of CSV."""

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; lengths in metres."""
        return {"kind": type(self).__name__.lower(), **asdict(self)}


@dataclass(frozen=True)
class Position(Measured):
    """A pixel's point.

    Attributes:
        pixel: (u, v) of the pixel that was read.
        position: (x, y, z) metres in the camera frame.
        range: straight-line distance from the camera, metres.
        uncertainty: expected error of `range` in metres, or None where the model states none.
    """

    pixel: tuple[int, int]
    position: tuple[float, float, float]
    range: float
    uncertainty: float | None


@dataclass(frozen=True)
class Distance(Measured):
    """Two points and the metres between them.

    `uncertainty` takes the errors of the two depths as independent; an error of scale that both
    share grows the distance in proportion.
    """

    start: Position
    end: Position
    distance: float
    uncertainty: float | None


@dataclass(frozen=True)
class Box(Measured):
    """What a box holds.

    Attributes:
        box: (u0, v0, u1, v1), the pixels read: columns u0 <= u < u1, rows v0 <= v < v1.
        nearest: robust minimum (`nearest_percentile`) of depth along the optical axis, metres.
        median: of depth along the optical axis, metres.
        nearest_range: the same percentile of the straight-line distance from the camera, metres.
        median_range: median straight-line distance, metres.
        nearest_percentile: which percentile that is.
        pixels: number of pixels with depth.
        uncertainty: median expected error of the depths in metres, or None.
    """

    box: tuple[int, int, int, int]
    nearest: float
    median: float
    nearest_range: float
    median_range: float
    nearest_percentile: float
    pixels: int
    uncertainty: float | None


@dataclass(frozen=True)
class Height(Measured):
    """A point's height above the floor, metres, and how good that floor is."""

    point: Position
    height: float
    uncertainty: float | None
    floor_residual: float
    camera_height: float


@dataclass(frozen=True)
class Area(Measured):
    """Area of what is flat in a selection.

    Attributes:
        box: (u0, v0, u1, v1), the pixels read, as in `Box`.
        area: square metres of the plane seen through the pixels that lie on it.
        flat_share: share of the selection's pixels that lie on the plane.
        residual: root mean square distance of those from the plane, metres.
        normal: of the plane, camera frame, towards the camera.
        uncertainty: square metres, or None: area grows with the square of depth.
    """

    box: tuple[int, int, int, int]
    area: float
    flat_share: float
    residual: float
    normal: tuple[float, float, float]
    uncertainty: float | None


def to_csv(results: Sequence[Measured], scene: SceneInfo | None = None) -> str:
    """A table of results: one line each, nested values as `outer.inner` columns, with a header.

    Args:
        scene: of that photo: its model, camera and scale become the last columns.
    """
    origin = {} if scene is None else scene.comments()
    kept = {key: origin[key] for key in _ORIGIN if key in origin}
    rows = [_flat(result.to_dict()) | kept for result in results]
    columns = list(dict.fromkeys(key for row in rows for key in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in values.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{name}.")
        elif isinstance(value, tuple):
            flat |= {f"{name}.{index}": item for index, item in enumerate(value)}
        else:
            flat[name] = value
    return flat
