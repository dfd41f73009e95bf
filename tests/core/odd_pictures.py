"""Small files that once were decoded wrongly, or were found by looking for such; made by hand.

Names begin with what has to come of them: `same-` the picture itself, `grey-` it in grey,
`refused-` a sentence, `odd-` either.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from tests.core.pictures import encode, png, png_chunk, scene, tiff

WIDTH, HEIGHT = 46, 34  # no multiple of a block or a tile
RGB = scene(HEIGHT, WIDTH)
PICTURE = Image.fromarray(RGB)
GREY = np.asarray(PICTURE.convert("L"))
_PLAIN, _RLE8, _MASKS = 0, 1, 3
_MASKED = {
    "same-masks-565": (16, (0xF800, 0x07E0, 0x001F)),
    "same-masks-555": (16, (0x7C00, 0x03E0, 0x001F)),
    "same-masks-888": (32, (0xFF0000, 0x00FF00, 0x0000FF)),
    "same-masks-high": (32, (0xFF000000, 0x00FF0000, 0x0000FF00)),
    "odd-masks-overlapping": (16, (0xFFFF, 0xFFFF, 0xFFFF)),
    "odd-masks-none": (16, (0, 0, 0)),
}
Entry = tuple[int, int, int, int]  # tag, type, count, value or offset


def odd_pictures() -> Iterator[tuple[str, bytes]]:
    """Name and content of all of them."""
    yield from _bmps()
    yield from _tiffs()
    yield from _pngs()
    jpeg = encode(PICTURE, "JPEG", quality=98, subsampling=0)
    yield "same-cmyk-adobe.jpg", encode(PICTURE.convert("CMYK"), "JPEG", quality=98, subsampling=0)
    yield "odd-lossless.jpg", jpeg.replace(b"\xff\xc0", b"\xff\xc3", 1)
    scan = jpeg.index(b"\xff\xda")
    yield "odd-many-scans.jpg", jpeg[:scan] + jpeg[scan:-2] * 2000 + b"\xff\xd9"
    gif = encode(PICTURE, "GIF")
    yield "refused-bomb.gif", gif[:6] + struct.pack("<HH", 60_000, 60_000) + gif[10:]
    for brand in (b"avif", b"heic", b"msf1"):
        head = b"\0\0\0\x18ftyp" + brand + b"\0\0\0\0" + brand + b"mif1"
        deep = b"\0\0\0\0"
        for _ in range(200):
            deep = struct.pack(">I", len(deep) + 8) + b"meta" + deep
        yield f"refused-deep-{brand.decode()}.heic", head + deep


# BMP


def _bmps() -> Iterator[tuple[str, bytes]]:
    os2 = struct.pack("<IHHHH", 12, WIDTH, HEIGHT, 1, 8)
    palette = b"".join(bytes([level] * 3) for level in range(256))
    yield "grey-os2.bmp", _bmp(os2 + palette, _rows(GREY))
    runs = b"\0\0".join(b"".join(bytes((1, value)) for value in row) for row in GREY[::-1])
    literal = b"\0\0".join(b"\0" + bytes([WIDTH]) + bytes(row) for row in GREY[::-1])
    for name, packed in (("grey-rle8", runs), ("grey-rle8-literal", literal)):
        yield f"{name}.bmp", _packed(packed + b"\0\1")
    yield "odd-rle8-cut.bmp", _packed(runs[: len(runs) // 2])
    yield "odd-rle8-outside.bmp", _packed(b"\0\2\xff\xff" * 500 + b"\xff\xff" * 500)
    for name, (bits, masks) in _MASKED.items():
        yield f"{name}.bmp", _masked(bits, masks)
    rows = _rows(np.ascontiguousarray(RGB[..., ::-1]).reshape(HEIGHT, -1))
    for size in (40, 52, 64, 108, 124):
        yield f"same-header-{size}.bmp", _bmp(_header(size, HEIGHT), rows)
    yield "same-gap.bmp", _bmp(_header(40, HEIGHT), bytes(100) + rows, before=100)
    length = len(rows) // HEIGHT
    flipped = b"".join(rows[at : at + length] for at in range(0, len(rows), length)[::-1])
    yield "same-top-down.bmp", _bmp(_header(40, -HEIGHT), flipped)
    clear = bytearray(encode(PICTURE.convert("RGBA"), "BMP"))
    start = struct.unpack("<I", clear[10:14])[0]
    clear[start + 3 :: 4] = bytes(len(clear[start + 3 :: 4]))  # what programs leave in that byte
    yield "same-alpha-0.bmp", bytes(clear)


def _packed(runs: bytes) -> bytes:
    """A grey palette and run lengths."""
    sizes = (len(runs), 0, 0, 256, 0)
    head = struct.pack("<IiiHHIIiiII", 40, WIDTH, HEIGHT, 1, 8, _RLE8, *sizes)
    return _bmp(head + b"".join(bytes([level] * 3) + b"\0" for level in range(256)), runs)


def _masked(bits: int, masks: tuple[int, ...]) -> bytes:
    """Pixels whose colours lie where three masks say."""
    values = np.zeros(RGB.shape[:2], np.uint64)
    for band, mask in enumerate(masks):
        low = (mask & -mask).bit_length() - 1 if mask else 0
        values |= ((RGB[..., band].astype(np.uint64) * (mask >> low) + 127) // 255) << np.uint64(
            low
        )
    pixels = values.astype(f"<u{bits // 8}").view(np.uint8).reshape(HEIGHT, -1)
    head = _header(40, HEIGHT, bits, _MASKS) + struct.pack("<3I", *masks)
    return _bmp(head, _rows(pixels))


def _header(size: int, height: int, bits: int = 24, packing: int = _PLAIN) -> bytes:
    """A header of so many bytes, of which 40 are filled."""
    fields = struct.pack("<IiiHHIIiiII", size, WIDTH, height, 1, bits, packing, *[0] * 5)
    return fields.ljust(size, b"\0")


def _bmp(head: bytes, rows: bytes, before: int = 0) -> bytes:
    start = 14 + len(head)
    return b"BM" + struct.pack("<IHHI", start + len(rows), 0, 0, start + before) + head + rows


def _rows(pixels: NDArray[np.uint8]) -> bytes:
    """From the bottom up, each padded to four bytes."""
    return b"".join(bytes(row) + bytes(-len(row) % 4) for row in pixels[::-1])


# TIFF


def _tiffs() -> Iterator[tuple[str, bytes]]:
    for kind in ("u2", "i2", "i4", "u4", "f4"):
        scale = 1 / 255 if kind[0] == "f" else 128 if kind == "i2" else 257
        yield f"grey-{kind}.tif", tiff((GREY.astype(float) * scale).astype(kind), 1)
    yield "same-big.tif", encode(PICTURE, "TIFF", big_tiff=True)
    yield "same-tiled.tif", _tiled(16, planar=False)
    yield "same-tiled-planar.tif", _tiled(32, planar=True)
    yield "refused-bomb.tif", tiff(RGB, 2, t256=60_000, t257=60_000)
    size = [(256, 4, 1, WIDTH), (257, 4, 1, HEIGHT), (258, 3, 1, 8), (259, 3, 1, 1)]
    pixels = [(262, 3, 1, 1), (273, 4, 1, 8), (277, 3, 1, 1), (278, 4, 1, HEIGHT)]
    good: list[Entry] = [*size, *pixels, (279, 4, 1, WIDTH * HEIGHT)]
    at = 8 + WIDTH * HEIGHT
    yield "grey-directory.tif", _directory(good)
    yield "odd-loop.tif", _directory(good, following=at)
    yield "odd-backwards.tif", _directory(good[::-1])
    yield "odd-65535.tif", _directory(good, count=65535)
    for name, entry in {
        "strip-outside": (273, 4, 1, 2**31),
        "strips-many": (273, 4, 2**30, 8),
        "wide": (256, 4, 1, 2**32 - 1),
        "wide-float": (256, 11, 1, 0x7FC00000),
        "bands-65535": (277, 3, 1, 65535),
    }.items():
        changed = [entry if entry[0] == other[0] else other for other in good]
        yield f"refused-{name}.tif", _directory(changed)
    for name, entry in {
        "profile-outside": (34675, 7, 2**30, 8),
        "exif-loop": (34665, 4, 1, at),
        "sub-loop": (330, 4, 1, at),
        "gps-loop": (34853, 4, 1, at),
    }.items():
        yield f"odd-{name}.tif", _directory(sorted([*good, entry]))


def _tiled(side: int, *, planar: bool) -> bytes:
    """An uncompressed tiled TIFF (TIFF 6.0, section 15)."""
    down, across = -(-HEIGHT // side), -(-WIDTH // side)
    padded = np.zeros((down * side, across * side, 3), np.uint8)
    padded[:HEIGHT, :WIDTH] = RGB
    planes = [padded[..., band] for band in range(3)] if planar else [padded]
    tiles = [
        plane[y * side : (y + 1) * side, x * side : (x + 1) * side].tobytes()
        for plane in planes
        for y in range(down)
        for x in range(across)
    ]
    counts = [len(tile) for tile in tiles]
    offsets = [8 + sum(counts[:index]) for index in range(len(tiles))]
    after, n = 8 + sum(counts), len(tiles)
    lists = struct.pack(f"<{n}I", *offsets) + struct.pack(f"<{n}I", *counts)
    entries = [
        (256, 4, 1, WIDTH), (257, 4, 1, HEIGHT), (258, 3, 3, after + len(lists)), (259, 3, 1, 1),
        (262, 3, 1, 2), (277, 3, 1, 3), (284, 3, 1, 2 if planar else 1), (322, 3, 1, side),
        (323, 3, 1, side), (324, 4, n, after), (325, 4, n, after + 4 * n),
    ]  # fmt: skip
    lists += struct.pack("<3H", 8, 8, 8)
    directory = struct.pack("<H", len(entries))
    directory += b"".join(struct.pack("<HHII", *entry) for entry in entries) + bytes(4)
    head = b"II*\0" + struct.pack("<I", after + len(lists))
    return head + b"".join(tiles) + lists + directory


def _directory(entries: list[Entry], following: int = 0, count: int | None = None) -> bytes:
    """A grey TIFF of one strip with just these entries."""
    directory = struct.pack("<H", len(entries) if count is None else count)
    directory += b"".join(struct.pack("<HHII", *entry) for entry in entries)
    start = b"II*\0" + struct.pack("<I", 8 + GREY.size)
    return start + GREY.tobytes() + directory + struct.pack("<I", following)


# PNG


def _pngs() -> Iterator[tuple[str, bytes]]:
    for name in ("sRGB", "LAB", "XYZ"):  # of another colour space than the pixels': not applied
        profile = ImageCms.ImageCmsProfile(ImageCms.createProfile(name)).tobytes()  # type: ignore[arg-type]
        yield f"same-profile-{name.lower()}.png", encode(PICTURE, "PNG", icc_profile=profile)
    whole = png(RGB, 2)
    header, data, end = whole[:33], whole[33:-12], whole[-12:]
    for name, kind, content in (
        ("text-bomb", b"zTXt", b"Comment\0\0" + zlib.compress(bytes(50_000_000), 1)),
        ("profile-bomb", b"iCCP", b"name\0\0" + zlib.compress(bytes(60_000_000), 1)),
        ("xmp", b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + b"<a>" * 50_000),
        ("frames", b"acTL", struct.pack(">II", 2**31, 0)),
    ):
        yield f"odd-{name}.png", header + png_chunk(kind, content) + data + end
    yield "odd-long-pixels.png", header + png_chunk(b"IDAT", zlib.compress(bytes(10**6))) + end
    yield "refused-order.png", whole[:8] + data + whole[8:33] + end
    yield "refused-checksum.png", whole[:60] + bytes([whole[60] ^ 1]) + whole[61:]
    size = struct.pack(">IIBBBBB", 30_000, 30_000, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes(3751 * 30_000), 1)
    chunks = ((b"IHDR", size), (b"IDAT", rows), (b"IEND", b""))
    yield "refused-bomb.png", whole[:8] + b"".join(png_chunk(*chunk) for chunk in chunks)
