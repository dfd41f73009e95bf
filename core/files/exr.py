"""Depth as OpenEXR: one part, scan lines, one 32-bit float channel "Z", ZIP compression.

Layout and compression follow "OpenEXR File Layout" and ImfZip.cpp: little endian; 16 rows per
block; each block's bytes are split into even and odd ones, differenced, then deflated.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

_MAGIC, _VERSION = 20000630, 2
_ZIP_COMPRESSION, _ROWS_PER_BLOCK = 3, 16
_FLOAT, _INCREASING_Y = 2, 0


def encode_exr(
    depth: NDArray[np.float32], level: int = 1, comments: Mapping[str, str] | None = None
) -> bytes:
    """Encode a depth map without loss.

    Args:
        depth: (H, W) float32 metres along the optical axis; NaN and infinity are kept.
        level: deflate effort, 1 (fast) to 9 (small).
        comments: key -> text, lines of the attribute `comments`.

    Returns:
        An EXR file whose channel "Z" holds metres, as its attribute `comments` says.
    """
    height, width = depth.shape
    lines = ["Z: depth along the optical axis, metres"]
    lines += [f"{key}: {' '.join(text.split())}" for key, text in (comments or {}).items()]
    header = _header(width, height, "\n".join(lines))
    blocks = []
    for top in range(0, height, _ROWS_PER_BLOCK):
        data = _compress(depth[top : top + _ROWS_PER_BLOCK], level)
        blocks.append(struct.pack("<ii", top, len(data)) + data)
    sizes = np.array([len(block) for block in blocks], np.uint64)
    first = len(header) + 8 * len(blocks)
    offsets = np.cumsum(sizes) - sizes + np.uint64(first)
    return b"".join([header, offsets.astype("<u8").tobytes(), *blocks])


def _header(width: int, height: int, comments: str) -> bytes:
    window = struct.pack("<4i", 0, 0, width - 1, height - 1)
    channel = b"Z\0" + struct.pack("<iB3xii", _FLOAT, 0, 1, 1) + b"\0"
    attributes = (
        (b"channels", b"chlist", channel),
        (b"comments", b"string", comments.encode("ascii", "backslashreplace")),
        (b"compression", b"compression", bytes([_ZIP_COMPRESSION])),
        (b"dataWindow", b"box2i", window),
        (b"displayWindow", b"box2i", window),
        (b"lineOrder", b"lineOrder", bytes([_INCREASING_Y])),
        (b"pixelAspectRatio", b"float", struct.pack("<f", 1)),
        (b"screenWindowCenter", b"v2f", struct.pack("<2f", 0, 0)),
        (b"screenWindowWidth", b"float", struct.pack("<f", 1)),
    )
    encoded = b"".join(
        name + b"\0" + kind + b"\0" + struct.pack("<i", len(value)) + value
        for name, kind, value in attributes
    )
    return struct.pack("<ii", _MAGIC, _VERSION) + encoded + b"\0"


def _compress(rows: NDArray[np.float32], level: int) -> bytes:
    raw = np.frombuffer(rows.astype("<f4").tobytes(), np.uint8)
    split = np.concatenate([raw[0::2], raw[1::2]])
    differences = split.copy()
    differences[1:] -= split[:-1]
    differences[1:] += 128
    packed = zlib.compress(differences.data, level)
    # A block that would grow is stored plain; readers tell by its length.
    return packed if len(packed) < raw.size else raw.tobytes()
