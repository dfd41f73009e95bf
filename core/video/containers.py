"""Which video files are read, told by their first bytes and not by their names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePath

from core.imaging.no_picture import words_for
from core.imaging.picture_formats import describe, sniff

# FFmpeg's name of the demuxer.
CONTAINERS = {"MP4 or MOV": "mov", "WebM or Matroska": "matroska"}
_QUICKTIME = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
_MATROSKA = b"\x1a\x45\xdf\xa3"


def container_of(head: bytes) -> str | None:
    """A key of `CONTAINERS` for a file's first bytes; None for anything else."""
    if head[:4] == _MATROSKA:
        return "WebM or Matroska"
    return "MP4 or MOV" if head[4:8] in _QUICKTIME else None


_VIDEO_ENDINGS = (".mp4", ".m4v", ".mov", ".webm", ".mkv", ".avi", ".ts", ".mts", ".mpg", ".mpeg")


def why_no_video(name: str, head: Callable[[], bytes]) -> str | None:
    """As `core.imaging.no_picture.why_no_picture`, for a folder of videos."""
    if PurePath(name).suffix.lower() in _VIDEO_ENDINGS and not name.startswith("."):
        return None
    start = head()
    if sniff(start) is not None:
        return "a picture"
    sound = start[8:11] in (b"M4A", b"M4B") and start[4:8] == b"ftyp"
    if container_of(start) is not None and describe(start) != "a camera raw file" and not sound:
        return None
    return words_for(start)
