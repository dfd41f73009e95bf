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

_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"II*\x00", "TIFF"),
    (b"MM\x00*", "TIFF"),
    (b"II+\x00", "TIFF"),  # BigTIFF
    (b"MM\x00+", "TIFF"),
    (b"BM", "BMP"),
    (b"\x00\x00\x00\x0cjP  ", "JPEG2000"),
    (b"\xff\x4f\xff\x51", "JPEG2000"),
    (b"\x76\x2f\x31\x01", "EXR"),
)
_HEIF_BRANDS = frozenset(
    (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1")
)
_AVIF_BRANDS = frozenset((b"avif", b"avis"))

# Known kinds that are refused, named so that the error can say what the file is.
_REFUSED: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", "a PDF document"),
    (b"%!PS", "a PostScript file"),
    (b"\xc5\xd0\xd3\xc6", "a PostScript file"),
    (b"PK\x03\x04", "a zip archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"Rar!", "a rar archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"8BPS", "a Photoshop document"),
    (b"gimp xcf", "a GIMP document"),
    (b"\x00\x00\x00\x0cJXL ", "a JPEG XL picture"),
    (b"\xff\x0a", "a JPEG XL picture"),
    (b"#?RADIANCE", "a Radiance HDR picture"),
    (b"DDS ", "a DDS texture"),
    (b"\x00\x00\x01\x00", "a Windows icon"),
    (b"\x00\x00\x02\x00", "a Windows cursor"),
    (b"\x0a\x05\x01", "a PCX picture"),
    (b"\x0a\x02\x01", "a PCX picture"),
    (b"\x0a\x03\x01", "a PCX picture"),
    (b"\xb1\x68\xde\x3a", "a DCX picture"),
    (b"\x01\xda", "an SGI picture"),
    (b"\x59\xa6\x6a\x95", "a Sun raster picture"),
    (b"qoif", "a QOI picture"),
    (b"BLP1", "a BLP texture"),
    (b"BLP2", "a BLP texture"),
    (b"FTEX", "a game's texture"),
    (b"DanM", "a Microsoft Paint picture"),
    (b"LinS", "a Microsoft Paint picture"),
    (b"\xd7\xcd\xc6\x9a", "a Windows metafile"),
    (b"\x01\x00\x00\x00\x6c\x00\x00\x00", "a Windows metafile"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Office or FlashPix document"),
    (b"SIMPLE  =", "a FITS picture"),
    (b"GRIB", "a weather file (GRIB)"),
    (b"BUFR", "a weather file (BUFR)"),
    (b"\x89HDF", "an HDF5 file"),
    (b"II\xbc", "a JPEG XR picture"),
    (b"farbfeld", "a farbfeld picture"),
    (b"FLIF", "a FLIF picture"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"icns", "a macOS icon"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"\x1aE\xdf\xa3", "a video"),
    (b"FUJIFILMCCD-RAW", "a camera raw file"),
    (b"IIU\x00", "a camera raw file"),
    (b"IIRO", "a camera raw file"),
)

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

# What `describe` has no words for, since nobody takes it for a photo: (offset, bytes, words).
_SYSTEM: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x00\x05\x16\x07", "a file of macOS"),  # AppleDouble: ._IMG.jpg
    (0, b"\x00\x05\x16\x00", "a file of macOS"),
    (4, b"Bud1", "a file of macOS"),  # .DS_Store
    (0, b"bplist", "a file of macOS"),
    (0, b"SQLite format 3\x00", "a database"),
    (0, b"\xff\xfe", "a text file"),  # UTF-16
    (0, b"\xfe\xff", "a text file"),
    (0, b"ID3", "a sound file"),
    (0, b"fLaC", "a sound file"),
    (0, b"OggS", "a video or sound file"),
    (0, b"\x00\x00\x01\xba", "a video"),  # MPEG program and elementary stream
    (0, b"\x00\x00\x01\xb3", "a video"),
    (0, b"FLV\x01", "a video"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "a video"),  # WMV
    (0, b"BZh", "an archive"),
    (0, b"\xfd7zXZ\x00", "an archive"),
    (0, b"\x28\xb5\x2f\xfd", "an archive"),
    (0, b"PK\x05\x06", "an archive"),
    (4, b"moov", "a video"),  # QuickTime without ftyp
    (4, b"mdat", "a video"),
    (4, b"wide", "a video"),
)


def sniff(head: bytes) -> str | None:
    """Pillow's name of an accepted format, or None.

    Args:
        head: the first `HEAD_BYTES` of the file (all of it when shorter).
    """
    if _is_raw(head):
        return None
    for signature, name in _SIGNATURES:
        if head.startswith(signature):
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
    for signature, words in _REFUSED:
        if head.startswith(signature):
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
    return "a file of an unknown kind"


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
    found = (words for at, sign, words in _SYSTEM if head[at : at + len(sign)] == sign)
    return next(found, None) or describe(head)
