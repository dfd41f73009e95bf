"""An ordinary JPEG straight into an array: half of Pillow's time, and none of its own copy.

Pillow decodes into four bytes a pixel, which then have to be copied to three. libjpeg-turbo itself
(package `simplejpeg`, MIT) writes the array, with the same arithmetic: the pixels are equal. What
is not ordinary is left to Pillow, which decides whether it is accepted.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.images.colour_profile import Recolour
from core.images.pixels import recoloured

try:
    import simplejpeg  # type: ignore[import-untyped]
except ImportError:  # optional: the same pixels, in twice the time
    simplejpeg = None

_FRAMES = {bytes((0xFF, kind)) for kind in range(0xC0, 0xD0) if kind not in (0xC4, 0xC8, 0xCC)}
_LOSSLESS = {b"\xff\xc3", b"\xff\xc7", b"\xff\xcb", b"\xff\xcf"}
_SCAN = b"\xff\xda"
_MOST_SEGMENTS = 100_000  # before the frame; a file of nothing else must not take seconds
_PIXEL = np.dtype("V3")  # moved as one item, which is what makes turning fast


def decode_jpeg(
    data: bytes, image: Image.Image, orientation: int, colours: Recolour
) -> NDArray[np.uint8] | None:
    """The upright pixels of a JPEG, or None where Pillow has to do it.

    Args:
        image: the same, opened by Pillow and not loaded: its size and mode have been checked.
        orientation: EXIF, 1 to 8.

    Returns:
        (H, W, 3) uint8 sRGB. None for grey and CMYK pictures, for those that libjpeg has any doubt
        about, and without the package.
    """
    if simplejpeg is None or image.mode != "RGB":
        return None
    width, height = image.size
    rgb = np.empty((height, width, 3), np.uint8)  # of the checked size: no file can ask for more
    try:
        decoded = simplejpeg.decode_jpeg(data, "RGB", buffer=rgb, strict=True)
    except ValueError:
        return None
    if decoded.shape != rgb.shape:  # the two parsers disagree about the file
        return None
    return _upright(recoloured(rgb, colours), orientation)


def frame_at(data: bytes) -> int:
    """Where the marker of a JPEG's frame is, which tells its kind; the file's end without one."""
    at = 2
    for _ in range(_MOST_SEGMENTS):
        marker = data[at : at + 2]
        if marker in _FRAMES or marker == _SCAN or len(marker) < 2:
            return at
        at += 1 if marker == b"\xff\xff" else 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return len(data)


def is_lossless(data: bytes, frame: int) -> bool:
    """Whether the frame at `frame` is one of the lossless kinds (ITU-T T.81, table B.1)."""
    return data[frame : frame + 2] in _LOSSLESS


def _upright(rgb: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Turns and mirrors as the EXIF orientation says (Exif 2.32, 4.6.4)."""
    if orientation == 1:
        return rgb
    pixels = rgb.view(_PIXEL)[..., 0]
    if orientation in (5, 6, 7, 8):
        pixels = pixels.T
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)[..., np.newaxis].view(np.uint8)
