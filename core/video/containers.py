"""Video containers: which one a file is, and whether it ends before its own structure does.

A broken download or a full memory card truncates a file; decoders read what there is and say
nothing. Each container tells in its own way how far it reaches; none is decoded here.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import PurePath
from typing import IO

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

# What counts when it is cut; phones append other things that only look like boxes or elements.
_BOXES = (b"moov", b"moof", b"mdat", b"free", b"uuid", b"mfra")
_OPEN = (b"\x18\x53\x80\x67", b"\x1f\x43\xb6\x75")  # segment, cluster: may have no known size
_ELEMENTS = {
    *_OPEN,
    *map(bytes.fromhex, ("1a45dfa3", "114d9b74", "1549a966", "1654ae6b", "1c53bb6b", "1254c367")),
    *map(bytes.fromhex, ("1043a770", "1941a469", "ec", "bf", "e7", "a3", "a0", "ab", "a7", "5854")),
}
_TAIL = 1 << 17  # a packet of a program stream has at most 64 KiB
_SYSTEM = range(0xBA, 0x100)  # start codes that belong to the container, not to the video in it


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


def ends_early(file: IO[bytes], kind: str) -> bool:
    """Whether something that a file announces lies beyond its end.

    Args:
        file: the whole file; its position is changed.
        kind: a key of `core.video.containers.CONTAINERS`.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    match kind:
        case "MP4 or MOV":
            return any(end > size and name in _BOXES for name, end in boxes(file, size))
        case "WebM or Matroska":
            return _matroska_end(file, size) > size
        case "AVI":
            return _riff_end(file, size) > size + 1  # the last byte of padding is often missing
        case "MPEG transport stream":
            packets = transport_packets(file.read(HEAD))
            return packets is not None and (size - packets[1]) % packets[0] != 0
        case "MPEG program stream":
            return _program_end(file, size) > size
        case "GIF":
            file.seek(max(0, size - _TAIL))
            return not file.read().rstrip(b"\0").endswith(b";")
    return False


def boxes(file: IO[bytes], size: int) -> Iterator[tuple[bytes, int]]:
    """An MP4's top-level boxes: kind, and where they end (ISO 14496-12, section 4.2)."""
    at = 0
    while at + 8 <= size:
        file.seek(at)
        head = file.read(16)
        length = int.from_bytes(head[:4], "big")
        if length == 1:
            length = int.from_bytes(head[8:16], "big")
        elif length == 0:  # to the end of the file
            length = size - at
        if length < 8:
            return
        at += length
        yield head[4:8], at


def _matroska_end(file: IO[bytes], size: int) -> int:
    """Where the last element ends; of what is written as it comes, the last block (RFC 8794)."""
    at = 0
    while at < size:
        file.seek(at)
        head = file.read(12)
        name = head[: _vint_length(head[0])]
        rest = head[len(name) :]
        if name not in _ELEMENTS or not rest:
            return at
        length = _vint_length(rest[0])
        value = int.from_bytes(rest[:length], "big") & ((1 << 7 * length) - 1)
        at += len(name) + length
        if value != (1 << 7 * length) - 1:
            at += value
        elif name not in _OPEN:
            return at
    return at


def _vint_length(first: int) -> int:
    """Bytes of a variable-length number, told by its first one."""
    return 9 - first.bit_length()


def _riff_end(file: IO[bytes], size: int) -> int:
    """Where the last RIFF list ends; 0 for one whose writer never came back to note its size."""
    at = 0
    while at + 12 <= size:
        file.seek(at)
        head = file.read(8)
        length = int.from_bytes(head[4:], "little")
        if head[:4] != b"RIFF" or length in (0, 0xFFFFFFFF):
            return at
        at += 8 + length + length % 2
    return at


def _program_end(file: IO[bytes], size: int) -> int:
    """Where the last packet ends (ISO 13818-1, section 2.5)."""
    start = max(0, size - _TAIL)
    file.seek(start)
    tail = file.read()
    at = len(tail)
    while (at := tail.rfind(b"\0\0\1", 0, at)) >= 0:
        packet = tail[at : at + 6]
        if len(packet) > 3 and packet[3] in _SYSTEM:
            break
    if at < 0 or packet[3] == _SYSTEM[0]:  # a pack's head, and nothing behind it
        return size
    return start + at + 6 + int.from_bytes(packet[4:6], "big") if len(packet) == 6 else size + 1
