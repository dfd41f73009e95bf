"""What a request may ask for: raw values from the page or over HTTP become checked dataclasses."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

from app.common.checks import (
    checked_depths,
    checked_height,
    checked_lengths,
    checked_profile,
    checked_sparse,
    is_list,
    is_number,
    missing,
    number,
    numbers,
    one_of,
    switch,
    wrong,
)
from app.common.translations import t
from core.batch.manifest import DepthSettings
from core.errors import ConfigError, ImageError
from core.files.colormap import COLORMAPS, DEFAULT_COLORMAP
from core.files.depth_maps import ColorSettings
from core.files.outputs import OUTPUTS as WRITERS
from core.files.outputs import with_parts
from core.geometry.masks import EDGE_TOLERANCE
from core.geometry.point_cloud import CloudOptions
from core.geometry.three_d import SHAPES, SpaceOptions
from core.geometry.virtual_object import KINDS, Kind
from core.scale.calibration import given
from core.scale.measurements import CameraHeight, KnownDepth, KnownLength, SparseDepth
from core.scale.profile import Profile
from core.weights.choice_table import AUTO

DEFAULT_MODEL = AUTO
MIN_RESOLUTION, MAX_RESOLUTION = 96, 1024  # working height in pixels; the upper one bounds memory
FARTHEST_COLOUR = 1000.0  # metres, of the colour bar's ends
OUTPUTS = tuple(WRITERS)
CLOUD_FORMATS = ("ply", "glb", "obj")
View = Literal["clip", "stereo", "anaglyph", "object"]
VIEWS: tuple[View, ...] = ("clip", "stereo", "anaglyph", "object")


@dataclass(frozen=True)
class DepthRequest(DepthSettings):
    """How the depth of a photo, a batch or a clip is wanted: the same on the page and over HTTP.

    Attributes:
        model: name of an installed model, "auto" lets the photo choose; empty takes the
            studio's default.
    """

    model: str = ""

    @property
    def settings(self) -> dict[str, Any]:
        """What a run over photos or clips takes of it: all but the model."""
        names = (each.name for each in fields(DepthSettings))
        return {name: getattr(self, name) for name in names}

    def to_dict(self) -> dict[str, Any]:
        """The settings as a summary or a manifest states them."""
        known = {name: value for name, value in given(self.known).items() if value is not None}
        return {"model": self.model, **self.prediction, "intrinsics": self.intrinsics, **known}

    def arguments(self) -> dict[str, Any]:
        """The JSON-ready arguments of `depth_request` that give this request again."""
        known, colors = self.known, self.colors
        profile = next((each.to_json() for each in known if isinstance(each, Profile)), None)
        return {
            **{name: getattr(self, name) for name in ("model", "resolution", "flip", "fov")},
            "intrinsics": self.intrinsics,
            "known_length": [e.numbers() for e in known if isinstance(e, KnownLength)] or None,
            "known_depth": [e.numbers() for e in known if isinstance(e, KnownDepth)] or None,
            "camera_height": next((e.metres for e in known if isinstance(e, CameraHeight)), None),
            "sparse": next((e.numbers() for e in known if isinstance(e, SparseDepth)), None),
            "profile": None if profile is None else json.loads(profile),
            **{name: getattr(colors, name) for name in ("colormap", "near", "far")},
        }


@dataclass(frozen=True)
class Selection:
    """What to measure: at least one pixel (u, v), or a box (u0, v0, u1, v1), in photo pixels."""

    points: tuple[tuple[float, float], ...] = ()
    box: tuple[float, float, float, float] | None = None


@dataclass(frozen=True)
class ViewSettings:
    """A picture or film to make.

    Attributes:
        at: the pixel (u, v) that an object stands on; None: below the photo's middle.
        size, back: of the object, and by how much it is moved away from the camera, in metres.
    """

    kind: View = "clip"
    at: tuple[float, float] | None = None
    thing: Kind = "ball"
    size: float = 0.3
    back: float = 0.0


def depth_request(
    *,
    model: Any = None,
    resolution: Any = None,
    flip: Any = None,
    fov: Any = None,
    intrinsics: Any = None,
    known_length: Any = None,
    known_depth: Any = None,
    camera_height: Any = None,
    profile: Any = None,
    sparse: Path | Sequence[Any] | None = None,
    sparse_scale: Any = None,
    colormap: Any = None,
    near: Any = None,
    far: Any = None,
) -> DepthRequest:
    """A checked request; a missing value (None or an empty text) takes the default.

    Raises:
        ConfigError: a value of the wrong type or out of range. Whether the model is installed and
            whether a camera can have this field of view is checked where they are used.
        CameraError: a known length out of range.
    """
    name = "" if missing(model) else model
    if not isinstance(name, str):
        raise wrong("model", model, "the name of an installed model", "see the list of models")
    height = number("resolution", resolution, MIN_RESOLUTION, MAX_RESOLUTION, "pixels")
    camera = numbers("intrinsics", intrinsics, (4,), "four numbers fx, fy, cx, cy in pixels")
    return DepthRequest(
        name.strip(),
        resolution=None if height is None else round(height),
        flip=switch("flip", flip),
        fov=number("fov", fov, None, None, "of degrees"),
        intrinsics=None if camera is None else tuple(camera),
        known=(
            *checked_profile(profile),
            *checked_lengths(known_length),
            *checked_depths(known_depth),
            *checked_height(camera_height),
            *checked_sparse(sparse, sparse_scale),
        ),
        colors=checked_colors(colormap, near, far),
    )


def checked_colors(colormap: Any = None, near: Any = None, far: Any = None) -> ColorSettings:
    """Checked colours; missing bounds are taken from each picture.

    Raises:
        ConfigError: an unknown colour map, or a range that is not 0 <= near < far <= 1000 m.
    """
    name = one_of("colormap", colormap, tuple(COLORMAPS), DEFAULT_COLORMAP)
    low = number("near", near, 0, FARTHEST_COLOUR, "metres")
    high = number("far", far, 0, FARTHEST_COLOUR, "metres")
    if low is not None and high is not None and low >= high:
        raise ConfigError(
            f"The range is near {low:g} m to far {high:g} m, expected near below far: "
            "swap them, or leave one empty to take it from the picture."
        )
    return ColorSettings(name, low, high)


def selection(points: Any = None, box: Any = None) -> Selection:
    """The pixels or the box to measure.

    Args:
        points: [[u, v], ...], at least one; or four plain numbers, which are read as a box.
        box: [u0, v0, u1, v1], any two opposite corners.

    Raises:
        ConfigError: neither or both given, or not numbers in these shapes.
    """
    if is_list(points, 4) and all(is_number(value) for value in points) and missing(box):
        points, box = None, points
    if missing(points) == missing(box):
        got = "nothing" if missing(points) else "both"
        raise ConfigError(
            f"The selection is {got}, expected either points [[u, v], ...] or a box "
            "[u0, v0, u1, v1] in pixels of the photo: mark one of them."
        )
    if not missing(box):
        if not is_list(box, 4) or not all(is_number(value) for value in box):
            raise wrong("box", box, "four numbers [u0, v0, u1, v1]", "mark two opposite corners")
        u0, v0, u1, v1 = (float(value) for value in box)
        return Selection(box=(min(u0, u1), min(v0, v1), max(u0, u1), max(v0, v1)))
    fine = isinstance(points, list | tuple) and 1 <= len(points) <= 1000
    if not fine or not all(is_list(p, 2) and all(map(is_number, p)) for p in points):
        raise wrong("points", points, "1 to 1000 pairs [[u, v], ...]", "mark points on the photo")
    return Selection(points=tuple((float(u), float(v)) for u, v in points))


def outputs_wanted(names: Any, allowed: Sequence[str] = OUTPUTS) -> tuple[str, ...]:
    """Kinds of files to write, in the order of `allowed`; missing takes colour and 16-bit PNG.

    Raises:
        ConfigError: not a list (or comma-separated text) of known kinds.
    """
    if missing(names):
        return ("color", "depth16")
    listed = [part.strip() for part in names.split(",")] if isinstance(names, str) else names
    expected = f"one or more of {', '.join(allowed)}"
    if not isinstance(listed, list | tuple) or not listed:
        raise wrong("outputs", names, expected, "name at least one")
    for name in listed:
        if not isinstance(name, str) or name not in allowed:
            raise wrong("outputs", name, expected, "choose from these")
    listed = with_parts(listed)
    return tuple(name for name in allowed if name in listed)


def listed(photos: Any) -> list[Any]:
    """The uploads of a field that takes several.

    Raises:
        ImageError: there is none.
    """
    uploads: list[Any] = photos if isinstance(photos, list) else [photos]
    if not uploads or uploads == [None]:
        raise ImageError(t("studio.no_photo"))
    return uploads


def space_options(
    *,
    edge_filter: Any = None,
    density: Any = None,
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
        edge_filter: relative distance from both surfaces at which a point between them counts as
            flying and is dropped, 0..0.5; true or missing takes the default, false keeps all.
        density: share of the photo's pixels that become points, above 0 up to 1; missing is all.
        voxel: edge of the cells of which one point each is kept, metres.
        pose: camera-to-world, 16 numbers row by row or 4 rows of 4.

    Raises:
        DepthError: a value of the wrong type or out of range, or two that exclude each other.
    """
    if isinstance(edge_filter, bool):
        tolerance = EDGE_TOLERANCE if edge_filter else None
    else:
        given = number("edge_filter", edge_filter, 0, 0.5, "of the depth")
        tolerance = EDGE_TOLERANCE if given is None else given or None
    share = number("density", density, 0.001, 1, "of the pixels")
    triangles = number("faces", faces, 1, 1e8, "triangles")
    matrix = numbers("pose", pose, (16,), "16 numbers, a 4x4 camera-to-world matrix row by row")
    points = CloudOptions(
        edge_tolerance=tolerance,
        near=number("near", near, 0, 1e6, "metres") or 0.0,
        far=number("far", far, 0, 1e6, "metres"),
        # "0" is how a page says "no limit" with a slider.
        min_confidence=number("confidence", confidence, 0, 1, "(1 is certain)") or None,
        drop_sky=switch("sky", sky),
        stride=1 / math.sqrt(share or 1.0),
        voxel=number("voxel", voxel, 0, 1e6, "metres") or None,
        normals=switch("normals", normals),
    )
    return SpaceOptions(
        points,
        one_of("shape", shape, SHAPES, None),
        outliers=switch("outliers", outliers),
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
    spot = numbers("at", at, (2,), "two numbers u, v in pixels of the photo")
    extent = number("size", size, 0.01, 100, "metres")
    moved = number("back", back, -1000, 1000, "metres")
    return ViewSettings(
        one_of("kind", kind, VIEWS, default.kind),
        None if spot is None else (spot[0], spot[1]),
        one_of("object", thing, KINDS, default.thing),
        default.size if extent is None else extent,
        default.back if moved is None else moved,
    )
