"""The camera: where its numbers come from, how they move, pixels <-> metres.

Frame: OpenCV (x right, y down, z forward), metres; depth is z, not distance along the ray. Only in
equirectangular pictures (panoramas), which look all round, it is that distance. Pixel centres are
at integer coordinates, so a W-wide picture spans -0.5 .. W - 0.5 and has its centre at
(W - 1) / 2. Angles are in degrees.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Literal, Protocol, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.errors import CameraError

Source = Literal["given", "exif", "assumed"]
Projection = Literal["pinhole", "equirectangular"]

MIN_FOV, MAX_FOV = 5.0, 170.0  # degrees, horizontal or along the long side
WHOLE_SPHERE = 360.0  # the field of view that says: a panorama of everything around
_MAX_STRETCH = 10.0  # fx / fy: pixels are square, but for a picture squeezed in one direction
_MAX_OFF_SHAPE = 1.02  # between pictures of one camera: sizes are rounded
_MAX_OTHER_FOV = 178.0  # a field of view given for the short side may open the long one further


class FieldOfView(Protocol):
    """The camera that a model was trained with (`TrainingCamera`), in pixels."""

    @property
    def width(self) -> int: ...
    @property
    def height(self) -> int: ...
    @property
    def fx(self) -> float: ...
    @property
    def fy(self) -> float: ...


@dataclass(frozen=True)
class Intrinsics:
    """Focal lengths and principal point of a picture, in its pixels, and where they come from.

    Of an equirectangular picture `fx` and `fy` are pixels per radian of longitude and latitude, and
    (`cx`, `cy`) is where it looks straight forward.

    Raises:
        CameraError: a focal length that is not a positive finite number, a principal point that is
            not finite, or an unknown source.
    """

    fx: float
    fy: float
    cx: float
    cy: float
    source: Source = "given"
    projection: Projection = "pinhole"

    def __post_init__(self) -> None:
        for name in ("fx", "fy"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise CameraError(
                    f"The focal length {name} is {value:g} px, expected a positive number: "
                    "give the focal length in pixels, or leave it out."
                )
        for name in ("cx", "cy"):
            if not math.isfinite(getattr(self, name)):
                raise CameraError(
                    f"The principal point's {name} is {getattr(self, name)}, expected a number of "
                    "pixels: give the picture's centre if it is unknown."
                )
        if self.source not in get_args(Source):
            raise CameraError(
                f"The intrinsics' source is '{self.source}', expected one of "
                f"{', '.join(get_args(Source))}: name where the numbers come from."
            )

    def hfov(self, width: int) -> float:
        """Horizontal field of view of a picture `width` pixels wide, in degrees."""
        if self.projection != "pinhole":
            return math.degrees(width / self.fx)
        return _angle(self.fx, self.cx, width)

    def vfov(self, height: int) -> float:
        """Vertical field of view of a picture `height` pixels high, in degrees."""
        if self.projection != "pinhole":
            return math.degrees(height / self.fy)
        return _angle(self.fy, self.cy, height)

    def long_fov(self, width: int, height: int) -> float:
        """Field of view along the longer side of a width x height picture, in degrees."""
        return self.hfov(width) if width >= height else self.vfov(height)

    def rays(self, u: ArrayLike, v: ArrayLike) -> NDArray[np.float64]:
        """Directions of pixels, as long as a depth of 1 is.

        Args:
            u, v: columns and rows; they are broadcast.

        Returns:
            (..., 3): points of depth 1 in the camera frame.
        """
        x = (np.asarray(u, np.float64) - self.cx) / self.fx
        y = (np.asarray(v, np.float64) - self.cy) / self.fy
        x, y = np.broadcast_arrays(x, y)
        if self.projection == "pinhole":
            return np.stack((x, y, np.ones_like(x)), axis=-1)
        return np.stack((np.cos(y) * np.sin(x), np.sin(y), np.cos(y) * np.cos(x)), axis=-1)

    def depth_of(self, points: NDArray[np.floating]) -> NDArray[np.floating]:
        """Depth (...) of points (..., 3) in the camera frame: z, in a panorama the distance."""
        if self.projection == "pinhole":
            return np.asarray(points[..., 2])
        return np.asarray(np.linalg.norm(points, axis=-1))

    def resized(self, width: int, height: int, new_width: int, new_height: int) -> Intrinsics:
        """After resampling a width x height picture to new_width x new_height."""
        sx, sy = new_width / width, new_height / height
        return replace(
            self,
            fx=self.fx * sx,
            fy=self.fy * sy,
            cx=(self.cx + 0.5) * sx - 0.5,
            cy=(self.cy + 0.5) * sy - 0.5,
        )

    def cropped(self, left: float, top: float) -> Intrinsics:
        """After cutting off `left` columns and `top` rows (negative: after padding)."""
        return replace(self, cx=self.cx - left, cy=self.cy - top)

    def rotated90(self, turns: int, width: int, height: int) -> Intrinsics:
        """After `numpy.rot90(picture, turns)`, anticlockwise, of a width x height picture."""
        turns %= 4
        if turns == 0:
            return self
        once = Intrinsics(self.fy, self.fx, self.cy, width - 1 - self.cx, self.source)
        return once.rotated90(turns - 1, height, width)

    def flipped(self, width: int) -> Intrinsics:
        """After mirroring a `width` pixels wide picture left to right."""
        return replace(self, cx=width - 1 - self.cx)

    def checked(self, width: int, height: int) -> Intrinsics:
        """Itself, if a width x height picture can have been taken with it.

        Raises:
            CameraError: the field of view along the long side is outside 5..170 degrees, the two
                focal lengths differ too much, or the principal point is too far from the picture.
        """
        focal = self.fx if width >= height else self.fy
        # As if centred: a principal point far off hides an absurd focal length.
        centred = math.degrees(2 * math.atan2(max(width, height) / 2, focal))
        if not MIN_FOV <= centred <= MAX_FOV:
            raise CameraError(
                f"A focal length of {focal:g} px gives this {width}x{height} picture a field of "
                f"view of {centred:.3g} degrees, expected {MIN_FOV:g} to {MAX_FOV:g}: give the "
                "focal length in pixels of this picture (not in millimetres)."
            )
        if not 1 / _MAX_STRETCH <= self.fx / self.fy <= _MAX_STRETCH:
            raise CameraError(
                f"The focal lengths are fx {self.fx:g} and fy {self.fy:g} px, expected nearly the "
                f"same, at most {_MAX_STRETCH:g} times apart: give both in pixels of this picture."
            )
        off = max(
            abs(self.cx - (width - 1) / 2) / self.fx, abs(self.cy - (height - 1) / 2) / self.fy
        )
        if self.long_fov(width, height) < MIN_FOV or off > math.tan(math.radians(MAX_FOV / 2)):
            raise CameraError(
                f"The principal point is ({self.cx:g}, {self.cy:g}), expected one nearer to this "
                f"{width}x{height} picture's centre, ({(width - 1) / 2:g}, {(height - 1) / 2:g}): "
                "give cx and cy in pixels of this picture."
            )
        return self

    def to_dict(self) -> dict[str, float | str]:
        """fx, fy, cx, cy (pixels), source; of a panorama also projection. For summaries."""
        found = asdict(self)
        if self.projection == "pinhole":
            del found["projection"]
        return found


@dataclass(frozen=True)
class SizedCamera:
    """A camera, known from a picture of width x height pixels, for its pictures of other sizes."""

    width: int
    height: int
    intrinsics: Intrinsics

    def at(self, width: int, height: int) -> Intrinsics:
        """Of another picture of this camera: resized, or held upright instead of across.

        Raises:
            CameraError: the picture has another shape, so that it was cropped.
        """
        known, shape = self, width / height * self.height / self.width
        if abs(math.log(shape)) > abs(math.log(width / height * self.width / self.height)):
            turned = self.intrinsics.rotated90(1, self.width, self.height)
            known = SizedCamera(self.height, self.width, turned)
            shape = width / height * known.height / known.width
        if not 1 / _MAX_OFF_SHAPE <= shape <= _MAX_OFF_SHAPE:
            raise CameraError(
                f"The picture has {width}x{height} pixels, the camera's have "
                f"{self.width}x{self.height}, expected the same shape: give this picture's own "
                "field of view, or one that was not cropped."
            )
        return known.intrinsics.resized(known.width, known.height, width, height)


def from_fov(width: int, height: int, degrees: float) -> Intrinsics:
    """Square pixels, centred, with a horizontal field of view given by the user.

    Raises:
        CameraError: outside 5..170 degrees, or so wide that the picture's height would span more
            than a camera can see.
    """
    if degrees == WHOLE_SPHERE:
        raise CameraError(
            f"A field of view of 360 degrees is that of a whole panorama, twice as wide as high, "
            f"expected {MIN_FOV:g} to {MAX_FOV:g} for a picture of {width}x{height} pixels: leave "
            "it out, or give the angle that the camera sees."
        )
    focal = width / (2 * math.tan(math.radians(checked_fov(degrees)) / 2))
    intrinsics = _centred(width, height, focal, focal, "given")
    vertical = intrinsics.vfov(height)
    if vertical > _MAX_OTHER_FOV:
        raise CameraError(
            f"A horizontal field of view of {degrees:g} degrees gives this {width}x{height} "
            f"picture a vertical one of {vertical:.4g}, expected at most {_MAX_OTHER_FOV:g}: "
            "give a smaller angle."
        )
    return intrinsics


def checked_fov(degrees: float) -> float:
    """A horizontal field of view as it is.

    Raises:
        CameraError: neither within 5..170 degrees nor 360 (a whole panorama), or no number.
    """
    if isinstance(degrees, (str, bool)):
        raise CameraError(
            f"The horizontal field of view is {degrees!r:.40}, expected a number of degrees."
        )
    if not (MIN_FOV <= degrees <= MAX_FOV or degrees == WHOLE_SPHERE):  # also for NaN
        raise CameraError(
            f"The horizontal field of view is {degrees:g} degrees, expected {MIN_FOV:g} to "
            f"{MAX_FOV:g}, or {WHOLE_SPHERE:g} for a panorama: a phone's main camera has about 65."
        )
    return degrees


def assumed(width: int, height: int, camera: FieldOfView) -> Intrinsics:
    """The training camera's field of view, kept along the photo's long side (turned with it)."""
    long, short = (camera.fx, camera.fy)
    if camera.width < camera.height:
        long, short = short, long
    scale = max(width, height) / max(camera.width, camera.height)
    fx, fy = (long, short) if width >= height else (short, long)
    return _centred(width, height, fx * scale, fy * scale, "assumed")


GivenCamera = Intrinsics | SizedCamera | Sequence[float]
"""A camera as the user gives it."""


def choose_intrinsics(
    size: tuple[int, int],
    *,
    camera: FieldOfView,
    focal_px: float | None = None,
    fov: float | None = None,
    given: GivenCamera | None = None,
) -> Intrinsics:
    """The best known intrinsics: given ones, else from the field of view, else EXIF, else assumed.

    Args:
        size: (width, height) of the picture in pixels.
        camera: the model's training camera, for when nothing else is known.
        focal_px: focal length in pixels from EXIF (`core.images.decode.Photo.focal_px`).
        fov: horizontal field of view in degrees, from the user.
        given: `Intrinsics` (which keep their source) or the numbers fx, fy, cx, cy, in pixels of
            this picture; or a `SizedCamera`.

    Raises:
        CameraError: both `fov` and `given`, numbers no camera has, or not four of them.
    """
    width, height = size
    if fov is not None and given is not None:
        raise CameraError(
            "Both a field of view and intrinsics were given, expected one of them: leave one out."
        )
    if fov is not None:
        return from_fov(width, height, fov)
    if isinstance(given, SizedCamera):
        given = given.at(width, height)
    if isinstance(given, Intrinsics):
        return given.checked(width, height)
    if given is not None:
        if len(given) != 4:
            raise CameraError(
                f"The intrinsics have {len(given)} numbers, expected 4: give fx, fy, cx, cy."
            )
        try:
            fx, fy, cx, cy = (float(number) for number in given)
        except (TypeError, ValueError) as error:
            raise CameraError(
                f"The intrinsics are {given!r:.80}, expected 4 numbers: give fx, fy, cx, cy in "
                "pixels."
            ) from error
        return Intrinsics(fx, fy, cx, cy, "given").checked(width, height)
    if focal_px:
        claimed = _centred(width, height, focal_px, focal_px, "exif")
        if MIN_FOV <= claimed.long_fov(width, height) <= MAX_FOV:
            return claimed
    return assumed(width, height, camera)


def check_pinhole(camera: Intrinsics, what: str) -> None:
    """Raises where a camera looks all round.

    Args:
        camera: of a picture.
        what: cannot be made of such a picture.

    Raises:
        CameraError: it is a panorama's.
    """
    if camera.projection != "pinhole":
        raise CameraError(
            f"This is a 360-degree panorama, expected a photo of an ordinary camera for {what}: "
            "take another photo, or points or a surface (ply, glb) of this one."
        )


def unproject(depth: NDArray[np.floating], intrinsics: Intrinsics) -> NDArray[np.float32]:
    """Points of all pixels in the camera frame.

    Args:
        depth: (H, W) metres along the optical axis (in a panorama along the ray); NaN stays NaN.
        intrinsics: of a picture of this size.

    Returns:
        (H, W, 3) float32 metres: ((u - cx) z / fx, (v - cy) z / fy, z).

    Raises:
        CameraError: `depth` is not a plane.
    """
    if depth.ndim != 2:
        raise CameraError(
            f"The depth map has shape {depth.shape}, expected (height, width): "
            "pass one plane of metres."
        )
    height, width = depth.shape
    points = np.empty((height, width, 3), np.float32)
    ray_x = (np.arange(width) - intrinsics.cx) / intrinsics.fx
    ray_y = (np.arange(height)[:, None] - intrinsics.cy) / intrinsics.fy
    if intrinsics.projection != "pinhole":
        level = depth * np.cos(ray_y)
        points[..., 0], points[..., 2] = level * np.sin(ray_x), level * np.cos(ray_x)
        points[..., 1] = depth * np.sin(ray_y)
        return points
    # The products are rounded once, to float32: at the border of a 100-megapixel picture two
    # roundings would already cost a thousandth of a pixel on the way back.
    for axis, ray in enumerate((ray_x, ray_y)):
        np.multiply(depth, ray, out=points[..., axis], dtype=np.float64, casting="same_kind")
    points[..., 2] = depth
    return points


def project(
    points: ArrayLike, intrinsics: Intrinsics
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Pixel coordinates and depth of points in the camera frame.

    Args:
        points: (..., 3) metres.
        intrinsics: of the picture to project into.

    Returns:
        uv (..., 2) in pixels, NaN where the point is not in front of the camera; z (...) metres, in
        a panorama the distance.
    """
    xyz = np.asarray(points, np.float64)
    if intrinsics.projection != "pinhole":
        far = np.linalg.norm(xyz, axis=-1)
        with np.errstate(invalid="ignore", divide="ignore"):
            down = np.arcsin(xyz[..., 1] / far)
        u = np.arctan2(xyz[..., 0], xyz[..., 2]) * intrinsics.fx + intrinsics.cx
        u = np.where(np.isnan(down), np.nan, u)
        return np.stack((u, down * intrinsics.fy + intrinsics.cy), axis=-1), far
    z = xyz[..., 2]
    safe = np.where(z > 0, z, np.nan)
    u = xyz[..., 0] / safe * intrinsics.fx + intrinsics.cx
    v = xyz[..., 1] / safe * intrinsics.fy + intrinsics.cy
    return np.stack((u, v), axis=-1), z


def _centred(width: int, height: int, fx: float, fy: float, source: Source) -> Intrinsics:
    return Intrinsics(fx, fy, (width - 1) / 2, (height - 1) / 2, source)


def _angle(focal: float, centre: float, extent: int) -> float:
    """Degrees between the rays through the two outer pixel edges."""
    low, high = math.atan2(centre + 0.5, focal), math.atan2(extent - 0.5 - centre, focal)
    return math.degrees(low + high)
