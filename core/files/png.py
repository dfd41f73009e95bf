"""A small, fast PNG writer for depth and colour maps.

Pillow tries five filters per row. Neighbouring rows of a depth map are nearly equal, so one fixed
filter ("up": each byte minus the one above) does as well. The picture is taken strip by strip, so
that what is encoded never exists as a whole besides the depth it comes from. Deflate comes from
ISA-L (package `isal`) where that is installed, else from zlib; what each costs in time and bytes:
docs/performance.md. Blocks of rows are deflated in threads and joined to one stream.
Format: PNG specification, third edition, sections 5, 7 and 9.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.threads import in_threads

try:
    from isal import isal_zlib
except ImportError:  # optional: the same picture, in four times the time
    isal_zlib = None  # type: ignore[assignment]

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREY, _RGB = 0, 2
_UP = 2
_STRIP_BYTES = 1 << 19  # small enough for the cache, large enough that threads seldom meet
_BLOCK_BYTES = 1 << 22  # deflated on its own: large enough that the file grows by a thousandth
_LEVEL = 1  # of both the fastest that is also small
_ZLIB_HEADER = b"\x78\x01"  # deflate, a window of 32 KiB, fast (RFC 1950, 2.2)
_ADLER = 65521

Samples = NDArray[np.uint16] | NDArray[np.uint8]
Strip = Callable[[int, int], Samples]  # rows top..bottom of the picture


def encode_png(image: Samples) -> bytes:
    """Encode a map without loss."""
    return encode_strips(image.shape, image.dtype, lambda top, bottom: image[top:bottom])


def encode_strips(shape: tuple[int, ...], dtype: np.dtype[Any], strip: Strip) -> bytes:
    """Encode a map whose rows are made as they are needed, on all cores.

    Args:
        shape: (H, W) or (H, W, 3).
        dtype: of the samples, uint8 or uint16.
        strip: (first row, row after the last) to the samples of these rows; called from several
            threads, and for some rows twice.

    Returns:
        A PNG file, the same bytes with any number of threads.
    """
    height, width = shape[:2]
    colour = _RGB if len(shape) == 3 else _GREY
    header = struct.pack(">IIBBBBB", width, height, 8 * dtype.itemsize, colour, 0, 0, 0)
    row_bytes = width * dtype.itemsize * (3 if colour == _RGB else 1)
    rows = max(1, _BLOCK_BYTES // row_bytes)
    tops = range(0, height, rows)

    def block(top: int) -> tuple[bytes, int, int]:
        return _deflated(strip, top, min(top + rows, height), height, row_bytes)

    checksum = 1
    parts = [_SIGNATURE, *_chunk(b"IHDR", header), *_chunk(b"IDAT", _ZLIB_HEADER)]
    for deflated, of_block, size in in_threads(block, tops):
        checksum = _adler_of_both(checksum, of_block, size)
        parts += _chunk(b"IDAT", deflated)
    parts += _chunk(b"IDAT", struct.pack(">I", checksum))
    parts += _chunk(b"IEND", b"")
    return b"".join(parts)


def _deflated(
    strip: Strip, top: int, bottom: int, height: int, row_bytes: int
) -> tuple[bytes, int, int]:
    """Filters and deflates rows top..bottom, a strip at a time.

    Returns:
        A piece of a deflate stream that can be appended to the one before (only the last block's
        ends the stream); the Adler-32 and the number of the bytes that went into it.
    """
    deflate: Any = zlib if isal_zlib is None else isal_zlib
    compressor = deflate.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)  # no header of zlib's
    pieces, checksum = [], 1
    rows_at_a_time = max(1, _STRIP_BYTES // row_bytes)
    filtered = np.empty((rows_at_a_time, row_bytes + 1), np.uint8)
    filtered[:, 0] = _UP
    above = np.zeros((1, row_bytes), np.uint8)
    if top:
        above = _big_endian_rows(strip(top - 1, top))
    for first in range(top, bottom, rows_at_a_time):
        rows = _big_endian_rows(strip(first, min(first + rows_at_a_time, bottom)))
        out = filtered[: len(rows)]
        np.subtract(rows[:1], above, out=out[:1, 1:])
        np.subtract(rows[1:], rows[:-1], out=out[1:, 1:])
        above = rows[-1:].copy()  # the strip's memory may be used again
        flat = out.data.cast("B")
        checksum = deflate.adler32(flat, checksum)
        pieces.append(compressor.compress(flat))
    pieces.append(compressor.flush(zlib.Z_FINISH if bottom == height else zlib.Z_FULL_FLUSH))
    return b"".join(pieces), checksum, (bottom - top) * (row_bytes + 1)


def _adler_of_both(first: int, second: int, size: int) -> int:
    """Adler-32 of two pieces of data, one behind the other, from theirs (RFC 1950, 8.2)."""
    low = ((first & 0xFFFF) + (second & 0xFFFF) - 1) % _ADLER
    high = (first >> 16) + (second >> 16) + size * ((first & 0xFFFF) - 1)
    return high % _ADLER << 16 | low


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
