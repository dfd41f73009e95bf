"""PNG files by hand: every legal kind of pixel, and what breaks a rule of the specification."""

from __future__ import annotations

import struct
import zlib

from scripts.hostile.written import Named
from tests.core.pictures import png_chunk

_WIDTH, _HEIGHT = 21, 17
_LEGAL = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
_BANDS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2),
           (0, 1, 1, 2))  # fmt: skip


def pngs() -> Named:
    """All of them, with a name."""
    for colour, depths in _LEGAL.items():
        for bits in depths:
            for interlaced in (0, 1):
                yield f"png-{colour}-{bits}-{interlaced}.png", _png(colour, bits, interlaced)
    for colour, bits in ((0, 3), (1, 8), (2, 4), (3, 16), (5, 8), (7, 8), (0, 99)):
        yield f"png-illegal-{colour}-{bits}.png", _png(colour, bits)
    for name, size in {
        "no-width": (0, 17),
        "no-height": (21, 0),
        "negative": (2**32 - 21, 17),
        "largest": (2**31 - 1, 2**31 - 1),
        "long": (2**31 - 1, 1),
    }.items():
        yield f"png-{name}.png", _png(2, 8, size=size)
    for method in ("compression", "filter", "interlace"):
        yield f"png-unknown-{method}.png", _png(2, 8, **{method: 9})
    whole = _chunks(2, 8)
    header, data, end = whole
    yield "png-no-pixels.png", _file([header, end])
    yield "png-no-end.png", _file([header, data])
    yield "png-no-header.png", _file([data, end])
    yield "png-two-headers.png", _file([header, header, data, end])
    yield "png-order.png", _file([data, header, end])
    yield "png-no-palette.png", _file([_chunks(3, 8)[0], *_chunks(3, 8)[2:]])
    yield (
        "png-long-palette.png",
        _file([_chunks(3, 8)[0], (b"PLTE", bytes(3 * 300)), *_chunks(3, 8)[2:]]),
    )
    yield "png-odd-palette.png", _file([_chunks(3, 8)[0], (b"PLTE", b"1234"), *_chunks(3, 8)[2:]])
    yield "png-filter.png", _file([header, (b"IDAT", zlib.compress(b"\x09" * 1200)), end])
    yield "png-short-pixels.png", _file([header, (b"IDAT", zlib.compress(bytes(50))), end])
    yield "png-long-pixels.png", _file([header, (b"IDAT", zlib.compress(bytes(10**6))), end])
    yield "png-not-deflated.png", _file([header, (b"IDAT", bytes(500)), end])
    yield "png-empty-pixels.png", _file([header, (b"IDAT", b""), end])
    yield (
        "png-many-pieces.png",
        _file([header, *((b"IDAT", data[1][i : i + 1]) for i in range(len(data[1]))), end]),
    )
    extras = {
        "critical": (b"ABCD", b"what?"),
        "gamma-0": (b"gAMA", bytes(4)),
        "gamma-long": (b"gAMA", bytes(400)),
        "chromaticities": (b"cHRM", b"\xff" * 32),
        "resolution": (b"pHYs", bytes(9)),
        "time": (b"tIME", b"\xff" * 7),
        "text": (b"tEXt", b"Comment\0" + b"a" * 1000),
        "text-bomb": (b"zTXt", b"Comment\0\0" + zlib.compress(bytes(50_000_000))),
        "text-broken": (b"zTXt", b"Comment\0\0broken"),
        "xmp": (b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + b"<a>" * 50_000),
        "profile": (b"iCCP", b"name\0\0" + zlib.compress(b"no profile")),
        "profile-bomb": (b"iCCP", b"name\0\0" + zlib.compress(bytes(60_000_000))),
        "exif": (b"eXIf", b"MM\0*\0\0\0\x08\0\1"),
        "clear": (b"tRNS", bytes(6)),
        "clear-long": (b"tRNS", bytes(600)),
        "frames": (b"acTL", struct.pack(">II", 2**31, 0)),
        "no-frames": (b"acTL", bytes(8)),
        "background": (b"bKGD", b"\xff"),
        "significant": (b"sBIT", b"\xff\xff\xff"),
        "histogram": (b"hIST", b"\0"),
    }
    for name, chunk in extras.items():
        yield f"png-with-{name}.png", _file([header, chunk, data, end])
    late = [(b"eXIf", b"II*\0\x08\0\0\0\0\0"), (b"tRNS", bytes(6)), (b"PLTE", bytes(6))]
    for kind in late:
        yield f"png-late-{kind[0].decode()}.png", _file([header, data, kind, end])
    broken = bytearray(_png(2, 8))
    broken[29] ^= 1
    yield "png-header-checksum.png", bytes(broken)
    yield "png-length.png", _SIGNATURE + b"\xff\xff\xff\xffIHDR" + bytes(20)
    yield "png-line-ends.png", _png(2, 8).replace(b"\r\n", b"\n")
    yield "png-seven-bits.png", bytes(byte & 127 for byte in _png(2, 8))
    yield "png-twice.png", _png(2, 8) * 2
    yield "png-tail.png", _png(2, 8) + b"PK\x03\x04" + bytes(2000)


def _png(colour: int, bits: int, interlace: int = 0, **options: int | tuple[int, int]) -> bytes:
    return _file(_chunks(colour, bits, interlace, **options))  # type: ignore[arg-type]


def _chunks(
    colour: int,
    bits: int,
    interlace: int = 0,
    size: tuple[int, int] = (_WIDTH, _HEIGHT),
    compression: int = 0,
    filter: int = 0,  # noqa: A002 - the specification's word
) -> list[tuple[bytes, bytes]]:
    """Header, palette where there is one, pixels and end."""
    fields = (*size, bits, colour, compression, filter, interlace)
    header = struct.pack(">IIBBBBB", *(value & (2**32 - 1) for value in fields))
    passes = _PASSES if interlace == 1 else ((0, 0, 1, 1),)
    raw = b""
    for left, top, across, down in passes:
        width, height = -(-(_WIDTH - left) // across), -(-(_HEIGHT - top) // down)
        row_bytes = -(-width * bits * _BANDS.get(colour, 1) // 8)
        for row in range(height):
            raw += b"\0" + bytes((row * 13 + column * 7) % 256 for column in range(row_bytes))
    palette = [(b"PLTE", bytes(range(256)) * 3)] if colour == 3 else []
    if palette and bits < 8:
        palette = [(b"PLTE", bytes(range(3 * 2**bits)))]
    return [(b"IHDR", header), *palette, (b"IDAT", zlib.compress(raw)), (b"IEND", b"")]


def _file(chunks: list[tuple[bytes, bytes]]) -> bytes:
    return _SIGNATURE + b"".join(png_chunk(kind, data) for kind, data in chunks)
