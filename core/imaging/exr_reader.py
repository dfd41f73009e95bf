"""Reads one plane of an OpenEXR picture: scan lines, uncompressed, RLE, ZIPS or ZIP.

OpenEXR 2.0 file layout (openexr.com, "OpenEXR File Layout"). Everything is checked before it is
used or allocated, since the files are uploads.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import DataError

MAGIC = b"\x76\x2f\x31\x01"
DEPTH_CHANNELS = ("Z", "depth.Z", "Depth.Z", "depth", "V", "Y", "R")
MAX_SIDE = 65_536
_TYPES: dict[int, np.dtype[Any]] = {0: np.dtype("<u4"), 1: np.dtype("<f2"), 2: np.dtype("<f4")}
_LINES = {0: 1, 1: 1, 2: 1, 3: 16}  # scan lines in a block, by compression
_NAMES = {0: "none", 1: "RLE", 2: "ZIPS", 3: "ZIP", 4: "PIZ", 5: "PXR24", 6: "B44", 7: "B44A"}
_UNUSUAL = 0x200 | 0x800 | 0x1000  # version flags: tiled, deep, several parts


@dataclass(frozen=True)
class _Channel:
    name: str
    dtype: np.dtype[Any]


@dataclass(frozen=True)
class _Header:
    channels: tuple[_Channel, ...]  # in the order of the file, which is alphabetical
    compression: int
    left: int
    top: int
    width: int
    height: int
    end: int  # offset of the first byte after the header


def read_exr(data: bytes, *, max_pixels: int) -> NDArray[np.float32]:
    """The depth channel of an EXR file, (H, W) float32, as stored.

    Args:
        data: the whole file.
        max_pixels: refuses larger pictures before anything is allocated.

    Raises:
        DataError: not an EXR of the kinds above, damaged, too large, or without a usable channel.
    """
    try:
        header = _read_header(data)
    except (struct.error, UnicodeDecodeError, IndexError) as error:
        raise DataError(
            "The EXR file's header is damaged; expected a complete OpenEXR file. Write it again."
        ) from error
    if header.width * header.height > max_pixels:
        raise DataError(
            f"The EXR picture has {header.width}x{header.height} pixels, expected at most "
            f"{max_pixels:,}. Down-sample it."
        )
    channel = _depth_channel(header)
    plane = np.zeros((header.height, header.width), np.float32)
    line_bytes = [c.dtype.itemsize * header.width for c in header.channels]
    index = header.channels.index(channel)
    start = sum(line_bytes[:index])
    lines = _LINES[header.compression]
    for block in range((header.height + lines - 1) // lines):
        first = block * lines
        count = min(lines, header.height - first)
        raw = _block(data, header, block, count * sum(line_bytes))
        rows = np.frombuffer(raw, np.uint8).reshape(count, sum(line_bytes))
        chosen = np.ascontiguousarray(rows[:, start : start + line_bytes[index]])
        with np.errstate(over="ignore", invalid="ignore"):
            plane[first : first + count] = chosen.view(channel.dtype).astype(np.float32)
    return plane


def _read_header(data: bytes) -> _Header:
    (version,) = struct.unpack_from("<I", data, 4)
    if data[:4] != MAGIC or version & _UNUSUAL:
        raise DataError(
            "The EXR file is tiled, deep or in several parts; expected plain scan lines. "
            "Save it again as a scan-line EXR with ZIP compression."
        )
    values: dict[str, bytes] = {}
    position = 8
    while data[position] != 0:
        name, position = _text(data, position)
        _, position = _text(data, position)
        (size,) = struct.unpack_from("<i", data, position)
        if not 0 <= size <= len(data) - position - 4:
            raise IndexError
        values[name] = data[position + 4 : position + 4 + size]
        position += 4 + size
    missing = [name for name in ("channels", "compression", "dataWindow") if name not in values]
    if missing:
        raise DataError(f"The EXR file's header lacks {missing[0]}. Write the file again.")
    left, top, right, bottom = struct.unpack("<4i", values["dataWindow"])
    width, height = right - left + 1, bottom - top + 1
    compression = values["compression"][0]
    if compression not in _LINES:
        raise DataError(
            f"The EXR file is compressed with {_NAMES.get(compression, compression)}; expected "
            "none, RLE, ZIPS or ZIP. Save it again with ZIP compression."
        )
    if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE):
        raise DataError(
            f"The EXR picture is {width}x{height} pixels; expected 1 to {MAX_SIDE} a side."
        )
    channels = _channels(values["channels"])
    return _Header(channels, compression, left, top, width, height, position + 1)


def _channels(data: bytes) -> tuple[_Channel, ...]:
    found, position = [], 0
    while data[position] != 0:
        name, position = _text(data, position)
        kind, _, x_step, y_step = struct.unpack_from("<iIii", data, position)
        position += 16
        if kind not in _TYPES or (x_step, y_step) != (1, 1):
            raise DataError(
                f"The EXR channel {name!r} is sub-sampled or of an unknown type; expected float, "
                "half or uint at full size. Save the depth as one float channel named Z."
            )
        found.append(_Channel(name, _TYPES[kind]))
    return tuple(found)


def _depth_channel(header: _Header) -> _Channel:
    by_name = {channel.name: channel for channel in header.channels}
    for name in DEPTH_CHANNELS:
        if name in by_name:
            return by_name[name]
    if len(header.channels) == 1:
        return header.channels[0]
    raise DataError(
        f"The EXR file has the channels {sorted(by_name)}; expected one of "
        f"{', '.join(DEPTH_CHANNELS)}. Save the depth as a channel named Z."
    )


def _block(data: bytes, header: _Header, index: int, size: int) -> bytes:
    """The decoded bytes of one block of scan lines."""
    try:
        (offset,) = struct.unpack_from("<Q", data, header.end + 8 * index)
        line, packed = struct.unpack_from("<ii", data, offset)
        body = data[offset + 8 : offset + 8 + packed]
        first = (line - header.top) // _LINES[header.compression]
        if packed < 0 or len(body) != packed or first != index:
            raise IndexError
        if packed == size or header.compression == 0:
            raw = body  # a block that does not get smaller is stored as it is
        elif header.compression == 1:
            raw = _reordered(_unpack_runs(body, size))
        else:
            raw = _reordered(zlib.decompressobj().decompress(body, size + 1))
        if len(raw) != size:
            raise IndexError
    except (struct.error, IndexError, zlib.error, OverflowError) as error:
        raise DataError(
            "The EXR file is damaged or cut off; expected all of its scan lines. Write it again."
        ) from error
    return raw


def _reordered(packed: bytes) -> bytes:
    """Undoes EXR's differences between bytes and its separation of even and odd bytes."""
    steps = np.frombuffer(packed, np.uint8).astype(np.int64)
    steps[1:] -= 128
    values = (np.cumsum(steps) & 0xFF).astype(np.uint8)
    half = (len(values) + 1) // 2
    whole = np.empty_like(values)
    whole[0::2], whole[1::2] = values[:half], values[half:]
    return whole.tobytes()


def _unpack_runs(body: bytes, size: int) -> bytes:
    out = bytearray()
    position = 0
    while position < len(body) and len(out) <= size:
        count = body[position] - 256 if body[position] > 127 else body[position]
        if count < 0:  # so many literal bytes
            out += body[position + 1 : position + 1 - count]
            position += 1 - count
        else:  # one byte, repeated
            out += body[position + 1 : position + 2] * (count + 1)
            position += 2
    return bytes(out)


def _text(data: bytes, position: int) -> tuple[str, int]:
    end = data.index(0, position, position + 256) if 0 in data[position : position + 256] else -1
    if end < 0:
        raise IndexError
    return data[position:end].decode("utf-8"), end + 1
