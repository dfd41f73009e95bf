"""The photo as a texture: exact while that is quick and small, else a fine JPEG."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_EXACT_PIXELS = 1_000_000
_JPEG_QUALITY = 95
_JPEG_SIDE = 65_500  # the format's limit


@dataclass(frozen=True)
class Texture:
    """An encoded picture: its bytes, media type and file ending (with the dot)."""

    data: bytes
    media_type: str
    ending: str


def encode_texture(photo: NDArray[np.uint8]) -> Texture:
    """PNG up to a megapixel, above it JPEG 95 with full colour resolution.

    Args:
        photo: (H, W, 3) sRGB.
    """
    picture = Image.fromarray(photo)
    buffer = io.BytesIO()
    if photo.shape[0] * photo.shape[1] <= _EXACT_PIXELS or max(photo.shape) > _JPEG_SIDE:
        picture.save(buffer, "PNG", compress_level=3)
        return Texture(buffer.getvalue(), "image/png", ".png")
    picture.save(buffer, "JPEG", quality=_JPEG_QUALITY, subsampling=0)
    return Texture(buffer.getvalue(), "image/jpeg", ".jpg")
