"""TIFF files by hand: every kind of sample, and directories that lie."""

from __future__ import annotations

import struct
from collections.abc import Sequence

import numpy as np

from scripts.hostile.written import Named
from tests.core.pictures import tiff

_WIDTH, _HEIGHT = 24, 18
_TYPES = ("u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", "f2", "f4", "f8")
_ODD_VALUES = {
    "nan": np.nan, "inf": np.inf, "minus-inf": -np.inf, "negative": -1.0, "huge": 1e30,
    "denormal": 1e-42,
}  # fmt: skip
Entry = tuple[int, int, int, int]  # tag, type, count, value or offset


def tiffs() -> Named:
    """All of them, with a name."""
    y, x = np.mgrid[0:_HEIGHT, 0:_WIDTH]
    grey = (x * 7 + y * 5) % 200
    for kind in _TYPES:
        for bands in (1, 2, 3, 4, 5):
            samples = np.repeat(grey[..., None], bands, 2).astype(kind)
            for order in "<>":
                name = f"tiff-{kind}-{bands}-{'le' if order == '<' else 'be'}.tif"
                yield name, tiff(np.squeeze(samples, 2) if bands == 1 else samples,
                                 1 if bands < 3 else 2, order)  # fmt: skip
    for name, value in _ODD_VALUES.items():
        values = (grey / 255).astype(np.float32)
        yield f"tiff-float-all-{name}.tif", tiff(np.full_like(values, value), 1)
        values[3, 4] = value
        yield f"tiff-float-one-{name}.tif", tiff(values, 1)
    yield "tiff-float-0.tif", tiff(np.zeros((18, 24), np.float32), 1)
    rgb = np.stack([grey, grey, 255 - grey], 2).astype(np.uint8)
    for photometric in range(12):
        yield f"tiff-photometric-{photometric}.tif", tiff(rgb, photometric)
    for compression in (0, 2, 3, 4, 5, 6, 7, 8, 9, 99, 32773, 32946, 34712, 34892, 50000, 65535):
        yield f"tiff-compression-{compression}.tif", tiff(rgb, 2, t259=compression)
    for bits in (0, 2, 3, 6, 10, 12, 14, 24, 128, 65535):
        yield f"tiff-bits-{bits}.tif", tiff(rgb[..., 0], 1, t258=bits)
    for orientation in range(11):
        yield f"tiff-turned-{orientation}.tif", tiff(rgb, 2, t274=orientation)
    for planes in (0, 2, 3):
        yield f"tiff-planes-{planes}.tif", tiff(rgb, 2, t284=planes)
    for predictor in (2, 3, 9):
        yield f"tiff-predictor-{predictor}.tif", tiff(rgb, 2, t317=predictor)
    for tag in (256, 257, 277, 278, 279, 322, 323, 338, 339):
        for value in (0, 65535):
            yield f"tiff-tag-{tag}-{value}.tif", tiff(rgb, 2, **{f"t{tag}": value})
    yield from _directories()
    bigtiff = b"II+\0\x08\0\0\0" + struct.pack("<Q", 16) + struct.pack("<Q", 0)
    yield "tiff-big-empty.tif", bigtiff
    yield "tiff-big-loop.tif", bigtiff + struct.pack("<Q", 16)


def _directories() -> Named:
    size = [(256, 4, 1, _WIDTH), (257, 4, 1, _HEIGHT), (258, 3, 1, 8), (259, 3, 1, 1)]
    pixels = [(262, 3, 1, 1), (273, 4, 1, 8), (277, 3, 1, 1), (278, 4, 1, _HEIGHT)]
    good: list[Entry] = [*size, *pixels, (279, 4, 1, _WIDTH * _HEIGHT)]
    yield "tiff-dir-good.tif", _tiff(good)
    yield "tiff-dir-loop.tif", _tiff(good, next_directory=8 + _WIDTH * _HEIGHT)
    yield "tiff-dir-next-outside.tif", _tiff(good, next_directory=2**31)
    yield "tiff-dir-empty.tif", _tiff([])
    yield "tiff-dir-65535.tif", _tiff(good, count=65535)
    yield "tiff-dir-backwards.tif", _tiff(good[::-1])
    yield "tiff-dir-twice.tif", _tiff([entry for entry in good for _ in range(2)])
    for tag in (256, 257, 258, 262, 273, 277, 279):
        yield f"tiff-dir-no-{tag}.tif", _tiff([entry for entry in good if entry[0] != tag])
    for name, changed in {
        "strip-outside": (273, 4, 1, 2**31),
        "strip-at-0": (273, 4, 1, 0),
        "strips-many": (273, 4, 2**30, 8),
        "counts-many": (279, 4, 2**31, 8),
        "count-0": (279, 4, 1, 0),
        "count-huge": (279, 4, 1, 2**32 - 1),
        "wide": (256, 4, 1, 2**32 - 1),
        "high": (257, 4, 1, 2**32 - 1),
        "wide-signed": (256, 9, 1, 2**32 - 20),
        "wide-float": (256, 11, 1, 0x7FC00000),
        "wide-rational": (256, 5, 1, 8),
        "wide-text": (256, 2, 4, 0x31323334),
        "type-0": (256, 0, 1, 24),
        "type-99": (256, 99, 1, 24),
        "rows-0": (278, 4, 1, 0),
        "bands-65535": (277, 3, 1, 65535),
    }.items():
        entries = [changed if entry[0] == changed[0] else entry for entry in good]
        yield f"tiff-dir-{name}.tif", _tiff(entries)
    for name, extra in {
        "profile-outside": (34675, 7, 2**30, 8),
        "profile-short": (34675, 7, 40, 8),
        "exif-loop": (34665, 4, 1, 8 + _WIDTH * _HEIGHT),
        "exif-outside": (34665, 4, 1, 2**31),
        "sub-loop": (330, 4, 1, 8 + _WIDTH * _HEIGHT),
        "xmp-huge": (700, 1, 2**31, 8),
        "preview": (254, 4, 1, 1),
        "dng": (50706, 1, 4, 0x00000401),
        "page": (297, 3, 2, 0xFFFFFFFF),
        "gps-loop": (34853, 4, 1, 8 + _WIDTH * _HEIGHT),
    }.items():
        yield f"tiff-dir-{name}.tif", _tiff(sorted([*good, extra]))


def _tiff(entries: Sequence[Entry], next_directory: int = 0, count: int | None = None) -> bytes:
    pixels = bytes((x * 5 + y * 3) % 256 for y in range(_HEIGHT) for x in range(_WIDTH))
    directory = struct.pack("<H", len(entries) if count is None else count)
    directory += b"".join(struct.pack("<HHII", *entry) for entry in entries)
    start = b"II*\0" + struct.pack("<I", 8 + len(pixels))
    return start + pixels + directory + struct.pack("<I", next_directory)
