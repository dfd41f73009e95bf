"""What a request may ask for in three dimensions: raw values become checked options."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, cast

from app.common.request import CloudSettings, missing, number, numbers, wrong
from core.geometry.build import SHAPES, Shape, SpaceOptions
from core.geometry.point_cloud import CloudOptions
from core.geometry.virtual_object import KINDS, Kind
from core.prediction import MAX_METRES, MIN_METRES, KnownLength

View = Literal["clip", "stereo", "anaglyph", "object"]
VIEWS: tuple[View, ...] = ("clip", "stereo", "anaglyph", "object")


@dataclass(frozen=True)
class ViewSettings:
    """A picture or film to make.

    Attributes:
        kind: of `VIEWS`.
        at: the pixel (u, v) that an object stands on; None: below the photo's middle.
        thing: the object's form.
        size: of the object, metres.
        back: metres by which it is moved away from the camera.
    """

    kind: View = "clip"
    at: tuple[float, float] | None = None
    thing: Kind = "ball"
    size: float = 0.3
    back: float = 0.0


def checked_length(value: Any) -> KnownLength | None:
    """Two pixels and the true metres between them: [u0, v0, u1, v1, metres], or None.

    Raises:
        ConfigError: not five numbers.
        CameraError: a length out of range.
    """
    meaning = f"five numbers u0, v0, u1, v1, metres ({MIN_METRES:g} to {MAX_METRES:g} m)"
    found = numbers("known_length", value, (5,), meaning)
    return None if found is None else KnownLength.from_numbers(found)


def space_options(
    cloud: CloudSettings,
    *,
    shape: Any = None,
    near: Any = None,
    far: Any = None,
    confidence: Any = None,
    sky: Any = None,
    voxel: Any = None,
    normals: Any = None,
    outliers: Any = None,
    faces: Any = None,
    pose: Any = None,
) -> SpaceOptions:
    """Checked options; what is missing is left out.

    Args:
        cloud: border filter and density.
        shape: "points", "surface" or "poisson".
        near, far: of the depths kept, metres.
        confidence: least confidence, 0 to 1.
        sky: true drops what looks like daylight sky.
        voxel: edge of the cells of which one point each is kept, metres.
        normals: true computes them.
        outliers: true drops points far from their neighbours.
        faces: at most so many triangles.
        pose: camera-to-world, 16 numbers row by row or 4 rows of 4.

    Raises:
        DepthError: a value of the wrong type or out of range, or two that exclude each other.
    """
    form = None if missing(shape) else shape
    if form is not None and form not in SHAPES:
        raise wrong("shape", shape, f"one of {', '.join(SHAPES)}", "choose one of these")
    triangles = number("faces", faces, 1, 1e8, "triangles")
    matrix = numbers("pose", pose, (16,), "16 numbers, a 4x4 camera-to-world matrix row by row")
    # "0" is how a page says "no limit" with a slider.
    least = number("confidence", confidence, 0, 1, "(1 is certain)") or None
    points = CloudOptions(
        edge_tolerance=cloud.edge_filter or None,
        near=number("near", near, 0, 1e6, "metres") or 0.0,
        far=number("far", far, 0, 1e6, "metres"),
        min_confidence=least,
        drop_sky=_switch("sky", sky),
        stride=1 / math.sqrt(cloud.density),
        voxel=number("voxel", voxel, 0, 1e6, "metres") or None,
        normals=_switch("normals", normals),
    )
    return SpaceOptions(
        points,
        cast(Shape | None, form),
        outliers=_switch("outliers", outliers),
        faces=None if triangles is None else round(triangles),
        pose=None if matrix is None else tuple(matrix),
    )


def view_settings(
    kind: Any = None, at: Any = None, thing: Any = None, size: Any = None, back: Any = None
) -> ViewSettings:
    """Checked settings of a picture or film.

    Raises:
        ConfigError: a value of the wrong type or out of range.
    """
    default = ViewSettings()
    chosen = default.kind if missing(kind) else kind
    if chosen not in VIEWS:
        raise wrong("kind", kind, f"one of {', '.join(VIEWS)}", "choose one of these")
    form = default.thing if missing(thing) else thing
    if form not in KINDS:
        raise wrong("object", thing, f"one of {', '.join(KINDS)}", "choose one of these")
    spot = numbers("at", at, (2,), "two numbers u, v in pixels of the photo")
    extent = number("size", size, 0.01, 100, "metres")
    moved = number("back", back, -1000, 1000, "metres")
    return ViewSettings(
        chosen,
        None if spot is None else (spot[0], spot[1]),
        form,
        default.size if extent is None else extent,
        default.back if moved is None else moved,
    )


def _switch(name: str, value: Any) -> bool:
    if missing(value) or value in (False, 0):
        return False
    if value in (True, 1):
        return True
    raise wrong(name, value, "true or false", "send a JSON boolean")
