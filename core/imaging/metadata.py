"""The EXIF tags that depth needs: how the picture is turned and how long the lens is.

Everything here was written by a stranger: each value is checked on its own, and what cannot be
believed counts as absent. Tag numbers: Exif 2.32 (CIPA DC-008), sections 4.6.4 and 4.6.5.
"""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass, replace
from typing import Any

from PIL import Image

from core.imaging.exif import exif_focal_px, frame_of

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
