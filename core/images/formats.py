"""What a file is, from its first bytes and never from its name.

A folder of photos holds more: a Live Photo's film, notes, what the system or a catalogue puts
there. Such a file is known by its content. A name decides only the other way round: what is called
`.jpg` and holds no picture is a damaged photo, and is tried and named.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePath

ACCEPTED_TEXT = "JPEG, PNG, WebP, TIFF, BMP, GIF, AVIF, HEIC, JPEG 2000, OpenEXR or PFM"
HEAD_BYTES = 4096

_SIGNATURES: dict[str, tuple[bytes, ...]] = {
    "JPEG": (b"\xff\xd8\xff",),
    "PNG": (b"\x89PNG\r\n\x1a\n",),
    "GIF": (b"GIF87a", b"GIF89a"),
    "TIFF": (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+"),  # the last two are BigTIFF
    "BMP": (b"BM",),
    "JPEG2000": (b"\x00\x00\x00\x0cjP  ", b"\xff\x4f\xff\x51"),
    "EXR": (b"\x76\x2f\x31\x01",),
}
_HEIF_BRANDS = frozenset(
    (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1")
)
_AVIF_BRANDS = frozenset((b"avif", b"avis"))

# Known kinds that are refused, named so that the error can say what the file is.
_REFUSED: dict[str, tuple[bytes, ...]] = {
    "a PDF document": (b"%PDF",),
    "a PostScript file": (b"%!PS", b"\xc5\xd0\xd3\xc6"),
    "a zip archive": (b"PK\x03\x04",),
    "a gzip archive": (b"\x1f\x8b",),
    "a rar archive": (b"Rar!",),
    "a 7z archive": (b"7z\xbc\xaf\x27\x1c",),
    "a Photoshop document": (b"8BPS",),
    "a GIMP document": (b"gimp xcf",),
    "a JPEG XL picture": (b"\x00\x00\x00\x0cJXL ", b"\xff\x0a"),
    "a Radiance HDR picture": (b"#?RADIANCE",),
    "a DDS texture": (b"DDS ",),
    "a Windows icon": (b"\x00\x00\x01\x00",),
    "a Windows cursor": (b"\x00\x00\x02\x00",),
    "a PCX picture": (b"\x0a\x05\x01", b"\x0a\x02\x01", b"\x0a\x03\x01"),
    "a DCX picture": (b"\xb1\x68\xde\x3a",),
    "an SGI picture": (b"\x01\xda",),
    "a Sun raster picture": (b"\x59\xa6\x6a\x95",),
    "a QOI picture": (b"qoif",),
    "a BLP texture": (b"BLP1", b"BLP2"),
    "a game's texture": (b"FTEX",),
    "a Microsoft Paint picture": (b"DanM", b"LinS"),
    "a Windows metafile": (b"\xd7\xcd\xc6\x9a", b"\x01\x00\x00\x00\x6c\x00\x00\x00"),
    "an Office or FlashPix document": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",),
    "a FITS picture": (b"SIMPLE  =",),
    "a weather file (GRIB)": (b"GRIB",),
    "a weather file (BUFR)": (b"BUFR",),
    "an HDF5 file": (b"\x89HDF",),
    "a JPEG XR picture": (b"II\xbc",),
    "a farbfeld picture": (b"farbfeld",),
    "a FLIF picture": (b"FLIF",),
    "a program": (b"\x7fELF", b"MZ"),
    "a macOS icon": (b"icns",),
    "a NumPy array": (b"\x93NUMPY",),
    "a video": (b"\x1aE\xdf\xa3",),
    "a camera raw file": (b"FUJIFILMCCD-RAW", b"IIU\x00", b"IIRO"),
}

_PICTURES = (
    "jpg jpeg jpe jfif mpo png apng webp tif tiff bmp dib gif avif heic heif hif jp2 j2k jpx jxl "
    "psd xcf exr hdr tga dds pcx ppm pgm pbm pnm pfm qoi dcm sgi"
)
# Pictures all the same, and their error says what to do with them.
_RAW = (
    "dng cr2 cr3 crw nef nrw arw srf sr2 raf rw2 raw orf pef ptx srw x3f mrw erf kdc dcr mef mos "
    "iiq 3fr fff rwl gpr"
)
_SUFFIXES = frozenset(f".{name}" for name in f"{_PICTURES} {_RAW}".split())
# The words of `describe` for pictures that are refused; whoever has them should hear of it.
_REFUSED_PICTURES = ("picture", "raw file", "texture", "Photoshop document", "GIMP document")
_UNKNOWN = "a file of an unknown kind"

# What `describe` has no words for, since nobody takes it for a photo: (offset, words, bytes). In
# order: AppleDouble (._IMG.jpg), .DS_Store, UTF-16, MPEG streams, WMV, QuickTime without ftyp.
_SYSTEM: tuple[tuple[int, str, tuple[bytes, ...]], ...] = (
    (0, "a file of macOS", (b"\x00\x05\x16\x07", b"\x00\x05\x16\x00", b"bplist")),
    (4, "a file of macOS", (b"Bud1",)),
    (0, "a database", (b"SQLite format 3\x00",)),
    (0, "a text file", (b"\xff\xfe", b"\xfe\xff")),
    (0, "a sound file", (b"ID3", b"fLaC")),
    (0, "a video or sound file", (b"OggS",)),
    (
        0,
        "a video",
        (b"\x00\x00\x01\xba", b"\x00\x00\x01\xb3", b"FLV\x01", b"\x30\x26\xb2\x75\x8e\x66\xcf\x11"),
    ),
    (0, "an archive", (b"BZh", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd", b"PK\x05\x06")),
    (4, "a video", (b"moov", b"mdat", b"wide")),
)


def sniff(head: bytes) -> str | None:
    """Pillow's name of an accepted format, or None.

    Args:
        head: the first `HEAD_BYTES` of the file (all of it when shorter).
    """
    if _is_raw(head):
        return None
    for name, signatures in _SIGNATURES.items():
        if head.startswith(signatures):
            return name
    if head[:2] in (b"PF", b"Pf") and head[2:3].isspace():
        return "PFM"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    brands = _brands(head)
    if brands & _AVIF_BRANDS:
        return "AVIF"
    return "HEIF" if brands & _HEIF_BRANDS else None


def describe(head: bytes) -> str:
    """Words for a file that `sniff` does not accept: "a PDF document", "a text file", ..."""
    if _is_raw(head):
        return "a camera raw file"
    if _is_targa(head):
        return "a TGA picture"
    for words, signatures in _REFUSED.items():
        if head.startswith(signatures):
            return words
    if head[4:6] in (b"\x11\xaf", b"\x12\xaf"):
        return "a FLIC animation"
    if head[128:132] == b"DICM":
        return "a DICOM picture"
    if head[257:262] == b"ustar":
        return "a tar archive"
    if head[4:8] == b"ftyp" or head[:4] == b"RIFF":
        return "a video or sound file"
    if len(head) > 2 and head[:1] == b"P" and head[1:2] in b"1234567" and head[2:3].isspace():
        return "a PNM picture"
    if _is_text(head):
        start = head.lstrip()[:512].lower()
        if b"<svg" in start:
            return "an SVG drawing"
        return "a web page" if start.startswith((b"<!doctype html", b"<html")) else "a text file"
    return _UNKNOWN


def _is_raw(head: bytes) -> bool:
    """Canon's raw files begin as a TIFF or a video does; others hide behind a TIFF's tags."""
    return (head[8:10] == b"CR" and head[:2] in (b"II", b"MM")) or head[4:12] == b"ftypcrx "


def _brands(head: bytes) -> frozenset[bytes]:
    """The major and compatible brands of an ISO media file's first box (ISO 14496-12, 4.3)."""
    if head[4:8] != b"ftyp":
        return frozenset()
    box = head[: min(int.from_bytes(head[:4], "big"), 256)]
    return frozenset(box[at : at + 4] for at in (8, *range(16, len(box) - 3, 4)))


def _is_targa(head: bytes) -> bool:
    """A TGA file has no signature: a header that makes sense has to do (Truevision TGA 2.0)."""
    if len(head) < 18 or not (any(head[12:14]) and any(head[14:16])):
        return False
    palette, kind, bits = head[1], head[2], head[16]
    kinds = (1, 9) if palette == 1 else (2, 3, 10, 11) if head[1:2] + head[3:8] == bytes(6) else ()
    return kind in kinds and bits in (8, 15, 16, 24, 32)


def _is_text(head: bytes) -> bool:
    if b"\x00" in head:
        return False
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        # The last character may have been cut where the head ends.
        return len(head) >= HEAD_BYTES and error.start >= len(head) - 3
    return True


def why_no_picture(name: str, head: Callable[[], bytes]) -> str | None:
    """Words for a file that is plainly no picture; None for all that should be tried.

    Args:
        head: reads its first `HEAD_BYTES`; called only where the name does not settle it.

    Raises:
        OSError: of `head`.
    """
    hidden = name.startswith(".")
    suffix = PurePath(name.lstrip(".") or name).suffix.lower()
    if suffix in _SUFFIXES and not hidden:
        return None
    start = head()[:HEAD_BYTES]
    if sniff(start) is not None:
        return None
    words = words_for(start)
    if words.endswith(_REFUSED_PICTURES):
        return None
    # Bytes that nothing explains, under a name without an ending, may be a photo with a lost head.
    return None if words == _UNKNOWN and not suffix and not hidden else words


def words_for(head: bytes) -> str:
    """Words for a file that is no picture that is read: "a text file", "a video", ..."""
    if not head:
        return "an empty file"
    found = (words for at, words, signatures in _SYSTEM if head.startswith(signatures, at))
    return next(found, None) or describe(head)
