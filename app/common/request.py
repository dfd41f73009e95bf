"""What a request may ask for: raw values from the page or over HTTP become checked dataclasses.

Every value can be anything that JSON can hold; whatever is not usable gets one sentence that says
what was got, what was expected and what to do.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar, cast

from app.common.text import t
from core.data.sparse_file import parse_sparse
from core.errors import ConfigError, ImageError
from core.files.colormap import COLORMAPS, DEFAULT_COLORMAP
from core.files.depth_maps import ColorSettings
from core.files.outputs import OUTPUTS as WRITERS
from core.files.outputs import with_parts
from core.geometry.build import SHAPES, SpaceOptions
from core.geometry.masks import EDGE_TOLERANCE
from core.geometry.point_cloud import CloudOptions
from core.geometry.virtual_object import KINDS, Kind
from core.scale.calibration import Measurement, camera_of, given
from core.scale.known import (
    MAX_METRES,
    MIN_METRES,
    CameraHeight,
    KnownDepth,
    KnownLength,
    SparseDepth,
)
from core.scale.profile import Profile, load_profile
from core.weights.choice import AUTO

Name = TypeVar("Name", bound=str)
Default = TypeVar("Default", bound=str | None)
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


class SettingError(ConfigError):
    """A setting that cannot be used.

    Attributes:
        name: the setting's, as programs have it; a page has its own.
        said: the rest of the sentence.
    """

    def __init__(self, name: str, said: str) -> None:
        super().__init__(f"The setting {name} {said}")
        self.name, self.said = name, said


def wrong(name: str, got: Any, expected: str, remedy: str) -> ConfigError:
    """The sentence about a setting that cannot be used."""
    shown = repr(got)
    shown = shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}..."
    return SettingError(name, f"is {shown}, expected {expected}: {remedy}.")


DEFAULT_MODEL = AUTO
MIN_RESOLUTION, MAX_RESOLUTION = 96, 1024  # working height in pixels; the upper one bounds memory
FARTHEST_COLOUR = 1000.0  # metres, of the colour bar's ends
OUTPUTS = tuple(WRITERS)
CLOUD_FORMATS = ("ply", "glb", "obj")
View = Literal["clip", "stereo", "anaglyph", "object"]
VIEWS: tuple[View, ...] = ("clip", "stereo", "anaglyph", "object")


@dataclass(frozen=True)
class DepthRequest:
    """How the depth of a photo, a batch or a clip is wanted: the same on the page and over HTTP.

    Attributes:
        model: name of an installed model, "auto" lets the photo choose; empty takes the
            studio's default.
        resolution: working height in pixels; None takes the model's own.
        flip: average with the mirrored photo.
        fov: horizontal field of view in degrees; None takes EXIF or the training camera.
        intrinsics: fx, fy, cx, cy in pixels of the photo, instead of a field of view.
        known: measurements, sparse depth or a profile that give the depth its scale.
        colors: colour map and its range in metres (None: from the picture).
    """

    model: str = ""
    resolution: int | None = None
    flip: bool = False
    fov: float | None = None
    intrinsics: tuple[float, ...] | None = None
    known: tuple[Measurement, ...] = ()
    colors: ColorSettings = field(default_factory=ColorSettings)

    @property
    def prediction(self) -> dict[str, Any]:
        """What decides the prediction beside the model: the keywords of a predictor."""
        camera = camera_of(self.known, self.fov, self.intrinsics)
        return {
            "resolution": self.resolution, "flip": self.flip, "fov": self.fov, "intrinsics": camera
        }  # fmt: skip

    def to_dict(self) -> dict[str, Any]:
        """The settings as a summary or a manifest states them."""
        known = {name: value for name, value in given(self.known).items() if value is not None}
        return {"model": self.model, **self.prediction, "intrinsics": self.intrinsics, **known}


@dataclass(frozen=True)
class Selection:
    """What to measure: at least one pixel (u, v), or a box (u0, v0, u1, v1), in photo pixels."""

    points: tuple[tuple[float, float], ...] = ()
    box: tuple[float, float, float, float] | None = None


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
        None if height is None else round(height),
        _switch("flip", flip),
        number("fov", fov, None, None, "of degrees"),
        None if camera is None else tuple(camera),
        (
            *checked_profile(profile),
            *checked_lengths(known_length),
            *checked_depths(known_depth),
            *checked_height(camera_height),
            *checked_sparse(sparse, sparse_scale),
        ),
        checked_colors(colormap, near, far),
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


MAX_MEASURED = 100  # lengths, or depths, of one request


def checked_lengths(value: Any) -> tuple[KnownLength, ...]:
    """Known lengths from [u0, v0, u1, v1, metres], or a list of such.

    Raises:
        ConfigError: other numbers.
        CameraError: a length out of range.
    """
    meaning = f"five numbers u0, v0, u1, v1, metres ({MIN_METRES:g} to {MAX_METRES:g} m)"
    rows = _rows("known_length", value, 5, meaning)
    return tuple(map(KnownLength.from_numbers, rows))


def checked_depths(value: Any) -> tuple[KnownDepth, ...]:
    """Known depths from [u, v, metres], or a list of such; errors as for `checked_lengths`."""
    meaning = f"three numbers u, v, metres ({MIN_METRES:g} to {MAX_METRES:g} m)"
    return tuple(map(KnownDepth.from_numbers, _rows("known_depth", value, 3, meaning)))


def checked_height(value: Any) -> tuple[CameraHeight, ...]:
    """The camera's height in metres, or none; errors as for `checked_lengths`."""
    height = number("camera_height", value, None, None, "of metres")
    return () if height is None else (CameraHeight(height),)


MAX_POINTS = 20_000  # in a call itself
MAX_SPARSE_BYTES = 16 << 20  # of an uploaded file


def checked_sparse(file: Path | Sequence[Any] | None, scale: Any = None) -> tuple[SparseDepth, ...]:
    """Sparse depth from an uploaded CSV or depth map, or from rows [u, v, metres].

    Raises:
        DepthError: a file that is none of these, or whose unit is not said.
    """
    steps = number("sparse_scale", scale, None, None, "of steps per metre")
    if file is None:
        return ()
    if not isinstance(file, Path):
        fine = (
            isinstance(file, (list, tuple))
            and 0 < len(file) <= MAX_POINTS
            and all(is_list(row, 3) and all(map(is_number, row)) for row in file)
        )
        if not fine:
            raise wrong("sparse", file, f"1 to {MAX_POINTS:,} rows [u, v, metres]", "correct it")
        return (SparseDepth.from_numbers(file),)
    with file.open("rb") as stream:
        data = stream.read(MAX_SPARSE_BYTES + 1)
    if len(data) > MAX_SPARSE_BYTES:
        raise ConfigError(
            f"The sparse depth is larger than {MAX_SPARSE_BYTES >> 20} MiB, expected fewer points: "
            "thin them."
        )
    return (parse_sparse(data, file.name, scale=steps),)


def checked_profile(value: Any) -> tuple[Profile, ...]:
    """A scale profile: the name of one that the server has, or a profile's own JSON.

    Raises:
        ConfigError: no such profile, or no profile. A path is no name.
    """
    if missing(value):
        return ()
    if isinstance(value, str) and not value.lstrip().startswith("{"):
        return (load_profile(value.strip()),)
    if isinstance(value, str):
        return (Profile.from_json(value),)
    return (Profile.from_dict(value),)


def _rows(name: str, value: Any, count: int, meaning: str) -> list[list[float]]:
    """So many numbers, once or several times."""
    found = numbers(name, value, tuple(count * n for n in range(1, MAX_MEASURED + 1)), meaning)
    return [found[i : i + count] for i in range(0, len(found), count)] if found else []


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
        drop_sky=_switch("sky", sky),
        stride=1 / math.sqrt(share or 1.0),
        voxel=number("voxel", voxel, 0, 1e6, "metres") or None,
        normals=_switch("normals", normals),
    )
    return SpaceOptions(
        points,
        one_of("shape", shape, SHAPES, None),
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


def one_of(name: str, value: Any, allowed: Sequence[Name], default: Default) -> Name | Default:
    """One of several names, or the default where there is none.

    Raises:
        ConfigError: another value.
    """
    if missing(value):
        return default
    if not isinstance(value, str) or value not in allowed:
        raise wrong(name, value, f"one of {', '.join(allowed)}", "choose one of these")
    return cast(Name, value)


def _switch(name: str, value: Any) -> bool:
    """True or false; 1 and 0 count, a missing value is false."""
    if missing(value):
        return False
    if isinstance(value, int | float) and value in (0, 1):
        return bool(value)
    raise wrong(name, value, "true or false", "send a JSON boolean")
