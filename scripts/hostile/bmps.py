"""BMP files as old and rare programs write them: OS/2 headers, run lengths, masks for colours."""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

from scripts.hostile.written import Named, encoded, picture

_RGB, _RLE8, _RLE4, _MASKS, _JPEG, _PNG = range(6)
_MASKED = {
    "same-bmp-masks-565": (16, (0xF800, 0x07E0, 0x001F)),
    "same-bmp-masks-555": (16, (0x7C00, 0x03E0, 0x001F)),
    "same-bmp-masks-888": (32, (0xFF0000, 0x00FF00, 0x0000FF)),
    "same-bmp-masks-high": (32, (0xFF000000, 0x00FF0000, 0x0000FF00)),
    "odd-bmp-masks-turned": (32, (0x0000FF, 0x00FF00, 0xFF0000)),
    "odd-bmp-masks-444": (16, (0x0F00, 0x00F0, 0x000F)),
    "odd-bmp-masks-231": (16, (0x30, 0x0E, 0x01)),
    "odd-bmp-masks-8-11-5": (32, (0xFF000000, 0x00FFE000, 0x00001F00)),
    "odd-bmp-masks-overlapping": (16, (0xFFFF, 0xFFFF, 0xFFFF)),
    "odd-bmp-masks-none": (16, (0, 0, 0)),
    "odd-bmp-masks-holes": (16, (0xA000, 0x0A00, 0x000A)),
}


def bmps() -> Named:
    """All of them, with a name; the prefixes say what has to come of them, as in `same`."""
    rgb = np.asarray(picture())
    grey = np.asarray(picture().convert("L"))
    few = (grey // 16).astype(np.uint8)  # a nibble each
    yield "grey-bmp-os2-8.bmp", _os2(grey, 8)
    yield "odd-bmp-os2-4.bmp", _os2(few, 4)
    yield "odd-bmp-array.bmp", b"BA" + struct.pack("<IIHH", 14, 0, 0, 0) + _os2(grey, 8)
    yield "grey-bmp-rle8.bmp", _packed(grey, 8, _runs(grey, 8))
    literal = b"\0\0".join(b"\0" + bytes([len(row)]) + bytes(row) for row in grey[::-1])
    yield "grey-bmp-rle8-literal.bmp", _packed(grey, 8, literal + b"\0\1")
    yield "odd-bmp-rle4.bmp", _packed(few, 4, _runs(few, 4))
    for bits, steps in ((8, grey), (4, few)):
        runs = _runs(steps, bits)
        yield f"odd-bmp-rle{bits}-cut.bmp", _packed(steps, bits, runs[: len(runs) // 2])
        skips = b"\0\2\x05\x05" + runs[: 60 * bits] + b"\0\1"
        yield f"odd-bmp-rle{bits}-skips.bmp", _packed(steps, bits, skips)
    for name, (bits, masks) in _MASKED.items():
        yield f"{name}.bmp", _masked(rgb, bits, masks)
    rows = _rows(np.ascontiguousarray(rgb[..., ::-1]).reshape(len(rgb), -1))
    for size in (40, 52, 56, 64, 108, 124):
        yield f"same-bmp-header-{size}.bmp", _plain(rgb.shape, rows, size)
    yield "odd-bmp-header-200.bmp", _plain(rgb.shape, rows, 200)
    yield "same-bmp-gap.bmp", _plain(rgb.shape, bytes(100) + rows, 40, before=100)
    yield "same-bmp-top-down.bmp", _plain((-len(rgb), *rgb.shape[1:]), _flipped(rows, rgb), 40)
    for kind, packing in (("JPEG", _JPEG), ("PNG", _PNG)):
        inside = encoded(picture(), kind) or b""
        data = _plain(rgb.shape, inside, 40, bits=0, packing=packing)
        yield f"odd-bmp-of-{kind.lower()}.bmp", data
    yield "odd-no-file-header.dib", _plain(rgb.shape, rows, 40)[14:]


def _os2(steps: NDArray[np.uint8], bits: int) -> bytes:
    """OS/2 1.x: a header of 12 bytes and palette entries of 3."""
    height, width = steps.shape
    rows = _rows(steps if bits == 8 else _halves(steps))
    head = struct.pack("<IHHHH", 12, width, height, 1, bits)
    return _with_head(head + b"".join(bytes([level] * 3) for level in _levels(bits)), rows)


def _packed(steps: NDArray[np.uint8], bits: int, runs: bytes) -> bytes:
    """A grey palette and run lengths."""
    height, width = steps.shape
    packing = _RLE8 if bits == 8 else _RLE4
    sizes = (len(runs), 0, 0, 1 << bits, 0)
    head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, packing, *sizes)
    palette = b"".join(bytes([level] * 3) + b"\0" for level in _levels(bits))
    return _with_head(head + palette, runs)


def _levels(bits: int) -> list[int]:
    return [255 * step // ((1 << bits) - 1) for step in range(1 << bits)]


def _runs(steps: NDArray[np.uint8], bits: int) -> bytes:
    body = b""
    for row in steps[::-1]:
        if bits == 8:
            body += b"".join(bytes((1, value)) for value in row)
        else:
            body += b"".join(bytes((2, left << 4 | right)) for left, right in _pairs(row))
        body += b"\0\0"
    return body[:-2] + b"\0\1"


def _masked(rgb: NDArray[np.uint8], bits: int, masks: tuple[int, ...]) -> bytes:
    """Pixels whose colours lie where three masks say."""
    values = np.zeros(rgb.shape[:2], np.uint64)
    for band, mask in enumerate(masks):
        low = (mask & -mask).bit_length() - 1 if mask else 0
        values |= ((rgb[..., band].astype(np.uint64) * (mask >> low) + 127) // 255) << np.uint64(
            low
        )
    pixels = values.astype(f"<u{bits // 8}")
    rows = _rows(pixels.view(np.uint8).reshape(len(rgb), -1))
    return _plain(rgb.shape, rows, 40, bits=bits, packing=_MASKS, masks=masks)


def _plain(
    shape: tuple[int, ...],
    rows: bytes,
    header: int,
    *,
    bits: int = 24,
    packing: int = _RGB,
    masks: tuple[int, ...] = (),
    before: int = 0,
) -> bytes:
    """One picture behind a header of so many bytes, of which 40 are filled."""
    head = struct.pack(
        "<IiiHHIIiiII", header, shape[1], shape[0], 1, bits, packing, len(rows), 0, 0, 0, 0
    )
    head += b"".join(struct.pack("<I", mask) for mask in masks)
    return _with_head(head.ljust(header, b"\0"), rows, before)


def _with_head(head: bytes, rows: bytes, before: int = 0) -> bytes:
    start = 14 + len(head)
    return b"BM" + struct.pack("<IHHI", start + len(rows), 0, 0, start + before) + head + rows


def _rows(pixels: NDArray[np.uint8]) -> bytes:
    """From the bottom up, each padded to four bytes."""
    return b"".join(bytes(row) + bytes(-len(row) % 4) for row in pixels[::-1])


def _flipped(rows: bytes, rgb: NDArray[np.uint8]) -> bytes:
    length = len(rows) // len(rgb)
    return b"".join(rows[at : at + length] for at in range(0, len(rows), length)[::-1])


def _halves(steps: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.array([[left << 4 | right for left, right in _pairs(row)] for row in steps], np.uint8)


def _pairs(row: NDArray[np.uint8]) -> list[tuple[int, int]]:
    return [(int(left), int(right)) for left, right in zip(row[0::2], row[1::2], strict=True)]
