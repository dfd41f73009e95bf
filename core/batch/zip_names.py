"""What the files in a zip are called, whatever program packed them.

A zip's names are UTF-8 where a flag says so; an extra field may hold them in UTF-8 as well. Without
either they are bytes in whatever encoding the packing machine used, which the zip does not tell.
It is judged by how the names of the whole zip read: letters of one script in each word, upper case
where it belongs, characters that are in daily use. What is wrong then is the name, never the photo.
"""

from __future__ import annotations

import re
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Sequence

_UTF8_FLAG = 0x800
_UNICODE_PATH = 0x7075  # Info-ZIP, https://libzip.org/specifications/appnote_iz.txt
_ENOUGH = 6  # characters, for a whole half of a range to be empty hardly by chance
_PLAIN = "cp437"  # what zipfile decodes with, and what the format says

Daily = Callable[[str], bool]


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
