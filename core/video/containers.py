"""Which video files are read, told by their first bytes and not by their names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePath

from core.images.formats import describe, sniff, words_for

# FFmpeg's name of the demuxer; none for what Pillow reads.
CONTAINERS = {
    "MP4 or MOV": "mov",
    "WebM or Matroska": "matroska",
    "AVI": "avi",
    "MPEG transport stream": "mpegts",
    "MPEG program stream": "mpeg",
    "GIF": None,
    "PNG": None,
    "WebP": None,
}
KNOWN = "an MP4, MOV, WebM, MKV, AVI, TS or MPG video, or an animated GIF, PNG or WebP"
HEAD = 1024  # bytes that are enough to tell
_ENDINGS = (
    *(".mp4", ".m4v", ".mov", ".webm", ".mkv", ".avi", ".gif"),
    *(".ts", ".mts", ".m2ts", ".mpg", ".mpeg", ".vob"),
)
_QUICKTIME = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
_STARTS = {
    b"\x1a\x45\xdf\xa3": "WebM or Matroska",
    b"\x00\x00\x01\xba": "MPEG program stream",
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
    b"\x89PNG\r\n\x1a\n": "PNG",
}
_RIFF = {b"AVI ": "AVI", b"WEBP": "WebP"}
# A packet's length, and where in it the sync byte is: plain, with a time stamp (cameras' .mts),
# with an error correction.
_PACKETS = ((188, 0), (192, 4), (204, 0))
_SYNC = 0x47


def container_of(head: bytes) -> str | None:
    """A key of `CONTAINERS` for a file's first `HEAD` bytes; None for anything else."""
    for start, kind in _STARTS.items():
        if head.startswith(start):
            return kind
    if head[:4] == b"RIFF":
        return _RIFF.get(head[8:12])
    if head[4:8] in _QUICKTIME:
        return "MP4 or MOV"
    return "MPEG transport stream" if transport_packets(head) else None


def transport_packets(head: bytes) -> tuple[int, int] | None:
    """The length of a transport stream's packets and where the first whole one begins.

    None where it is none. A recording may begin within a packet.
    """
    for length, before in _PACKETS:
        for at in range(length):
            syncs = head[at::length]
            if len(syncs) >= 4 and syncs.count(_SYNC) == len(syncs):
                return length, (at - before) % length
    return None


def why_no_video(name: str, head: Callable[[], bytes]) -> str | None:
    """As `core.images.formats.why_no_picture`, for a folder of videos."""
    if PurePath(name).suffix.lower() in _ENDINGS and not name.startswith("."):
        return None
    start = head()
    if sniff(start) is not None:
        return "a picture"
    sound = start[8:11] in (b"M4A", b"M4B") and start[4:8] == b"ftyp"
    if container_of(start) is not None and describe(start) != "a camera raw file" and not sound:
        return None
    return words_for(start)
