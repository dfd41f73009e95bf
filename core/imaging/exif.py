"""The focal length that a photo's EXIF tags claim, in pixels, where it can be believed.

EXIF describes the frame as it was taken. What a program did to the picture afterwards is told by
its size alone, so `frame_of` comes first: how large that frame is at the scale of this picture.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

Size = tuple[int, int]

_FULL_FRAME_DIAGONAL = math.hypot(36.0, 24.0)  # mm
# Rectilinear lenses begin at 9 mm (35 mm equivalent); below, a phone has written its true focal
# length (2-7 mm) into the equivalent's tag. Above 400 mm the field of view is under 5 degrees.
_PLAUSIBLE_35MM = (9.0, 400.0)
# Equivalent / true focal length: 0.55 is the largest digital medium format, 16 a sensor of 2.7 mm.
# Some phones write 177 mm for a 4 mm lens when they save at a low resolution.
_PLAUSIBLE_CROP_FACTOR = (0.55, 16.0)
_PLAUSIBLE_FOV = (5.0, 170.0)  # degrees, along the long side
_SAME_SHAPE, _SAME_SIDE = 0.02, 0.01  # relative
_THUMBNAIL = 320  # pixels: so small a picture may have bars that fill it up to another shape
# What cropping tools offer, long side / short side; any other shape was drawn by hand.
_OFFERED = (1, 5 / 4, 4 / 3, 7 / 5, 3 / 2, 16 / 10, 16 / 9, 1.91, 2, 21 / 9)


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
        height: the same.
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
    return focal if _PLAUSIBLE_FOV[0] <= degrees <= _PLAUSIBLE_FOV[1] else None


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
