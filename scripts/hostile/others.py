"""GIF, BMP, WebP and HEIF files by hand, and files of kinds that are refused."""

from __future__ import annotations

import struct

import numpy as np

from core.files.depth_maps import encode_exr
from scripts.hostile.written import Named, encoded, picture

_TEXTS = {
    "svg.svg": b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'/>",
    "page.jpg": b"<!doctype html><html><script>alert(1)</script>",
    "json.png": b'{"a": [1, 2, 3]}',
    "script.jpg": b"#!/bin/sh\nrm -rf /\n",
    "utf16.png": "text".encode("utf-16"),
    "vector.svgz": b"\x1f\x8b\x08\0" + bytes(40),
    "pgm.pgm": b"P2\n2 2\n255\n0 1 2 3\n",
    "pfm.pfm": b"PF\n2 2\n-1.0\n" + bytes(48),
    "pam.pam": b"P7\nWIDTH 2\nHEIGHT 2\nDEPTH 1\nMAXVAL 255\nENDHDR\n" + bytes(4),
    "hdr.hdr": b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 2 +X 2\n" + bytes(16),
    "xpm.xpm": b'/* XPM */\nstatic char *a[] = {"1 1 1 1", "a c #000", "a"};',
}
_HEADS = {
    "psd.psd": b"8BPS\0\1" + bytes(6) + struct.pack(">HIIHH", 3, 20, 20, 8, 3) + bytes(100),
    "psb.psb": b"8BPS\0\2" + bytes(100),
    "xcf.xcf": b"gimp xcf v011\0" + bytes(50),
    "ico.ico": b"\0\0\1\0\1\0" + bytes(100),
    "cur.cur": b"\0\0\2\0\1\0" + bytes(100),
    "tga.tga": b"\0\0\2" + bytes(9) + struct.pack("<HHBB", 20, 20, 24, 0) + bytes(1200),
    "jxl.jxl": b"\xff\x0a" + bytes(50),
    "jxl-box.jxl": b"\0\0\0\x0cJXL \x0d\x0a\x87\x0a" + bytes(50),
    "jp2.jp2": b"\0\0\0\x0cjP  \x0d\x0a\x87\x0a" + bytes(50),
    "dds.dds": b"DDS " + struct.pack("<I", 124) + bytes(120),
    "ktx.ktx": b"\xabKTX 11\xbb\r\n\x1a\n" + bytes(60),
    "fits.fits": b"SIMPLE  =                    T".ljust(2880),
    "dicom.dcm": bytes(128) + b"DICM" + bytes(100),
    "flif.flif": b"FLIF41" + bytes(50),
    "qoi.qoi": b"qoif" + struct.pack(">IIBB", 4, 4, 3, 0) + bytes(30),
    "farbfeld.ff": b"farbfeld" + struct.pack(">II", 2, 2) + bytes(32),
    "sun.ras": b"\x59\xa6\x6a\x95" + bytes(60),
    "wmf.wmf": b"\xd7\xcd\xc6\x9a" + bytes(60),
    "emf.emf": b"\1\0\0\0" + bytes(36) + b" EMF" + bytes(60),
    "flashpix.fpx": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600),
    "video.mp4": b"\0\0\0\x18ftypmp42\0\0\0\0isommp42" + bytes(100),
    "video.avi": b"RIFF\x64\0\0\0AVI LIST" + bytes(100),
    "sound.wav": b"RIFF\x64\0\0\0WAVEfmt " + bytes(100),
    "raw.cr3": b"\0\0\0\x18ftypcrx \0\0\0\1crx isom" + bytes(100),
    "raw.raf": b"FUJIFILMCCD-RAW 0201" + bytes(100),
    "raw.rw2": b"IIU\0\x18\0\0\0" + bytes(100),
    "raw.orf": b"IIRO\x08\0\0\0" + bytes(100),
    "array.npy": b"\x93NUMPY\1\0v\0{'descr': '<f4'}" + bytes(100),
    "archive.jpg": b"PK\x03\x04" + bytes(100),
    "program.png": b"\x7fELF\2\1\1" + bytes(100),
    "program.jpg": b"MZ\x90\0" + bytes(100),
    "document.jpg": b"%PDF-1.7\n%\xff\xff",
    "postscript.png": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
    "empty.jpg": b"",
    "one.png": b"\x89",
    "zeros.tif": bytes(4096),
    "ones.gif": b"\xff" * 4096,
}


def others() -> Named:
    """All of them, with a name."""
    yield from _TEXTS.items()
    yield from _HEADS.items()
    yield from _gif()
    yield from _bmp()
    yield from _riff()
    yield from _iso()
    yield "depth.exr", encode_exr(np.ones((4, 5), np.float32))


def _gif() -> Named:
    whole = encoded(picture(), "GIF") or b""
    image = whole.index(b"\x2c", 13 + 3 * 256)
    for name, size in {"0": (0, 0), "large": (65535, 65535), "1": (1, 1)}.items():
        yield f"gif-canvas-{name}.gif", whole[:6] + struct.pack("<HH", *size) + whole[10:]
        frame = struct.pack("<HH", *size)
        yield f"gif-frame-{name}.gif", whole[: image + 5] + frame + whole[image + 9 :]
    code = image + 10
    for bits in (0, 1, 12, 13, 255):
        yield f"gif-code-{bits}.gif", whole[:code] + bytes([bits]) + whole[code + 1 :]
    yield "gif-no-frame.gif", whole[:image] + b"\x3b"
    yield "gif-no-end.gif", whole[:-1]
    yield "gif-no-colours.gif", whole[:10] + b"\0" + whole[11:]
    yield "gif-codes.gif", whole[: code + 1] + (b"\xff" + b"\xff" * 255) * 20 + b"\0\x3b"
    yield "gif-comments.gif", whole[:image] + (b"\x21\xfe\xff" + bytes(255) + b"\0") * 20_000
    frame = whole[image:-1]
    yield "gif-frames.gif", whole[:image] + frame * 300 + b"\x3b"
    delay = b"\x21\xf9\x04" + b"\xff" * 4 + b"\0"
    yield "gif-control.gif", whole[:image] + delay + whole[image:]


def _bmp() -> Named:
    whole = encoded(picture(), "BMP") or b""
    for name, at, kind, value in (
        ("upside-down", 22, "<i", -34),
        ("wide", 18, "<i", 2**31 - 1),
        ("negative", 18, "<i", -46),
        ("smallest", 22, "<i", -(2**31)),
        ("no-height", 22, "<i", 0),
        ("planes", 26, "<H", 65535),
        ("offset-outside", 10, "<I", 2**31),
        ("offset-0", 10, "<I", 0),
        ("header-12", 14, "<I", 12),
        ("header-64", 14, "<I", 64),
        ("header-108", 14, "<I", 108),
        ("header-124", 14, "<I", 124),
        ("header-huge", 14, "<I", 2**32 - 1),
        ("colours", 46, "<I", 2**32 - 1),
        *((f"bits-{bits}", 28, "<H", bits) for bits in (0, 1, 2, 3, 4, 8, 16, 32, 64, 65535)),
        *((f"packed-{kind}", 30, "<I", kind) for kind in (1, 2, 3, 4, 5, 6, 11, 2**31)),
    ):
        new = struct.pack(kind, value)
        yield f"bmp-{name}.bmp", whole[:at] + new + whole[at + len(new) :]
    grey = encoded(picture().convert("L"), "BMP") or b""
    pixels = struct.unpack("<I", grey[10:14])[0]
    packed = grey[:30] + struct.pack("<I", 1) + grey[34:pixels]
    yield "bmp-runs.bmp", packed + (b"\x2e\x07\0\0" * 34) + b"\0\1"
    yield "bmp-runs-outside.bmp", packed + b"\0\2\xff\xff" * 500 + b"\xff\xff" * 500
    yield "bmp-runs-open.bmp", packed + b"\0\xff\x07"


def _riff() -> Named:
    lossy = encoded(picture(), "WEBP") or b""
    lossless = encoded(picture(), "WEBP", lossless=True) or b""
    extended = b"VP8X\x0a\0\0\0\x3e\0\0\0"
    for name, body in {
        "no-chunk": b"",
        "extended-only": extended + b"\x2d\0\0\x21\0\0",
        "extended-larger": extended + b"\xff\xff\xff\xff\xff\xff" + lossy[12:],
        "extended-other": extended + b"\x01\0\0\x01\0\0" + lossy[12:],
        "two-pictures": lossy[12:] + lossless[12:],
        "unknown": b"ABCD\4\0\0\0abcd" + lossy[12:],
        "chunk-huge": b"VP8 \xff\xff\xff\xff" + lossy[20:],
        "animation-empty": extended + b"\x2d\0\0\x21\0\0ANIM\6\0\0\0" + bytes(6),
        "frame-outside": extended
        + b"\x2d\0\0\x21\0\0ANIM\6\0\0\0"
        + bytes(6)
        + b"ANMF\x20\0\0\0"
        + b"\xff" * 16
        + lossy[12:28],
        "profile": extended + b"\x2d\0\0\x21\0\0ICCP\4\0\0\0abcd" + lossy[12:],
        "exif": extended + b"\x2d\0\0\x21\0\0" + lossy[12:] + b"EXIF\4\0\0\0abcd",
    }.items():
        yield f"webp-{name}.webp", b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body
    yield "webp-size-0.webp", lossy[:4] + bytes(4) + lossy[8:]
    yield "webp-size-huge.webp", lossy[:4] + b"\xff" * 4 + lossy[8:]
    yield "webp-bits.webp", lossless[:25] + b"\xff" * 20 + lossless[45:]


def _iso() -> Named:
    avif = encoded(picture(), "AVIF", speed=10) or b""
    for brand in (b"avif", b"avis", b"heic", b"heix", b"mif1", b"msf1", b"heim"):
        head = b"\0\0\0\x18ftyp" + brand + b"\0\0\0\0" + brand + b"mif1"
        name = brand.decode()
        yield f"iso-{name}-alone.heic", head
        yield f"iso-{name}-meta.heic", head + b"\0\0\0\x0cmeta\0\0\0\0"
        yield f"iso-{name}-long.heic", head + b"\xff\xff\xff\xffmeta" + bytes(200)
        deep = b"\0\0\0\0"
        for _ in range(200):
            deep = struct.pack(">I", len(deep) + 8) + b"meta" + deep
        yield f"iso-{name}-deep.heic", head + deep
    if avif:
        at = avif.index(b"ispe") + 8
        for size_name, size in {"0": (0, 0), "largest": (2**31, 2**31), "more": (400, 400)}.items():
            data = avif[:at] + struct.pack(">II", *size) + avif[at + 8 :]
            yield f"avif-size-{size_name}.avif", data
        yield "avif-as-heic.heic", avif.replace(b"ftypavif", b"ftypheic")
        yield "avif-no-pixels.avif", avif[: avif.index(b"mdat") + 4]
