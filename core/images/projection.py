"""Pictures that no pinhole camera has taken: panoramas, fisheye lenses, cube maps.

A depth along one optical axis, in metres, exists only for a pinhole camera. A picture of the whole
sphere, or of a part that its tags place on it, can be cut into views of such a camera
(`core.panorama`). What a picture is instead is told by the tags that panorama programs and cameras
write (Google's GPano in XMP, Hugin's comment, Apple's CustomRendered, the lens), else by its shape
or by its two ends that meet.
"""

from __future__ import annotations

import logging
import math
import re
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.camera import WHOLE_SPHERE, GivenCamera, Intrinsics

if TYPE_CHECKING:
    from core.images.decode import Photo

_log = logging.getLogger(__name__)

PINHOLE = "pinhole"
_TWICE_AS_WIDE = 0.01  # relative: how far a whole panorama may be from twice as wide as high
_WORDS = {
    "equirectangular": "a 360-degree (equirectangular) panorama",
    "cylindrical": "a cylindrical panorama",
    "panorama": "a panorama",
    "fisheye": "a picture of a fisheye lens",
    "cubemap": "a cube map",
    "strip": "a panorama or a strip cut out of a photo",
}
_FLAT = ("rectilinear", "perspective", "planar", "flat", "none", "normal")
_NAMED = (  # part of what tags call it -> our name
    ("equirect", "equirectangular"),
    ("cylind", "cylindrical"),
    ("fish", "fisheye"),
    ("cub", "cubemap"),
)
_MODEL, _EXIF_IFD, _LENS, _CUSTOM, _COMMENT = 0x0110, 0x8769, 0xA434, 0xA401, 0x9286
_FOCAL_MM, _FOCAL_35MM = 0x920A, 0xA405
_APPLE_PANORAMA = 6  # of CustomRendered
_SPHERE_CAMERAS = re.compile(r"theta|insta360|gear 360|sm-r210|sm-c200|qoocam|one x", re.I)
_FISHEYE = re.compile(r"fish-?\s?eye", re.I)
_TYPE = re.compile(rb"""ProjectionType\s*(?:=\s*["']|>)\s*([A-Za-z][\w-]*)""", re.I)
_XMP_LENS = re.compile(rb"""Lens(?:Model)?\s*(?:=\s*["']|>)[^"'<]{0,200}fish-?\s?eye""", re.I)
_HUGIN = re.compile(rb"Projection:\s*([A-Za-z]+)")
_GPANO = (b"FullPanoWidthPixels", b'UsePanoramaViewer="True"', b"UsePanoramaViewer>True")
_LONGEST_PHOTO = 4.0  # long side / short side: beyond, the network sees it squeezed
_LONGEST_FRAME = 2.8  # of a camera whose tags are there: 65:24 is the longest that one has
_LEAST_SPHERE = 512  # pixels across: smaller, nobody keeps a whole sphere
_MEETS, _POLE = 0.25, 0.25  # see `_ends_meet`
EQUIRECTANGULAR = "equirectangular"
_PART = ("FullPanoWidth", "FullPanoHeight", "CroppedAreaLeft", "CroppedAreaTop",
         "CroppedAreaImageWidth", "CroppedAreaImageHeight")  # fmt: skip
_NUMBER = rb"""%sPixels\s*(?:=\s*["']|>)\s*(\d{1,7})(?=["'<\s.])"""
_OFF = 0.02  # relative: what sides are rounded by

SpherePart = tuple[float, float, float, float]
"""Width and height of the whole sphere, and how far left and top of the picture it begins, each in
widths and heights of the picture."""
WHOLE: SpherePart = (1.0, 1.0, 0.0, 0.0)


def projection_of(image: Image.Image) -> str:
    """What the tags and the shape of a picture say it is: `PINHOLE`, or a key of the notes."""
    width, height = image.size
    try:
        xmp, exif = _xmp(image), image.getexif()
        details: dict[int, Any] = dict(exif.get_ifd(_EXIF_IFD))
        model = str(exif.get(_MODEL) or "")
    except Exception:  # Pillow's parser raises almost anything on malformed blocks.
        _log.debug("projection tags ignored", exc_info=True)
        xmp, details, model = b"", {}, ""
    named = _TYPE.search(xmp) or _HUGIN.search(_bytes(details.get(_COMMENT)))
    if named is not None:
        return _known(named[1].decode("ascii").lower())
    if any(mark in xmp for mark in _GPANO) or details.get(_CUSTOM) == _APPLE_PANORAMA:
        return "panorama"
    if _FISHEYE.search(f"{details.get(_LENS, '')} {model}") or _XMP_LENS.search(xmp):
        return "fisheye"
    shape = max(width, height) / min(width, height)
    if width == 2 * height and _SPHERE_CAMERAS.search(model):
        return "equirectangular"
    taken = _FOCAL_MM in details or _FOCAL_35MM in details
    return "strip" if shape > (_LONGEST_FRAME if taken else _LONGEST_PHOTO) else PINHOLE


def sphere_part(image: Image.Image) -> SpherePart | None:
    """Which part of the sphere an equirectangular picture's tags say it shows.

    None where they say nothing, or what cannot be.
    """
    xmp = _xmp(image)
    found = [re.search(_NUMBER % name.encode(), xmp, re.I) for name in _PART]
    if not all(found):
        return None
    width, height, left, top, across, down = (int(each[1]) for each in found if each is not None)
    if min(width, height, across, down) < 1:
        return None
    alike = across / down * image.height / image.width  # the tags speak of the picture before a
    fits = (1 - _OFF <= alike <= 1 + _OFF) and abs(width / (2 * height) - 1) <= _OFF  # resize
    if not fits or left + across > width or top + down > height:
        return None
    return width / across, height / down, left / across, top / down


def projection_in_pixels(rgb: NDArray[np.uint8]) -> str:
    """The same from the picture alone: shape, a sphere whose ends meet, a cross of six faces.

    Args:
        rgb: (H, W, 3).
    """
    height, width = rgb.shape[:2]
    if max(width, height) > _LONGEST_PHOTO * min(width, height):
        return "strip"
    if width == 2 * height and width >= _LEAST_SPHERE and _ends_meet(rgb):
        return "equirectangular"
    if 3 * width == 4 * height and _is_cross(rgb, 4, 3):
        return "cubemap"
    return "cubemap" if 4 * width == 3 * height and _is_cross(rgb, 3, 4) else PINHOLE


def projection_note(projection: str, rgb: NDArray[np.uint8]) -> tuple[str, ...]:
    """What the user is told about it."""
    if projection == EQUIRECTANGULAR:
        return (
            f"This is {_WORDS[projection]}, taken here for a photo of an ordinary (pinhole) "
            "camera: its depth is not in metres and its geometry is bent; 'predict' and the depth "
            "page cut a whole one into views where no field of view or camera is given.",
        )
    if projection != PINHOLE:
        return (
            f"This is {_WORDS[projection]}, expected a photo of an ordinary (pinhole) camera: its "
            "depth is not in metres and its geometry is bent; cut an ordinary view out of it "
            "with a panorama program first.",
        )
    height, width = rgb.shape[:2]
    if width == 2 * height and width >= 2 * _LEAST_SPHERE:
        return (
            "The picture is exactly twice as wide as high, as 360-degree panoramas are: if it is "
            "one, its depth is not in metres; give 360 as its field of view.",
        )
    return ()


def _known(name: str) -> str:
    if name in _FLAT:
        return PINHOLE
    return next((ours for part, ours in _NAMED if part in name), "panorama")


def _xmp(image: Image.Image) -> bytes:
    parts = (_bytes(image.info.get(key)) for key in ("xmp", "XML:com.adobe.xmp"))
    return b"".join(parts).replace(b"\0", b"")  # UTF-16, too


def _bytes(value: object) -> bytes:
    if isinstance(value, str):
        return value.encode("utf-8", "replace")
    return value if isinstance(value, bytes) else b""


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
        part = WHOLE if abs(width / (2 * height) - 1) <= _TWICE_AS_WIDE else None
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


def _ends_meet(rgb: NDArray[np.uint8]) -> bool:
    """Whether a picture closes round a sphere: left and right are neighbours, poles are points."""
    step = max(1, rgb.shape[0] // 256)
    grey = rgb[::step].mean(axis=2, dtype=np.float32)
    first, last = grey[:, 0], grey[:, -1]
    others = grey[:, :: max(1, grey.shape[1] // 32)][:, 2:-2]
    across = float(np.abs(others - first[:, None]).mean())
    middle = float(grey[len(grey) // 3 : -(len(grey) // 3)].std(axis=1).mean())
    poles = max(float(grey[0].std()), float(grey[-1].std()))
    meets = float(np.abs(first - last).mean()) < _MEETS * across
    return bool(meets and poles < _POLE * middle and first.std() > 1)


def _is_cross(rgb: NDArray[np.uint8], columns: int, rows: int) -> bool:
    """Whether six square faces lie as a cross, the places beside it being of one colour."""
    side = rgb.shape[1] // columns
    if side < 16:
        return False
    step = max(1, side // 16)
    # A cross: the second row (lying) or the second column (standing) is whole, the others hold one.
    for row in range(rows):
        for column in range(columns):
            tile = rgb[row * side : (row + 1) * side, column * side : (column + 1) * side]
            tile = tile[2:-2:step, 2:-2:step].reshape(-1, 3)
            flat = math.isclose(float(np.ptp(tile, axis=0).max()), 0)
            if flat == (row == 1 or column == 1):
                return False
    return True
