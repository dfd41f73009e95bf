"""Photos that come packed in a zip: unpacked within limits, and nowhere but where they should.

A zip's names are UTF-8 where a flag says so; an extra field may hold them in UTF-8 as well. Without
either they are bytes in whatever encoding the packing machine used, which the zip does not tell.
It is judged by how the names of the whole zip read: letters of one script in each word, upper case
where it belongs, characters that are in daily use. What is wrong then is the name, never the photo.
"""

from __future__ import annotations

import re
import shutil
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath

from core.errors import ExportError, ImageError

_UTF8_FLAG = 0x800
_UNICODE_PATH = 0x7075  # Info-ZIP, https://libzip.org/specifications/appnote_iz.txt
_ENOUGH = 6  # characters, for a whole half of a range to be empty hardly by chance
_PLAIN = "cp437"  # what zipfile decodes with, and what the format says

Daily = Callable[[str], bool]

MAX_BYTES = 4_000_000_000  # of everything unpacked
_ODD = (":", "\0")  # of drives, and of streams on Windows


def names_of(members: Sequence[zipfile.ZipInfo]) -> list[str]:
    r"""Every member's name as its author wrote it, with "/" between folders.

    Windows' own tools may write "\\" between them; only after decoding can that be told from the
    second byte of a character. Nothing is said about where a name leads: check that afterwards.
    """
    known = [_stated(member) for member in members]
    raw = [
        member.orig_filename.encode(_PLAIN)
        for member, name in zip(members, known, strict=True)
        if name is None
    ]
    encoding = encoding_of(raw)
    guessed = iter(part.decode(encoding) for part in raw)
    return [(next(guessed) if name is None else name).replace("\\", "/") for name in known]


def encoding_of(names: Sequence[bytes]) -> str:
    """The encoding in which the names read best, as Python calls it."""
    joined = b"\n".join(name for name in names if not name.isascii())
    if not joined:
        return "ascii" if all(name.isascii() for name in names) else _PLAIN
    best, score = _PLAIN, 0.0
    for encoding, daily in _CANDIDATES.items():
        try:
            text = joined.decode(encoding)
            [name.decode(encoding) for name in names]
        except UnicodeDecodeError:
            continue
        if encoding == "utf-8":  # hardly anything else is valid by chance
            return encoding
        found = _readable(text, encoding, daily)
        if found > score:
            best, score = encoding, found
    return "cp949" if best == "gbk" and _all_hangul(joined) else best


def _all_hangul(joined: bytes) -> bool:
    """Whether what reads as Chinese is Korean: all of Hangul lies in half of Chinese's range."""
    high = [byte for byte in joined if byte >= 0x80]
    leads = high[::2]
    return len(leads) >= _ENOUGH and len(high) % 2 == 0 and all(0xB0 <= b <= 0xC8 for b in leads)


def _stated(member: zipfile.ZipInfo) -> str | None:
    """The name where the zip states its encoding, or it has none but ASCII."""
    if member.flag_bits & _UTF8_FLAG or member.orig_filename.isascii():
        return member.orig_filename
    extra, place = member.extra, 0
    while place + 4 <= len(extra):
        kind, size = struct.unpack_from("<HH", extra, place)
        body = extra[place + 4 : place + 4 + size]
        place += 4 + size
        if kind != _UNICODE_PATH or len(body) < 5 or body[0] != 1:
            continue
        # The field is stale where a program renamed the file without knowing of it.
        if struct.unpack_from("<I", body, 1)[0] == zlib.crc32(member.orig_filename.encode(_PLAIN)):
            try:
                return body[5:].decode()
            except UnicodeDecodeError:
                return None
    return None


def _readable(text: str, encoding: str, daily: Daily) -> float:
    """How well names read, up to about 1: the mean over the bytes that are not ASCII."""
    total, weight = 0.0, 0
    for word in re.findall(r"[^\W\d_]+|[^\w\s]", text):
        foreign = [char for char in word if not char.isascii()]
        if not foreign:
            continue
        size = sum(len(char.encode(encoding)) for char in foreign)
        weight += size
        total += size * _word(word, foreign, daily)
    return total / weight if weight else 0.0


def _word(word: str, foreign: Sequence[str], daily: Daily) -> float:
    if not word.isalpha():
        return 0.3 if word in "«»№–—‘’“”…、。・！？（）【】「」《》～" else -0.7
    cased = word.lower() != word.upper()
    if cased and word not in (word.lower(), word.upper(), word[0].upper() + word[1:].lower()):
        return -0.5
    scripts = {unicodedata.name(char, "?").split()[0].split("-")[0] for char in word}
    if scripts == {"LATIN"}:
        # Accents stand among plain letters.
        return 0.9 if len(foreign) * 2 <= len(word) else -0.3 if len(word) > 1 else 0.3
    if cased and len(scripts) > 1:
        return -0.5
    return sum(1.0 if daily(char) else -0.5 for char in foreign) / len(foreign)


def _lead(char: str, codec: str) -> int:
    try:
        return int.from_bytes(char.encode(codec)[:2].ljust(2, b"\0"))
    except UnicodeEncodeError:
        return 0


def _japanese(char: str) -> bool:
    """Kana, and the characters of the standard's first level."""
    return "\u3041" <= char <= "\u30fe" or char == "々" or 0x889F <= _lead(char, "cp932") <= 0x9872


def _mainland(char: str) -> bool:
    """The standard's first level."""
    return 0xB0A1 <= _lead(char, "gb2312") <= 0xD7F9


def _taiwan(char: str) -> bool:
    """The standard's first level."""
    return 0xA440 <= _lead(char, "big5") <= 0xC67E


def _korean(char: str) -> bool:
    return "\uac00" <= char <= "\ud7a3" and _lead(char, "euc_kr") >= 0xB0A1


def _russian(char: str) -> bool:
    return "\u0410" <= char <= "\u044f" or char in "ЁёЄєІіЇїҐґЎў"


# Of those that read equally well, the first.
_CANDIDATES: dict[str, Daily] = {
    "utf-8": lambda _: False,
    "cp932": _japanese,
    "gbk": _mainland,
    "cp950": _taiwan,
    "cp949": _korean,
    "cp1251": _russian,
    "cp866": _russian,
    "koi8_r": _russian,
    "cp1252": lambda _: False,
    "cp437": lambda _: False,
    "cp850": lambda _: False,
}


def unpack(archive: Path, folder: Path, most_files: int, most_bytes: int = MAX_BYTES) -> int:
    """Unpacks a zip, its folders kept; hidden files and what macOS adds are left out.

    Args:
        folder: where to, made when missing.
        most_files: more are refused, before anything is unpacked.
        most_bytes: of all files together, counted while they are unpacked: a zip may lie.

    Returns:
        How many files there are now.

    Raises:
        ImageError: no zip, a damaged or encrypted one, too much in it, or a name that leads out.
        ExportError: the disk refused.
    """
    try:
        with zipfile.ZipFile(archive) as source:
            listed = source.infolist()
            named = zip(listed, names_of(listed), strict=True)
            members = [(member, name) for member, name in named if _wanted(name)]
            if not 0 < len(members) <= most_files:
                raise ImageError(
                    f"{archive.name} holds {len(members)} photos, expected 1 to {most_files}: "
                    "pack fewer into one zip, or use the command line."
                )
            targets = [_target(member, name, folder, archive.name) for member, name in members]
            if len(set(targets)) < len(targets):
                raise ImageError(
                    f"{archive.name} holds two files of one name, expected different ones: pack "
                    "the photos anew."
                )
            left = most_bytes
            for (member, _), target in zip(members, targets, strict=True):
                left -= _copy(source, member, target, left, archive.name)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError) as error:
        raise ImageError(
            f"{archive.name} cannot be unpacked ({error}), expected an ordinary zip without a "
            "password: pack it anew."
        ) from error
    except OSError as error:
        raise ExportError(
            f"{archive.name} cannot be unpacked ({error.strerror or error}), expected a disk with "
            "free space: free some, or pack fewer photos."
        ) from error
    return len(members)


def _wanted(name: str) -> bool:
    parts = PurePosixPath(name).parts
    hidden = any(part.startswith(".") and part != ".." for part in parts)
    return not (name.endswith("/") or hidden or "__MACOSX" in parts)


def _target(member: zipfile.ZipInfo, given: str, folder: Path, archive: str) -> Path:
    name = PurePosixPath(given)
    link = stat.S_ISLNK(member.external_attr >> 16)
    leads_out = name.is_absolute() or not name.parts or ".." in name.parts
    if link or leads_out or any(c in given for c in _ODD):
        raise ImageError(
            f"{archive} holds the name {given[:60]!r}, expected plain files inside it: pack "
            "the photos anew."
        )
    return folder / name


def _copy(
    source: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path, left: int, archive: str
) -> int:
    target.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    with source.open(member) as packed, target.open("wb") as file:
        while chunk := packed.read(1 << 20):
            written += len(chunk)
            if written > left:
                shutil.rmtree(target.parent, ignore_errors=True)
                raise ImageError(
                    f"{archive} unpacks to more than this server takes at once, expected less: "
                    "pack fewer or smaller photos."
                )
            file.write(chunk)
    return written
