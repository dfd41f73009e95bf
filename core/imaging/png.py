"""A small, fast PNG writer for depth and colour maps.

Pillow tries five filters per row. Neighbouring rows of a depth map are nearly equal, so one fixed
filter ("up": each byte minus the one above) does as well. The picture is taken strip by strip, so
that what is encoded never exists as a whole besides the depth it comes from. Deflate comes from
ISA-L (package `isal`) where that is installed, else from zlib; what each costs in time and bytes:
docs/performance.md. Format: PNG specification, third edition, sections 5, 7 and 9.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

try:
    from isal import isal_zlib
except ImportError:  # optional: the same picture, in four times the time
    isal_zlib = None  # type: ignore[assignment]

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREY, _RGB = 0, 2
_UP = 2
_STRIP_BYTES = 1 << 18  # a strip and its filtered copy stay in a core's own cache
_ISAL_LEVEL = 1  # its fastest that is also small; it knows 0 to 3

Samples = NDArray[np.uint16] | NDArray[np.uint8]
Strip = Callable[[int, int], Samples]  # rows top..bottom of the picture


def encode_png(image: Samples, level: int = 1) -> bytes:
    """Encode a map without loss.

    Args:
        image: (H, W) uint16 or uint8 grey, or (H, W, 3) uint8 RGB.
        level: deflate effort, 1 (fast) to 9 (small).

    Returns:
        A PNG file.
    """
    return encode_strips(image.shape, image.dtype, lambda top, bottom: image[top:bottom], level)


def encode_strips(
    shape: tuple[int, ...], dtype: np.dtype[Any], strip: Strip, level: int = 1
) -> bytes:
    """Encode a map whose rows are made as they are needed.

    Args:
        shape: (H, W) or (H, W, 3).
        dtype: of the samples, uint8 or uint16.
        strip: called for every row once, from top to bottom: (first row, row after the last) to
            the samples of these rows.
        level: deflate effort, 1 (fast) to 9 (small).

    Returns:
        A PNG file.
    """
    height, width = shape[:2]
    colour = _RGB if len(shape) == 3 else _GREY
    header = struct.pack(">IIBBBBB", width, height, 8 * dtype.itemsize, colour, 0, 0, 0)
    parts = [_SIGNATURE, *_chunk(b"IHDR", header)]
    compressor = _compressor(level)
    row_bytes = width * dtype.itemsize * (3 if colour == _RGB else 1)
    rows_at_a_time = max(1, _STRIP_BYTES // row_bytes)
    above = np.zeros((1, row_bytes), np.uint8)
    filtered = np.empty((rows_at_a_time, row_bytes + 1), np.uint8)
    filtered[:, 0] = _UP
    for top in range(0, height, rows_at_a_time):
        rows = _big_endian_rows(strip(top, min(top + rows_at_a_time, height)))
        out = filtered[: len(rows)]
        np.subtract(rows[:1], above, out=out[:1, 1:])
        np.subtract(rows[1:], rows[:-1], out=out[1:, 1:])
        above = rows[-1:].copy()  # the strip's memory may be used again
        if compressed := compressor.compress(out.data.cast("B")):
            parts += _chunk(b"IDAT", compressed)
    parts += _chunk(b"IDAT", compressor.flush())
    parts += _chunk(b"IEND", b"")
    return b"".join(parts)


def _compressor(level: int) -> Any:
    """What deflates: both make zlib streams, and have the same methods."""
    if level == 1 and isal_zlib is not None:
        return isal_zlib.compressobj(_ISAL_LEVEL)
    return zlib.compressobj(level)


def with_text(png: bytes, text: Mapping[str, str]) -> bytes:
    """The same picture with tEXt chunks behind its header.

    Args:
        png: of `encode_png` or `encode_strips`.
        text: keyword (up to 79 ASCII letters) -> line.
    """
    chunks = [
        part
        for keyword, line in text.items()
        for part in _chunk(b"tEXt", b"\0".join((keyword.encode("ascii"), _ascii(line))))
    ]
    header = len(_SIGNATURE) + 25  # the IHDR chunk: 13 bytes with length, kind and checksum
    return b"".join((png[:header], *chunks, png[header:]))


def _ascii(line: str) -> bytes:
    return " ".join(line.split()).encode("ascii", "backslashreplace")


def _big_endian_rows(samples: Samples) -> NDArray[np.uint8]:
    """(rows, bytes per row), samples with the high byte first."""
    swapped = np.ascontiguousarray(samples, samples.dtype.newbyteorder(">"))
    return swapped.view(np.uint8).reshape(len(samples), -1)


def _chunk(kind: bytes, data: bytes) -> tuple[bytes, ...]:
    checksum = zlib.crc32(data, zlib.crc32(kind))
    return struct.pack(">I", len(data)), kind, data, struct.pack(">I", checksum)
