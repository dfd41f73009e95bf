"""JPEG files by hand: markers out of place, rare codings, and metadata made to be read for ever."""

from __future__ import annotations

import struct

from scripts.hostile.written import Named, encoded, picture

_SIGNED_LOOP = 8  # an offset that points back to the first directory


def jpegs() -> Named:
    """All of them, with a name."""
    whole = encoded(picture(), "JPEG", quality=80) or b""
    frame = whole.index(b"\xff\xc0")
    scan = whole.index(b"\xff\xda")
    tables = whole.index(b"\xff\xdb")
    for marker in (0xC1, 0xC2, 0xC3, 0xC5, 0xC9, 0xCA, 0xCB, 0xCD, 0xF7):
        yield f"jpeg-coding-{marker:x}.jpg", _changed(whole, frame + 1, bytes([marker]))
    for bits in (0, 1, 12, 16, 255):
        yield f"jpeg-bits-{bits}.jpg", _changed(whole, frame + 4, bytes([bits]))
    for name, size in {"0": (0, 0), "no-height": (0, 46), "largest": (65535, 65535),
                       "line": (1, 60000), "more": (400, 460)}.items():  # fmt: skip
        yield f"jpeg-size-{name}.jpg", _changed(whole, frame + 5, struct.pack(">HH", *size))
    for bands in (0, 2, 5, 255):
        yield f"jpeg-bands-{bands}.jpg", _changed(whole, frame + 9, bytes([bands]))
    for factor in (0x00, 0x44, 0xFF, 0x13):
        yield f"jpeg-sampling-{factor}.jpg", _changed(whole, frame + 11, bytes([factor]))
    yield "jpeg-no-frame.jpg", whole[:frame] + whole[scan:]
    yield "jpeg-two-frames.jpg", whole[:scan] + whole[frame:]
    yield "jpeg-no-tables.jpg", whole[:tables] + whole[frame:]
    yield "jpeg-no-scan.jpg", whole[:scan] + b"\xff\xd9"
    yield "jpeg-no-end.jpg", whole[:-2]
    yield "jpeg-end-first.jpg", b"\xff\xd8\xff\xd9" + whole[2:]
    yield "jpeg-start-only.jpg", b"\xff\xd8\xff"
    yield "jpeg-filled.jpg", b"\xff\xd8" + b"\xff" * 100_000 + whole[3:]
    yield "jpeg-tail.jpg", whole + b"\0" * 5000
    yield "jpeg-twice.jpg", whole + whole
    yield "jpeg-scans.jpg", whole[:scan] + whole[scan:-2] * 2000 + b"\xff\xd9"
    progressive = encoded(picture(), "JPEG", progressive=True) or b""
    last = progressive.rindex(b"\xff\xda")
    yield (
        "jpeg-progressive-scans.jpg",
        (progressive[:-2] + progressive[last:-2] * 3000 + b"\xff\xd9"),
    )
    yield "jpeg-segment-0.jpg", whole[:2] + b"\xff\xe1\0\0" + whole[2:]
    yield "jpeg-segment-long.jpg", whole[:2] + b"\xff\xe1\xff\xff" + whole[2:]
    for count in (1, 300):
        segments = b"\xff\xfe\xff\xff" + bytes(65533)
        yield f"jpeg-comments-{count}.jpg", whole[:2] + segments * count + whole[2:]
    for name, block in _exif().items():
        yield f"jpeg-exif-{name}.jpg", whole[:2] + _segment(0xE1, b"Exif\0\0" + block) + whole[2:]
    for name, profile in _profiles().items():
        block = b"ICC_PROFILE\0" + profile
        yield f"jpeg-profile-{name}.jpg", whole[:2] + _segment(0xE2, block) + whole[2:]
    for name, text in {
        "entities": b'<!DOCTYPE a [<!ENTITY a "'
        + b"a" * 1000
        + b'"><!ENTITY b "&a;&a;&a;">]><a>&b;',
        "deep": b"<a>" * 20_000,
        "binary": bytes(range(256)) * 20,
    }.items():
        block = b"http://ns.adobe.com/xap/1.0/\0" + text
        yield f"jpeg-xmp-{name}.jpg", whole[:2] + _segment(0xE1, block) + whole[2:]
    photoshop = b"Photoshop 3.0\x008BIM\x04\x04\0\0\xff\xff\xff\xff"
    yield "jpeg-photoshop.jpg", whole[:2] + _segment(0xED, photoshop) + whole[2:]
    mpf = b"MPF\0II*\0\x08\0\0\0\x01\0\x01\xb0\x04\0\xff\xff\xff\xff\0\0\0\0"
    yield "jpeg-mpf.jpg", whole[:2] + _segment(0xE2, mpf) + whole[2:]


def _exif() -> dict[str, bytes]:
    def directory(*entries: tuple[int, int, int, int], following: int = 0) -> bytes:
        packed = b"".join(struct.pack("<HHII", *entry) for entry in entries)
        head = b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries))
        return head + packed + struct.pack("<I", following)

    return {
        "empty": b"",
        "short": b"II*\0",
        "order": b"XX*\0\x08\0\0\0",
        "loop": directory((0x112, 3, 1, 6), following=_SIGNED_LOOP),
        "details-loop": directory((0x8769, 4, 1, _SIGNED_LOOP)),
        "gps-loop": directory((0x8825, 4, 1, _SIGNED_LOOP), (0x8769, 4, 1, _SIGNED_LOOP)),
        "outside": directory((0x8769, 4, 1, 2**31)),
        "count": directory((0x10F, 2, 2**31, 8)),
        "counts": directory(*((0x10F + i, 5, 2**28, 8) for i in range(200))),
        "turned-0": directory((0x112, 3, 1, 0)),
        "turned-9": directory((0x112, 3, 1, 9)),
        "turned-text": directory((0x112, 2, 4, 0x31313131)),
        "turned-many": directory((0x112, 3, 1000, 8)),
        "focal-0": directory((0xA405, 3, 1, 0)),
        "focal-divided-by-0": directory((0x920A, 5, 1, 26)) + struct.pack("<II", 50, 0),
        "maker": directory((0x927C, 7, 2**24, 8)),
        "65535": b"II*\0\x08\0\0\0\xff\xff" + bytes(1000),
        "big-endian": b"MM\0*\0\0\0\x08\0\1\x01\x12\0\3\0\0\0\1\0\6\0\0\0\0\0\0",
    }


def _profiles() -> dict[str, bytes]:
    header = struct.pack(">I4sI4s4s4s", 128, b"lcms", 0x04400000, b"mntr", b"RGB ", b"XYZ ")
    empty = header.ljust(36, b"\0") + b"acsp"
    return {
        "nothing": b"\1\1",
        "number": b"\2\1" + empty.ljust(128, b"\0"),
        "missing-part": b"\1\5" + empty.ljust(128, b"\0"),
        "tags": b"\1\1" + empty.ljust(128, b"\0") + b"\xff\xff\xff\xff" + bytes(200),
        "cmyk": b"\1\1" + empty.replace(b"RGB ", b"CMYK").ljust(132, b"\0"),
        "random": b"\1\1" + bytes(range(256)) * 40,
    }


def _segment(marker: int, data: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", min(len(data) + 2, 65535)) + data[:65533]


def _changed(data: bytes, at: int, new: bytes) -> bytes:
    return data[:at] + new + data[at + len(new) :]
