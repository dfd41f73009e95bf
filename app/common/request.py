"""What a request may ask for: raw values from a page or over HTTP become checked dataclasses.

Every value can be anything that JSON can hold; whatever is not usable gets one sentence that says
what was got, what was expected and what to do.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app.common.text import t
from core.errors import ConfigError, ImageError
from core.files.colormap import COLORMAPS, DEFAULT_COLORMAP
from core.geometry.masks import EDGE_TOLERANCE
from core.weights.choice import AUTO

_SHOWN = 60  # characters of a wrong value that an error repeats


def numbers(name: str, value: Any, counts: tuple[int, ...], meaning: str) -> list[float] | None:
    """So many numbers from a list (nested or not) or a text, or None where there are none.

    Args:
        name: of the setting.
        value: raw.
        counts: how many there may be.
        meaning: what they are, for the error.

    Raises:
        ConfigError: something else.
    """
    if missing(value):
        return None
    parts = value.replace(",", " ").split() if isinstance(value, str) else value
    if (
        isinstance(parts, list | tuple)
        and parts
        and all(isinstance(p, list | tuple) for p in parts)
    ):
        parts = [item for row in parts for item in row]
    found = parts if isinstance(parts, list | tuple) else []
    if isinstance(value, str):
        with contextlib.suppress(ValueError):
            found = [float(part) for part in found]
    if len(found) not in counts or not all(map(is_number, found)):
        raise wrong(name, value, meaning, "correct it or leave it empty")
    return [float(item) for item in found]


def number(name: str, value: Any, low: float | None, high: float | None, unit: str) -> float | None:
    """A number, or None where there is none; text that holds one counts.

    Raises:
        ConfigError: something else, or out of the bounds.
    """
    if missing(value):
        return None
    if isinstance(value, str):
        with contextlib.suppress(ValueError):
            value = float(value)
    bounds = "a number" if low is None else f"{low:g} to {high:g}"
    if not is_number(value):
        raise wrong(name, value, f"{bounds} {unit}", "give a number or leave it empty")
    if low is not None and high is not None and not low <= value <= high:
        raise wrong(name, value, f"{bounds} {unit}", "change it or leave it empty")
    return float(value)


def is_number(value: Any) -> bool:
    """Whether it is a finite number of a sensible size (true and false are none)."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) < 1e9 and math.isfinite(value)


def is_list(value: Any, length: int) -> bool:
    """Whether it is a list of so many."""
    return isinstance(value, list | tuple) and len(value) == length


def missing(value: Any) -> bool:
    """Whether a value was left out: None, or an empty text."""
    return value is None or (isinstance(value, str) and not value.strip())


def wrong(name: str, got: Any, expected: str, remedy: str) -> ConfigError:
    """The sentence about a setting that cannot be used."""
    shown = repr(got)
    shown = shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}..."
    return ConfigError(f"The setting {name} is {shown}, expected {expected}: {remedy}.")


DEFAULT_MODEL = AUTO
MIN_RESOLUTION, MAX_RESOLUTION = 96, 1024  # working height in pixels; the upper one bounds memory
MAX_METRES = 1000.0
OUTPUTS = (
    "color", "depth16", "npy", "npz", "exr", "levels",
    "ply", "glb", "obj", "stereo", "anaglyph", "clip",
)  # fmt: skip
CLOUD_FORMATS = ("ply", "glb", "obj")


@dataclass(frozen=True)
class PredictSettings:
    """What decides the depth of a photo (and so the key of its cached prediction).

    Attributes:
        model: name of an installed model, "auto" lets the photo choose; empty takes the
            studio's default.
        resolution: working height in pixels; None takes the model's own.
        flip: average with the mirrored photo.
        fov: horizontal field of view in degrees; None takes EXIF or the training camera.
        intrinsics: fx, fy, cx, cy in pixels of the photo, instead of a field of view.
    """

    model: str = ""
    resolution: int | None = None
    flip: bool = False
    fov: float | None = None
    intrinsics: tuple[float, ...] | None = None


@dataclass(frozen=True)
class DisplaySettings:
    """How depth is drawn: the colour map and its range in metres (None: from the picture)."""

    colormap: str = DEFAULT_COLORMAP
    near: float | None = None
    far: float | None = None


@dataclass(frozen=True)
class CloudSettings:
    """A point cloud or mesh to write.

    Attributes:
        format: "ply" (OpenCV axes), "glb" (glTF axes) or "obj" (the same, in a zip).
        edge_filter: relative distance from both surfaces at which a point between them counts as
            flying and is dropped; 0 keeps all.
        density: share of the photo's pixels that become points, above 0 up to 1.
    """

    format: str = "ply"
    edge_filter: float = EDGE_TOLERANCE
    density: float = 1.0


@dataclass(frozen=True)
class Selection:
    """What to measure: at least one pixel (u, v), or a box (u0, v0, u1, v1), in photo pixels."""

    points: tuple[tuple[float, float], ...] = ()
    box: tuple[float, float, float, float] | None = None


def predict_settings(
    model: Any = None,
    resolution: Any = None,
    flip: Any = None,
    fov: Any = None,
    intrinsics: Any = None,
) -> PredictSettings:
    """Checked settings; a missing value (None or an empty text) takes the default.

    Raises:
        ConfigError: a value of the wrong type or out of range. Whether the model is installed and
            whether a camera can have this field of view is checked where they are used.
    """
    name = "" if missing(model) else model
    if not isinstance(name, str):
        raise wrong("model", model, "the name of an installed model", "see the list of models")
    height = number("resolution", resolution, MIN_RESOLUTION, MAX_RESOLUTION, "pixels")
    if not (flip is None or isinstance(flip, bool) or (isinstance(flip, int) and flip in (0, 1))):
        raise wrong("flip", flip, "true or false", "send a JSON boolean")
    camera = numbers("intrinsics", intrinsics, (4,), "four numbers fx, fy, cx, cy in pixels")
    return PredictSettings(
        name.strip(),
        None if height is None else round(height),
        bool(flip),
        number("fov", fov, None, None, "of degrees"),
        None if camera is None else tuple(camera),
    )


def display_settings(colormap: Any = None, near: Any = None, far: Any = None) -> DisplaySettings:
    """Checked settings; missing bounds are taken from each picture.

    Raises:
        ConfigError: an unknown colour map, or a range that is not 0 <= near < far <= 1000 m.
    """
    name = DEFAULT_COLORMAP if missing(colormap) else colormap
    if not isinstance(name, str) or name not in COLORMAPS:
        raise wrong("colormap", colormap, f"one of {', '.join(COLORMAPS)}", "choose one of these")
    low = number("near", near, 0, MAX_METRES, "metres")
    high = number("far", far, 0, MAX_METRES, "metres")
    return _range(name, low, high)


def cloud_settings(
    format: Any = None,  # noqa: A002 - the documented name
    edge_filter: Any = None,
    density: Any = None,
) -> CloudSettings:
    """Checked settings of a cloud.

    Args:
        format: "ply", "glb" or "obj".
        edge_filter: true or missing (the default threshold), false (off), or a share in 0..0.5.
        density: above 0 up to 1; missing keeps every pixel.

    Raises:
        ConfigError: a value of the wrong type or out of range.
    """
    kind = "ply" if missing(format) else format
    if not isinstance(kind, str) or kind.lower() not in CLOUD_FORMATS:
        raise wrong("format", format, f"one of {', '.join(CLOUD_FORMATS)}", "choose one of these")
    default = CloudSettings()
    if isinstance(edge_filter, bool) or missing(edge_filter):
        threshold = 0.0 if edge_filter is False else default.edge_filter
    else:
        limit = number("edge_filter", edge_filter, 0, 0.5, "of the depth")
        threshold = default.edge_filter if limit is None else limit
    share = number("density", density, 0.001, 1, "of the pixels")
    return CloudSettings(kind.lower(), threshold, default.density if share is None else share)


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
    return tuple(name for name in allowed if name in listed)


def _range(name: str, near: float | None, far: float | None) -> DisplaySettings:
    if near is not None and far is not None and near >= far:
        raise ConfigError(
            f"The range is near {near:g} m to far {far:g} m, expected near below far: "
            "swap them, or leave one empty to take it from the picture."
        )
    return DisplaySettings(name, near, far)


def listed(photos: Any) -> list[Any]:
    """The uploads of a field that takes several.

    Raises:
        ImageError: there is none.
    """
    uploads: list[Any] = photos if isinstance(photos, list) else [photos]
    if not uploads or uploads == [None]:
        raise ImageError(t("studio.no_photo"))
    return uploads
