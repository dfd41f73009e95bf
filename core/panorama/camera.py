"""The camera of a panorama, from what its picture says or the user gives."""

from __future__ import annotations

import math

from core.camera import WHOLE_SPHERE, GivenCamera, Intrinsics
from core.images.decode import Photo
from core.images.projection import EQUIRECTANGULAR, WHOLE, SpherePart

_SHAPE = 0.01  # relative: how far a whole panorama may be from twice as wide as high


def sphere_camera(
    photo: Photo, fov: float | None = None, given: GivenCamera | None = None
) -> Intrinsics | None:
    """The camera of a panorama that can be cut into views; None for every other photo.

    Args:
        photo: an equirectangular one by its tags or its looks, if nothing is given.
        fov: 360 says that it is a whole panorama, any other angle that it is an ordinary photo's.
        given: so does an ordinary camera; a panorama's is taken as it is.
    """
    height, width = photo.rgb.shape[:2]
    if isinstance(given, Intrinsics) and given.projection == "equirectangular":
        return given
    if given is not None or (fov is not None and fov != WHOLE_SPHERE):
        return None
    part: SpherePart | None = photo.sphere if photo.projection == EQUIRECTANGULAR else None
    asked = fov == WHOLE_SPHERE
    if part is None and (asked or photo.projection == EQUIRECTANGULAR):
        part = WHOLE if abs(width / (2 * height) - 1) <= _SHAPE else None
    if part is None:
        return None
    across, down = width * part[0], height * part[1]
    return Intrinsics(
        fx=across / (2 * math.pi),
        fy=down / math.pi,
        cx=across / 2 - width * part[2] - 0.5,
        cy=down / 2 - height * part[3] - 0.5,
        source="given" if asked else "exif" if photo.sphere else "assumed",
        projection="equirectangular",
    )
