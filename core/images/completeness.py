"""Whether a file holds all of its picture: decoders fill what is missing with one colour.

What tells here: parts of a HEIC or AVIF picture that lie outside the file, what its decoder gave
up, and zeros in the coded data. JPEG files are `core/images/jpeg.py`'s.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.errors import ImageError
from core.images.isobmff import Items, read_items

_BLOCKS = 16  # the file in so many parts: one that is nothing but zeros was never written
_LEAST_BLOCK = 512  # bytes; in smaller files zeros may be padding
_VOID = 64  # pixels; HEVC's largest block
_VOID_GREEN = (70, 140)  # by the file's matrix: 77 or 84 (BT.709), 94 (BT.2020), 136 (BT.601)
_DEEPEST = 8  # derived pictures of derived pictures
_SLICES = range(32)  # kinds of HEVC units that hold pixels (ITU-T H.265, table 7-1)
# No such bytes occur within a unit: an encoder puts a 3 between (ITU-T H.265, 7.4.2).
_NOT_IN_A_UNIT = (b"\0\0\0", b"\0\0\1", b"\0\0\2")
_COMPRESSED = ("WEBP", "AVIF", "HEIF", "JPEG2000")
_PLAIN = ("BMP", "TIFF")


def check_whole(data: bytes, kind: str, label: str) -> tuple[str, ...]:
    """Refuse what lacks a part of its picture although its decoder does not mind.

    Raises:
        ImageError: tiles of a HEIC or AVIF picture lie outside the file or hold something else, or
            a large part of a compressed file is nothing but zeros.
    """
    if kind == "HEIF" and not _has_all_tiles(data):
        raise incomplete(label, kind)
    if kind in (*_COMPRESSED, *_PLAIN) and has_empty_stretch(data):
        if kind in _COMPRESSED:
            raise incomplete(label, kind)
        return (
            "A large part of the file is zeros: if the photo is not black there, its file is "
            "damaged.",
        )
    return ()


def check_decoded(image: Image.Image, label: str) -> None:
    """Refuse a HEIC picture of which the decoder gave up a part.

    libde265 leaves such a part at luma and chroma of 0, a green that no photo holds.

    Raises:
        ImageError: a whole block has that colour.
    """
    if image.format != "HEIF" or image.mode not in ("RGB", "RGBA"):
        return
    pixels = np.asarray(image)[..., :3]
    for top, left in np.argwhere(_is_void(pixels[_VOID // 2 :: _VOID, _VOID // 2 :: _VOID])):
        block = pixels[top * _VOID : (top + 1) * _VOID, left * _VOID : (left + 1) * _VOID]
        if (block == block[0, 0]).all():
            raise incomplete(label, "HEIF")


def _is_void(pixels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    red, green, blue = np.moveaxis(pixels, -1, 0)
    low, high = _VOID_GREEN
    void: NDArray[np.bool_] = (red == 0) & (blue == 0) & (green >= low) & (green <= high)
    return void


def incomplete(label: str, kind: str) -> ImageError:
    """The error for a file that lacks a part of its picture."""
    return ImageError(
        f"{label} is a {kind} picture of which a part is missing or overwritten, expected a whole "
        "one: download or copy it again."
    )


def has_empty_stretch(data: bytes, start: int = 0, end: int | None = None) -> bool:
    """Whether a sixteenth of a file is nothing but zeros, as downloads leave it that stopped.

    Args:
        end: where to stop; the file's end unless given.
    """
    end = len(data) if end is None else end
    size = (end - start) // _BLOCKS
    if size < _LEAST_BLOCK:
        return False
    empty = bytes(size)
    return any(data[at : at + size] == empty for at in range(start, end - size + 1, size))


def _has_all_tiles(data: bytes) -> bool:
    try:
        items = read_items(data)
        if items is None or items.primary not in items.parts | items.sources:
            return True  # a sequence, or a kind of file that only the decoder understands
        return all(
            item not in items.missing and _is_coded(items, item)
            for item in _coded(items, items.primary)
        )
    except IndexError:
        return False


def _coded(items: Items, item: int, depth: int = 0) -> Iterator[int]:
    """The pictures that are decoded and put together to show `item`, and those that say how."""
    if depth > _DEEPEST:
        raise IndexError
    yield item
    sources = items.sources.get(item, ())
    if items.kinds.get(item) == b"grid":
        layout = b"".join(items.parts[item])
        if len(sources) < (layout[2] + 1) * (layout[3] + 1):
            raise IndexError
    for source in sources:
        if source not in items.kinds:
            raise IndexError
        yield from _coded(items, source, depth + 1)


def _is_coded(items: Items, item: int) -> bool:
    """Whether an item's data are units of HEVC, if they should be."""
    if items.kinds.get(item) not in (b"hvc1", b"hev1") or item not in items.parts:
        return True
    configuration = items.property(item, b"hvcC")
    if not configuration:
        return True
    width = (configuration[0][21] & 3) + 1  # bytes of a unit's length
    data, at, pixels = b"".join(items.parts[item]), 0, False
    while at < len(data):
        length = int.from_bytes(data[at : at + width], "big")
        at += width
        unit = data[at : at + length]
        if length < 2 or len(unit) < length or unit[0] & 0x80:
            return False
        # Zeros may follow a unit, as filling.
        if any(bad in unit.rstrip(b"\0") for bad in _NOT_IN_A_UNIT):
            return False
        pixels = pixels or unit[0] >> 1 in _SLICES
        at += length
    return pixels
