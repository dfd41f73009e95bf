"""Encoded pictures for the decoding tests, made by hand where Pillow cannot write them."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_TIFF_TYPES = {"short": (3, "H"), "long": (4, "I")}
_SAMPLE_FORMAT = {"u": 1, "i": 2, "f": 3}


def scene(height: int = 20, width: int = 28, seed: int = 0) -> NDArray[np.uint8]:
    """A smooth colourful (H, W, 3) uint8 picture, different in every corner."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    red = 255 * x / (width - 1)
    green = 255 * y / (height - 1)
    blue = 127 + 120 * np.sin((x + 2 * y + seed) / 12)
    return np.stack([red, green, blue], axis=-1).round().astype(np.uint8)


def encode(image: Image.Image, kind: str, **options: Any) -> bytes:
    """The bytes of a picture as Pillow writes them."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def png_chunk(kind: bytes, data: bytes) -> bytes:
    """One PNG chunk with its checksum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(samples: NDArray[Any], colour_type: int) -> bytes:
    """A PNG of 8- or 16-bit samples, (H, W) or (H, W, C), unfiltered."""
    height, width = samples.shape[:2]
    bits = 8 * samples.itemsize
    rows = samples.astype(samples.dtype.newbyteorder(">")).reshape(height, -1)
    raw = b"".join(b"\0" + row.tobytes() for row in rows)
    header = struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", header)
        + png_chunk(b"IDAT", zlib.compress(raw))
        + png_chunk(b"IEND", b"")
    )


def png_header(width: int, height: int) -> bytes:
    """A PNG that says how large it is and holds next to nothing."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", header)
        + png_chunk(b"IDAT", zlib.compress(bytes(100)))
        + png_chunk(b"IEND", b"")
    )


def tiff(samples: NDArray[Any], photometric: int, order: str = "<", **tags: int) -> bytes:
    """An uncompressed one-strip TIFF of any sample type.

    Args:
        samples: (H, W) or (H, W, C).
        photometric: 0 white is zero, 1 black is zero, 2 RGB, 5 CMYK, 8 CIELAB.
        order: "<" or ">".
        tags: more SHORT tags, as t254=1.
    """
    height, width = samples.shape[:2]
    bands = samples.shape[2] if samples.ndim == 3 else 1
    data = samples.astype(samples.dtype.newbyteorder(order)).tobytes()
    bits = 8 * samples.itemsize
    entries: dict[int, tuple[str, list[int]]] = {
        256: ("long", [width]),
        257: ("long", [height]),
        258: ("short", [bits] * bands),
        259: ("short", [1]),
        262: ("short", [photometric]),
        273: ("long", [0]),  # filled in below
        277: ("short", [bands]),
        278: ("long", [height]),
        279: ("long", [len(data)]),
        339: ("short", [_SAMPLE_FORMAT[samples.dtype.kind]] * bands),
        **{int(tag[1:]): ("short", [value]) for tag, value in tags.items()},
    }
    directory_size = 2 + 12 * len(entries) + 4
    extra_at = 8 + directory_size
    extra = b""
    packed = []
    for tag, (kind, values) in sorted(entries.items()):
        code, letter = _TIFF_TYPES[kind]
        content = struct.pack(f"{order}{len(values)}{letter}", *values)
        if len(content) > 4:
            content, extra = struct.pack(f"{order}I", extra_at + len(extra)), extra + content
        packed.append([tag, code, len(values), content.ljust(4, b"\0")])
    for entry in packed:
        if entry[0] == 273:
            entry[3] = struct.pack(f"{order}I", extra_at + len(extra))
    directory = struct.pack(f"{order}H", len(packed))
    directory += b"".join(
        struct.pack(f"{order}HHI", tag, code, count) + content
        for tag, code, count, content in packed
    )
    start = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", 8)
    return start + directory + bytes(4) + extra + data
