"""Which video files are read, told by their first bytes and not by their names."""

from __future__ import annotations

# FFmpeg's name of the demuxer.
CONTAINERS = {"MP4 or MOV": "mov", "WebM or Matroska": "matroska"}
_QUICKTIME = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
_MATROSKA = b"\x1a\x45\xdf\xa3"


def container_of(head: bytes) -> str | None:
    """A key of `CONTAINERS` for a file's first bytes; None for anything else."""
    if head[:4] == _MATROSKA:
        return "WebM or Matroska"
    return "MP4 or MOV" if head[4:8] in _QUICKTIME else None
