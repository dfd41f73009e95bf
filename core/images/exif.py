"""EXIF: how the picture is turned and how long the lens is (`projection` asks for the model).

Everything here was written by a stranger: each value is checked on its own, and what cannot be
believed counts as absent. Tag numbers: Exif 2.32 (CIPA DC-008), sections 4.6.4 and 4.6.5.

EXIF describes the frame as it was taken. What a program did to the picture afterwards is told by
its size alone, so `frame_of` comes first: how large that frame is at the scale of this picture.
"""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass, replace
from typing import Any

from PIL import Image

from core.camera import MAX_FOV, MIN_FOV

Size = tuple[int, int]

_FULL_FRAME_DIAGONAL = math.hypot(36.0, 24.0)  # mm
# Rectilinear lenses begin at 9 mm (35 mm equivalent); below, a phone has written its true focal
# length (2-7 mm) into the equivalent's tag. Above 400 mm the field of view is under 5 degrees.
_PLAUSIBLE_35MM = (9.0, 400.0)
# Equivalent / true focal length: 0.55 is the largest digital medium format, 16 a sensor of 2.7 mm.
# Some phones write 177 mm for a 4 mm lens when they save at a low resolution.
_PLAUSIBLE_CROP_FACTOR = (0.55, 16.0)
_SAME_SHAPE, _SAME_SIDE = 0.02, 0.01  # relative
_THUMBNAIL = 320  # pixels: so small a picture may have bars that fill it up to another shape
# What cropping tools offer, long side / short side; any other shape was drawn by hand.
_OFFERED = (1, 5 / 4, 4 / 3, 7 / 5, 3 / 2, 16 / 10, 16 / 9, 1.91, 2, 21 / 9)

_log = logging.getLogger(__name__)

_ORIENTATION, _MAKE, _MODEL, _EXIF_IFD = 0x0112, 0x010F, 0x0110, 0x8769
_WIDTH, _HEIGHT = 0x0100, 0x0101  # of the first directory: some phones write the frame there too
_FOCAL_MM, _FOCAL_35MM, _DIGITAL_ZOOM = 0x920A, 0xA405, 0xA404
_PIXEL_WIDTH, _PIXEL_HEIGHT = 0xA002, 0xA003
_PLANE_X, _PLANE_UNIT = 0xA20E, 0xA210
_PLANE_UNIT_MM = {2: 25.4, 3: 10.0, 4: 1.0, 5: 0.001}  # inch (also the default), cm, mm, um
# Long sides of sensors that exist, phone to digital medium format, with room: mm.
_PLAUSIBLE_SENSOR = (2.0, 60.0)
# Cameras whose lenses come off have large sensors. Smaller, and the resolution is of the whole
# frame but the size was rewritten by the program that made the picture smaller.
_LARGE_SENSOR = 17.0  # mm, Micro Four Thirds
_LARGE_CAMERAS = ("eos", "nikon d", "nikon z", "ilce", "ilca", "slt-", "dslr-", "pentax k", "x-t")


@dataclass(frozen=True)
class Frame:
    """The frame as taken, at the scale of the picture that is left of it.

    Attributes:
        width, height: in pixels of the picture; None where its size does not tell.
        note: a sentence for the user, where something had to be concluded.
    """

    width: float | None
    height: float | None
    note: str | None = None


def frame_of(picture: Size, taken: Size | None) -> Frame:
    """Where the picture's size leaves the frame that its tags describe.

    A picture of the frame's shape was resized; one that keeps a whole side of it was cropped. One
    of another of the usual shapes is taken for the largest such crop, resized. Of any other nothing
    is known.

    Args:
        picture: width and height as stored, before any turning.
        taken: tags PixelXDimension, PixelYDimension; None where absent.
    """
    (width, height), taken = picture, taken or picture
    turned = (width - height) * (taken[0] - taken[1]) < 0
    whole = _one_whole_side(picture, taken) or (turned and _one_whole_side(picture, taken[::-1]))
    if whole:
        return Frame(*whole)
    if math.isclose(_shape(picture), _shape(taken), rel_tol=_SAME_SHAPE):
        return Frame(width, height)
    about = (
        f"Its EXIF describes a frame of {taken[0]} x {taken[1]} pixels and the picture has {width} "
        f"x {height}: "
    )
    offered = any(math.isclose(_shape(picture), s, rel_tol=_SAME_SIDE) for s in _OFFERED)
    fits = width <= taken[0] and height <= taken[1]
    # A frame of the other orientation was cropped, or turned and cropped: nobody knows.
    if turned or not (offered and fits) or max(picture) <= _THUMBNAIL:
        return Frame(
            None,
            None,
            f"{about}it no longer fits, so its focal length is not used and the field of view is "
            "assumed; give yours if you know it.",
        )
    scale = max(width / taken[0], height / taken[1])
    return Frame(
        taken[0] * scale,
        taken[1] * scale,
        f"{about}taken for that frame cropped in one direction and resized; if more of it was cut "
        "away, give the field of view.",
    )


def _one_whole_side(picture: Size, taken: Size) -> Size | None:
    """The frame, where a crop has kept one side of it and nothing was resized."""
    kept = [math.isclose(p, t, rel_tol=_SAME_SIDE) for p, t in zip(picture, taken, strict=True)]
    cut = [p < t for p, t in zip(picture, taken, strict=True)]
    return taken if (kept[0] and cut[1]) or (kept[1] and cut[0]) else None


def exif_focal_px(
    width: float,
    height: float,
    focal_35mm: float | None,
    *,
    focal_mm: float | None = None,
    digital_zoom: float | None = None,
    zoom_included: bool = False,
) -> float | None:
    """Focal length in pixels from EXIF, or None where the tags cannot be believed.

    f_px = f_35 * sqrt(w^2 + h^2) / sqrt(36^2 + 24^2): the 35 mm equivalent compares diagonals, the
    sensor's own also where the camera has used a part of it (16:9 and square modes).

    Args:
        width: of the frame as taken, pixels, at the scale of the picture (`frame_of`).
        focal_35mm: tag FocalLengthIn35mmFilm; 0 means unknown.
        focal_mm: tag FocalLength; with the equivalent it says how large the sensor would be.
        digital_zoom: tag DigitalZoomRatio; 0 or less than 1 means not used. The picture is a crop
            of what the tag describes, so the focal length grows with it.
        zoom_included: the maker's equivalent already holds the digital zoom (Apple's does).
    """
    if focal_35mm is None or not math.isfinite(focal_35mm):
        return None
    if not _PLAUSIBLE_35MM[0] <= focal_35mm <= _PLAUSIBLE_35MM[1]:
        return None
    zoom = digital_zoom if digital_zoom is not None and 1 < digital_zoom <= 100 else 1.0
    crop_factor = None
    if focal_mm is not None and math.isfinite(focal_mm) and focal_mm > 0:
        crop_factor = focal_35mm / focal_mm / (zoom if zoom_included else 1.0)
        if not _PLAUSIBLE_CROP_FACTOR[0] <= crop_factor <= _PLAUSIBLE_CROP_FACTOR[1]:
            return None
    diagonal = _sensor_diagonal(width, height, crop_factor)
    focal = focal_35mm * diagonal / _FULL_FRAME_DIAGONAL * (1.0 if zoom_included else zoom)
    degrees = math.degrees(2 * math.atan2(max(width, height) / 2, focal))
    return focal if MIN_FOV <= degrees <= MAX_FOV else None


def _sensor_diagonal(width: float, height: float, crop_factor: float | None) -> float:
    """Diagonal of the whole sensor in pixels, of which a frame is the largest part of its shape.

    Sensors are 3:2 in cameras of the 35 mm and APS-C kinds and with 1 inch, 4:3 in phones, in most
    compact cameras, in Micro Four Thirds and in medium format.
    """
    long, short = max(width, height), min(width, height)
    if crop_factor is None:  # a phone, unless its frame has the other shape
        like_film = math.isclose(long / short, 3 / 2, rel_tol=_SAME_SHAPE)
    else:
        like_film = 0.9 <= crop_factor < 1.85 or 2.2 <= crop_factor < 3
    aspect = 3 / 2 if like_film else 4 / 3
    if math.isclose(long / short, aspect, rel_tol=_SAME_SHAPE):
        return math.hypot(width, height)
    if long / short > aspect:
        return math.hypot(long, long / aspect)
    return math.hypot(short * aspect, short)


def _shape(size: Size) -> float:
    return max(size) / min(size)


@dataclass(frozen=True)
class Tags:
    """Checked EXIF values; None where absent or not believable.

    Attributes:
        orientation: 1-8; 1 when absent or out of range.
        focal_35mm: 35 mm equivalent of the focal length, mm.
        focal_mm: focal length, mm.
        digital_zoom: ratio, 1 or more.
        plane_px_per_mm: pixels of the picture as taken per mm of sensor, along its width.
        taken_size: (width, height) of the picture as taken, pixels, before any turning.
        frame_size: the same from the first directory, which fewer programs rewrite.
        zoom_included: the maker's 35 mm equivalent already holds the digital zoom.
        least_sensor: mm, the shortest long side that the camera's sensor can have.
    """

    orientation: int = 1
    focal_35mm: float | None = None
    focal_mm: float | None = None
    digital_zoom: float | None = None
    plane_px_per_mm: float | None = None
    taken_size: tuple[int, int] | None = None
    frame_size: tuple[int, int] | None = None
    zoom_included: bool = False
    least_sensor: float = _PLAUSIBLE_SENSOR[0]

    @property
    def swaps_sides(self) -> bool:
        """Whether upright means that width and height change places."""
        return self.orientation >= 5

    def focal_px(self, width: int, height: int) -> tuple[float | None, tuple[str, ...]]:
        """Focal length in pixels of the whole, upright picture, or None; and notes for the user.

        From the 35 mm equivalent where that can be believed, else from the focal length and the
        sensor's resolution, f_px = f * px per mm, moved to this size along the long side.
        """
        stored = (height, width) if self.swaps_sides else (width, height)
        frame = frame_of(stored, self._frame_size(stored))
        notes = () if frame.note is None else (frame.note,)
        if frame.width is None or frame.height is None:
            claims = self._focal_px(width, height, max(stored)) is not None
            return None, notes if claims else ()
        taken_long = max(self._frame_size(stored) or stored)
        focal = self._focal_px(frame.width, frame.height, taken_long)
        return focal, notes if focal is not None else ()

    def _frame_size(self, stored: tuple[int, int]) -> tuple[int, int] | None:
        """The frame's size: of the two places that may tell it, the one that was not rewritten."""
        other = self.frame_size
        larger = other is not None and min(other) >= min(stored) and max(other) >= max(stored)
        return other if larger and self.taken_size in (None, stored) else self.taken_size

    def _focal_px(self, width: float, height: float, taken_long: int) -> float | None:
        """Of a frame of this size, whose long side had `taken_long` pixels when taken."""
        focal = exif_focal_px(
            width,
            height,
            self.focal_35mm,
            focal_mm=self.focal_mm,
            digital_zoom=self.digital_zoom,
            zoom_included=self.zoom_included,
        )
        if focal is not None or self.focal_mm is None or self.plane_px_per_mm is None:
            return focal
        sensor_long = taken_long / self.plane_px_per_mm
        if not self.least_sensor <= sensor_long <= _PLAUSIBLE_SENSOR[1]:
            return None
        return self.focal_mm / sensor_long * max(width, height)


def read_tags(image: Image.Image) -> Tags:
    """Read what a picture's EXIF block claims; a malformed block counts as none."""
    try:
        exif = image.getexif()
        orientation = exif.get(_ORIENTATION)
    except Exception:  # Pillow's parser raises almost anything on malformed blocks.
        _log.debug("EXIF block ignored", exc_info=True)
        return Tags()
    turned = orientation if isinstance(orientation, int) and 1 <= orientation <= 8 else 1
    try:
        details = dict(exif.get_ifd(_EXIF_IFD))
        first = {tag: exif.get(tag) for tag in (_MAKE, _MODEL, _WIDTH, _HEIGHT)}
    except Exception:  # as above; the orientation was readable and is kept
        _log.debug("EXIF details ignored", exc_info=True)
        return Tags(orientation=turned)
    return replace(_camera_tags(details, first), orientation=turned)


def _camera_tags(details: dict[int, Any], first: dict[int, Any]) -> Tags:
    plane = _number(details.get(_PLANE_X), 1e-3, 1e9)
    unit = details.get(_PLANE_UNIT, 2)
    unit_mm = _PLANE_UNIT_MM.get(unit if isinstance(unit, int) else 2, 25.4)
    make, model = (str(first.get(tag) or "").strip().lower() for tag in (_MAKE, _MODEL))
    large = any(name in model for name in _LARGE_CAMERAS)
    return Tags(
        focal_35mm=_number(details.get(_FOCAL_35MM), 1, 5000),
        focal_mm=_number(details.get(_FOCAL_MM), 0.5, 5000),
        digital_zoom=_number(details.get(_DIGITAL_ZOOM), 1, 100),
        plane_px_per_mm=None if plane is None else plane / unit_mm,
        taken_size=_size(details.get(_PIXEL_WIDTH), details.get(_PIXEL_HEIGHT)),
        frame_size=_size(first.get(_WIDTH), first.get(_HEIGHT)),
        zoom_included=make.startswith("apple"),
        least_sensor=_LARGE_SENSOR if large else _PLAUSIBLE_SENSOR[0],
    )


def _size(width: object, height: object) -> tuple[int, int] | None:
    wide, high = _number(width, 1, 1e6), _number(height, 1, 1e6)
    return None if wide is None or high is None else (int(wide), int(high))


def _number(value: object, low: float, high: float) -> float | None:
    """A finite number in [low, high], or None: tags may hold text, pairs or n/0."""
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, ArithmeticError):
        return None
    return number if math.isfinite(number) and low <= number <= high else None
