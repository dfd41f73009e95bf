"""All 16 bits of a colour PNG or TIFF, of which Pillow keeps the upper byte.

Pillow has no 16-bit colour; it takes a sample's first or last byte, as the byte order of the file
says. Decoded once more with the other order, it gives the lower byte.
"""

from __future__ import annotations

import io
from typing import Any

from PIL import Image

_OTHER = {"RGB;16B": "RGB;16L", "RGB;16L": "RGB;16B", "RGB;16N": "RGB;16B"}


def is_deep(image: Image.Image) -> bool:
    """Whether an opened, not yet loaded picture has 16 bits a colour, and no alpha."""
    tiles = getattr(image, "tile", [])
    return bool(tiles) and image.mode == "RGB" and all(_raw_mode(tile) in _OTHER for tile in tiles)


def lower_bytes(data: bytes, kind: str) -> Image.Image:
    """The lower bytes of a picture that `is_deep`, in its own orientation.

    Raises:
        Exception: whatever Pillow raises on damaged files.
    """
    image = Image.open(io.BytesIO(data), formats=(kind,))
    image.tile = [tile._replace(args=_with_other(tile.args)) for tile in image.tile]
    image.load()
    return image


def _raw_mode(tile: object) -> object:
    arguments = getattr(tile, "args", None)
    return arguments[0] if isinstance(arguments, tuple) and arguments else arguments


def _with_other(arguments: Any) -> Any:
    if isinstance(arguments, tuple):
        return (_OTHER[arguments[0]], *arguments[1:])
    return _OTHER[str(arguments)]
