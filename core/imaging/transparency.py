"""Where a picture is wholly transparent: there is nothing there, and so no depth."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_STRIP_ROWS = (
    32  # as in `core.imaging.pixels`: an RGBA copy of the whole would take 4 bytes a pixel
)
_ALPHA_MODES = ("RGBA", "LA", "PA", "RGBa", "La")
_EIGHT_BITS = 255


def transparent_pixels(image: Image.Image) -> NDArray[np.bool_] | None:
    """Pixels of alpha 0; semi-transparent ones show something and are not among them.

    Args:
        image: loaded, any mode, upright.

    Returns:
        (H, W) bool; None where there is no such pixel, or where every pixel is: some programs
        write that by mistake, and the colours beneath are the photo.
    """
    key = image.info.get("transparency")
    if image.mode not in _ALPHA_MODES and key is None:
        return None
    width, height = image.size
    clear = np.empty((height, width), np.bool_)
    for top in range(0, height, _STRIP_ROWS):
        bottom = min(top + _STRIP_ROWS, height)
        clear[top:bottom] = _clear(image.crop((0, top, width, bottom)), key)
    return clear if clear.any() and not clear.all() else None


def _clear(strip: Image.Image, key: object) -> NDArray[np.bool_]:
    if strip.mode.startswith("I"):  # 16-bit grey, whose transparent value is one number
        return np.asarray(np.asarray(strip) == key)
    if strip.mode == "RGB" and isinstance(key, tuple) and max(key) > _EIGHT_BITS:
        key = tuple(value >> 8 for value in key)  # 16 bits, of which Pillow keeps the upper ones
        return np.asarray((np.asarray(strip) == key).all(axis=-1))
    if strip.mode in ("RGBa", "La"):
        return np.asarray(np.asarray(strip.getchannel(strip.getbands()[-1])) == 0)
    return np.asarray(np.asarray(strip.convert("RGBA").getchannel("A")) == 0)
