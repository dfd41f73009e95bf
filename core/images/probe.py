"""A picture's size and focal length from its header, without decoding its pixels."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from core.errors import ImageError
from core.images.decode import Photo, label_of
from core.images.exif import read_tags
from core.images.formats import HEAD_BYTES, sniff
from core.images.limits import (
    DEFAULT_LIMITS,
    DecodeLimits,
    check_size,
    no_warnings,
    pillow_errors,
    register_heif,
)
from core.images.projection import PINHOLE, projection_of


def probe(
    source: bytes,
    *,
    limits: DecodeLimits = DEFAULT_LIMITS,
    name: str | None = None,
) -> Photo:
    """What `decode` would say of a picture, with one black pixel in place of its own.

    Args:
        source: encoded bytes, or as many from the beginning as the header needs.
        limits, name: as `decode`'s.

    Raises:
        ImageError: no picture, or not enough of it.
    """
    label = label_of(name or "")
    kind = sniff(source[:HEAD_BYTES])
    if kind is None:
        raise ImageError(f"{label} has no header that is known, expected a picture: check it.")
    if kind == "HEIF":
        register_heif()
    with (
        pillow_errors(label, kind, limits),
        no_warnings(),
        Image.open(io.BytesIO(source), formats=(kind,)) as image,
    ):
        check_size(image.size, limits, label)
        tags = read_tags(image)
        size = image.size[::-1] if tags.swaps_sides else image.size
        pinhole = projection_of(image) == PINHOLE
    return Photo(
        rgb=np.zeros((1, 1, 3), np.uint8),
        focal_35mm=tags.focal_35mm,
        focal_px=tags.focal_px(*size)[0] if pinhole else None,
        format=kind,
        file_sha256=None,
        name=name or "",
        full_size=size,
    )
