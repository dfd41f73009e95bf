"""The focal length that a photo's EXIF tags claim, in pixels, where it can be believed."""

from __future__ import annotations

import math

_FULL_FRAME_DIAGONAL = math.hypot(36.0, 24.0)  # mm
# Rectilinear lenses begin at 9 mm (35 mm equivalent); below, a phone has written its true focal
# length (2-7 mm) into the equivalent's tag. Above 400 mm the field of view is under 5 degrees.
_PLAUSIBLE_35MM = (9.0, 400.0)
# Equivalent / true focal length: 0.55 is the largest digital medium format, 16 a sensor of 2.7 mm.
# Some phones write 177 mm for a 4 mm lens when they save at a low resolution.
_PLAUSIBLE_CROP_FACTOR = (0.55, 16.0)
_PLAUSIBLE_FOV = (5.0, 170.0)  # degrees, along the long side


def exif_focal_px(
    width: int,
    height: int,
    focal_35mm: float | None,
    *,
    focal_mm: float | None = None,
    digital_zoom: float | None = None,
    zoom_included: bool = False,
    taken_size: tuple[int, int] | None = None,
) -> float | None:
    """Focal length in pixels from EXIF, or None where the tags cannot be believed.

    f_px = f_35 * sqrt(w^2 + h^2) / sqrt(36^2 + 24^2): the 35 mm equivalent compares diagonals.

    Args:
        width: of the decoded picture, pixels.
        height: of the decoded picture, pixels.
        focal_35mm: tag FocalLengthIn35mmFilm; 0 means unknown.
        focal_mm: tag FocalLength; with the equivalent it says how large the sensor would be.
        digital_zoom: tag DigitalZoomRatio; 0 or less than 1 means not used. The picture is a crop
            of what the tag describes, so the focal length grows with it.
        zoom_included: the maker's equivalent already holds the digital zoom (Apple's does).
        taken_size: tags PixelXDimension, PixelYDimension. Where their aspect ratio differs from
            the picture's, it was cropped; the focal length in pixels stays that of the original.
    """
    if focal_35mm is None or not math.isfinite(focal_35mm):
        return None
    if not _PLAUSIBLE_35MM[0] <= focal_35mm <= _PLAUSIBLE_35MM[1]:
        return None
    zoom = digital_zoom if digital_zoom is not None and 1 < digital_zoom <= 100 else 1.0
    if focal_mm is not None and math.isfinite(focal_mm) and focal_mm > 0:
        crop_factor = focal_35mm / focal_mm / (zoom if zoom_included else 1.0)
        if not _PLAUSIBLE_CROP_FACTOR[0] <= crop_factor <= _PLAUSIBLE_CROP_FACTOR[1]:
            return None
    diagonal = math.hypot(width, height)
    if taken_size is not None and min(taken_size) > 0:
        diagonal = _uncropped_diagonal(width, height, taken_size)
    focal = focal_35mm * diagonal / _FULL_FRAME_DIAGONAL * (1.0 if zoom_included else zoom)
    degrees = math.degrees(2 * math.atan2(max(width, height) / 2, focal))
    return focal if _PLAUSIBLE_FOV[0] <= degrees <= _PLAUSIBLE_FOV[1] else None


def _uncropped_diagonal(width: int, height: int, taken_size: tuple[int, int]) -> float:
    """Diagonal, in this picture's pixels, of the frame that was taken before any crop."""
    long, short = max(width, height), min(width, height)
    taken_long, taken_short = max(taken_size), min(taken_size)
    same_aspect = math.isclose(long / short, taken_long / taken_short, rel_tol=0.02)
    smaller = long <= taken_long and short <= taken_short
    if same_aspect or not smaller:
        return math.hypot(width, height)
    return math.hypot(taken_long, taken_short)
