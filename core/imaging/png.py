"""A small, fast PNG writer for depth and colour maps.

Pillow tries five filters per row. Neighbouring rows of a depth map are nearly equal, so one fixed
filter ("up": each byte minus the one above) does as well: files of the same size in less than half
the time (12 megapixels, fastest deflate, same run: 16-bit grey 0.45 s against 1.2 s, RGB 0.51 s
against 1.2 s on a busy two-core machine). Deflate level 6 would save 26 to 30 % of the bytes for
four to nine times the time. Format: PNG specification, third edition, sections 5, 7 and 9.
"""

from __future__ import annotations

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREY, _RGB = 0, 2
_UP = 2
_ROWS = 64


def encode_png(image: NDArray[np.uint16] | NDArray[np.uint8], level: int = 1) -> bytes:
    """Encode a map without loss.

    Args:
        image: (H, W) uint16 or uint8 grey, or (H, W, 3) uint8 RGB.
        level: deflate effort, 1 (fast) to 9 (small).

    Returns:
        A PNG file.
    """
    height, width = image.shape[:2]
    colour = _RGB if image.ndim == 3 else _GREY
    header = struct.pack(">IIBBBBB", width, height, 8 * image.itemsize, colour, 0, 0, 0)
    parts = [_SIGNATURE, *_chunk(b"IHDR", header)]
    compressor = zlib.compressobj(level, zlib.DEFLATED, zlib.MAX_WBITS, zlib.DEF_MEM_LEVEL)
    above = np.zeros((1, width * image.itemsize * (3 if colour == _RGB else 1)), np.uint8)
    for top in range(0, height, _ROWS):
        rows = _big_endian_rows(image[top : top + _ROWS])
        filtered = np.empty((len(rows), rows.shape[1] + 1), np.uint8)
        filtered[:, 0] = _UP
        np.subtract(rows[:1], above, out=filtered[:1, 1:])
        np.subtract(rows[1:], rows[:-1], out=filtered[1:, 1:])
        above = rows[-1:]
        if compressed := compressor.compress(filtered.data.cast("B")):
            parts += _chunk(b"IDAT", compressed)
    parts += _chunk(b"IDAT", compressor.flush())
    parts += _chunk(b"IEND", b"")
    return b"".join(parts)


def _big_endian_rows(image: NDArray[np.uint16] | NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(rows, bytes per row), samples with the high byte first."""
    swapped = np.ascontiguousarray(image, image.dtype.newbyteorder(">"))
    return swapped.view(np.uint8).reshape(len(image), -1)


def _chunk(kind: bytes, data: bytes) -> tuple[bytes, ...]:
    checksum = zlib.crc32(data, zlib.crc32(kind))
    return struct.pack(">I", len(data)), kind, data, struct.pack(">I", checksum)
