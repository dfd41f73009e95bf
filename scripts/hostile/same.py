"""One picture in every way that imaging libraries test: turned, tiled, inverted, see-through, cut.

Names begin with what has to come of them: `same-` the picture itself, `grey-` it in grey, `cut-` a
sentence, since half a picture is none, `odd-` either.
"""

from __future__ import annotations

import struct
import zlib

import numpy as np
from PIL import Image, ImageCms

from scripts.hostile.written import SIZE, Named, encoded, picture
from tests.core.pictures import png, png_chunk, tiff

_TURNED = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
_TURNABLE = {"JPEG": {"quality": 98, "subsampling": 0}, "PNG": {}, "WEBP": {"quality": 98},
             "TIFF": {}, "TIFF-lzw": {"compression": "tiff_lzw"}}  # fmt: skip
_CUT_AT = (0.02, 0.3, 0.6, 0.9)


def same() -> Named:
    """All of them, with a name."""
    yield from _turned()
    yield from _coloured()
    yield from _tiffs()
    yield from _see_through()
    yield from _cut()
    yield from _bombs()


def _turned() -> Named:
    for kind, options in _TURNABLE.items():
        # libtiff refuses to write an orientation that does not exist.
        for orientation in range(1, 9) if kind == "TIFF-lzw" else range(10):
            turn = _TURNED.get(orientation)
            stored = picture() if turn is None else picture().transpose(turn)
            exif = Image.Exif()
            exif[0x0112] = orientation
            data = encoded(stored, kind.partition("-")[0], exif=exif.tobytes(), **options)
            if data:
                yield f"same-turned-{kind.lower()}-{orientation}", data


def _coloured() -> Named:
    base = picture()
    cmyk = base.convert("CMYK")
    inverted = encoded(cmyk, "JPEG", quality=98, subsampling=0) or b""  # as Adobe's programs do
    yield "same-cmyk-adobe.jpg", inverted
    at = inverted.index(b"\xff\xee")  # without Adobe's mark programs differ on what 0 means
    yield "odd-cmyk-plain.jpg", inverted[:at] + inverted[at + 16 :]
    yield "same-cmyk.tif", encoded(cmyk, "TIFF") or b""
    yield "same-lossless.webp", encoded(base, "WEBP", lossless=True) or b""
    yield "same-heif-as-jpg.jpg", encoded(base, "PNG") or b""
    yield "grey-l.png", encoded(base.convert("L"), "PNG") or b""
    grey = np.asarray(base.convert("L"))
    yield "grey-16.png", png(grey.astype(np.uint16) * 257, 0)
    for kind in ("u2", "i2", "i4", "u4", "f4"):
        scale = 1 / 255 if kind[0] == "f" else 128 if kind == "i2" else 257
        yield f"grey-{kind}.tif", tiff((grey.astype(float) * scale).astype(kind), 1)
    yield "grey-white-is-zero.tif", tiff(255 - grey, 0)
    yield "grey-white-is-zero-16.tif", tiff(65535 - grey.astype(np.uint16) * 257, 0)
    wide = np.asarray(base).astype(np.uint16) * 257
    yield "same-rgb-16.png", png(wide, 2)
    yield "same-rgb-16.tif", tiff(wide, 2)
    yield "same-rgb-16-be.tif", tiff(wide, 2, ">")
    profiles = {"sRGB": "RGB", "LAB": "RGB", "XYZ": "RGB"}
    for name in profiles:  # a profile of another colour space than the pixels' is not applied
        data = ImageCms.ImageCmsProfile(ImageCms.createProfile(name)).tobytes()  # type: ignore[arg-type]
        yield f"same-profile-{name.lower()}.png", encoded(base, "PNG", icc_profile=data) or b""


def _tiffs() -> Named:
    rgb = np.asarray(picture())
    yield "same-tiled.tif", _tiled(rgb, 16, planar=False)
    yield "same-tiled-planar.tif", _tiled(rgb, 32, planar=True)
    yield "same-big.tif", encoded(picture(), "TIFF", big_tiff=True) or b""
    lab = ImageCms.applyTransform(
        picture(),
        ImageCms.buildTransform(
            ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB"
        ),
    )
    if lab:
        yield "same-lab.tif", encoded(lab, "TIFF") or b""


def _tiled(rgb: np.ndarray, side: int, *, planar: bool) -> bytes:  # type: ignore[type-arg]
    """An uncompressed tiled TIFF (TIFF 6.0, section 15)."""
    height, width = rgb.shape[:2]
    down, across = -(-height // side), -(-width // side)
    padded = np.zeros((down * side, across * side, 3), np.uint8)
    padded[:height, :width] = rgb
    planes = [padded[..., band] for band in range(3)] if planar else [padded]
    tiles = [
        plane[y * side : (y + 1) * side, x * side : (x + 1) * side].tobytes()
        for plane in planes
        for y in range(down)
        for x in range(across)
    ]
    counts = [len(tile) for tile in tiles]
    offsets = [8 + sum(counts[:index]) for index in range(len(tiles))]
    after = 8 + sum(counts)
    lists = struct.pack(f"<{len(tiles)}I", *offsets) + struct.pack(f"<{len(tiles)}I", *counts)
    entries = [
        (256, 4, 1, width), (257, 4, 1, height), (258, 3, 3, after + len(lists)), (259, 3, 1, 1),
        (262, 3, 1, 2), (277, 3, 1, 3), (284, 3, 1, 2 if planar else 1), (322, 3, 1, side),
        (323, 3, 1, side), (324, 4, len(tiles), after),
        (325, 4, len(tiles), after + 4 * len(tiles)),
    ]  # fmt: skip
    lists += struct.pack("<3H", 8, 8, 8)
    directory = struct.pack("<H", len(entries))
    directory += b"".join(struct.pack("<HHII", *entry) for entry in entries) + bytes(4)
    head = b"II*\0" + struct.pack("<I", after + len(lists))
    return head + b"".join(tiles) + lists + directory


def _see_through() -> Named:
    base = picture()
    clear = Image.new("L", SIZE, 0)
    for kind, options in {"PNG": {}, "WEBP": {"lossless": True, "exact": True}, "TIFF": {}}.items():
        hidden = base.copy()
        hidden.putalpha(clear)
        yield f"same-hidden.{kind.lower()}", encoded(hidden, kind, **options) or b""
    few = base.quantize(64)
    yield "odd-palette-clear.png", encoded(few, "PNG", transparency=bytes(range(64))) or b""
    yield "odd-palette-clear.gif", encoded(few, "GIF", transparency=3) or b""
    grey = np.asarray(base.convert("L")).astype(np.uint16) * 257
    whole = png(grey, 0)
    at = whole.index(b"IDAT") - 4
    yield "grey-16-key.png", whole[:at] + png_chunk(b"tRNS", b"\1\2") + whole[at:]
    bmp = encoded(base.convert("RGBA"), "BMP") or b""
    start = struct.unpack("<I", bmp[10:14])[0]
    body = bytearray(bmp[start:])
    body[3::4] = bytes(len(body) // 4)  # what many programs leave in the unused byte
    yield "same-alpha-0.bmp", bmp[:start] + bytes(body)


def _cut() -> Named:
    base = picture()
    kinds = {
        "jpg": encoded(base, "JPEG", quality=90),
        "progressive.jpg": encoded(base, "JPEG", quality=90, progressive=True),
        "png": encoded(base, "PNG"),
        "interlaced.png": png(np.asarray(base), 2),
        "gif": encoded(base, "GIF"),
        "bmp": encoded(base, "BMP"),
        "tif": encoded(base, "TIFF"),
        "lzw.tif": encoded(base, "TIFF", compression="tiff_lzw"),
        "webp": encoded(base, "WEBP"),
        "lossless.webp": encoded(base, "WEBP", lossless=True),
        "avif": encoded(base, "AVIF", speed=10),
    }
    for name, data in kinds.items():
        for share in _CUT_AT if data else ():
            yield f"cut-{int(share * 100)}-{name}", (data or b"")[: int(len(data or b"") * share)]
    whole = encoded(base, "PNG") or b""
    at = whole.index(b"IDAT") + 20
    yield "cut-checksum.png", whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]
    yield "odd-no-end.png", whole[:-12]
    jpeg = encoded(picture().resize((400, 300)), "JPEG", quality=90) or b""
    yield "odd-jpeg-ended-early.jpg", jpeg[: len(jpeg) // 2] + b"\xff\xd9"


def _bombs() -> Named:
    header = struct.pack(">IIBBBBB", 30_000, 30_000, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes(3751 * 30_000), 9)
    signature = b"\x89PNG\r\n\x1a\n"
    chunks = (png_chunk(b"IHDR", header), png_chunk(b"IDAT", rows), png_chunk(b"IEND", b""))
    yield "cut-bomb.png", signature + b"".join(chunks)
    gif = encoded(picture(), "GIF") or b""
    yield "cut-bomb.gif", gif[:6] + struct.pack("<HH", 60_000, 60_000) + gif[10:]
    rgb = np.asarray(picture())
    yield "cut-bomb.tif", tiff(rgb, 2, t256=60_000, t257=60_000)
