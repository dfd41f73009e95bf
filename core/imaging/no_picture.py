"""Which files of a folder are plainly no photo, so that nobody is told that they failed.

A folder of photos holds more: a Live Photo's film, notes, what the system or a catalogue puts
there. Such a file is known by its content. A name decides only the other way round: what is called
`.jpg` and holds no picture is a damaged photo, and is tried and named.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePath

from core.imaging.picture_formats import HEAD_BYTES, describe, sniff

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


def why_no_picture(name: str, head: Callable[[], bytes]) -> str | None:
    """Words for a file that is plainly no picture; None for all that should be tried.

    Args:
        name: of the file.
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
