"""The boxes of HEIC, AVIF and JPEG 2000 files: where coded pictures lie, and their colours.

Pillow and libheif decode the pixels; what they do not tell is read here, from the same bytes.
Boxes: ISO/IEC 14496-12, section 4.2; items: 8.11; grids: ISO/IEC 23008-12, section 6.6.2.3.
Whatever does not fit is an IndexError: the file was written by a stranger.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

_MOST_BOXES = 20_000
_MOST_ITEMS = 20_000
_FULL_BOX = 4  # bytes of version and flags
_JPEG_2000_ICC = (2, 3)  # colr methods: restricted and any ICC profile (ISO/IEC 15444-1, I.5.3.3)


@dataclass(frozen=True)
class Box:
    """One box: its kind and its content, without the header.

    Attributes:
        kind: four letters.
        content: what follows the header, as far as the file goes.
        whole: whether the file goes that far.
    """

    kind: bytes
    content: memoryview
    whole: bool


def boxes(data: memoryview) -> Iterator[Box]:
    """The boxes that lie one behind the other in `data`."""
    at = 0
    for _ in range(_MOST_BOXES):
        if len(data) - at < 8:
            return
        size, head = _number(data, at, 4), 8
        kind = bytes(data[at + 4 : at + 8])
        if size == 1:
            size, head = _number(data, at + 8, 8), 16
        if size == 0:  # to the end of the file
            size = len(data) - at
        if size < head:
            raise IndexError
        yield Box(kind, data[at + head : at + size], at + size <= len(data))
        at += size
    raise IndexError


def inside(data: memoryview, *path: bytes) -> memoryview:
    """The content of the first box at `path`; empty where there is none."""
    for kind in path:
        found = next((box.content for box in boxes(data) if box.kind == kind), data[:0])
        data = found[_FULL_BOX:] if kind == b"meta" else found
    return data


@dataclass
class Items:
    """The items of a HEIC or AVIF file.

    Attributes:
        primary: number of the picture that counts.
        kinds: number -> four letters, "hvc1", "av01", "grid", ...
        parts: number -> the pieces of its data, whole or as much as there is.
        missing: numbers of items whose data lies outside the file, wholly or in part.
        sources: number of a derived picture -> those that it is made of, in order.
    """

    primary: int = 0
    kinds: dict[int, bytes] = field(default_factory=dict)
    parts: dict[int, list[memoryview]] = field(default_factory=dict)
    missing: set[int] = field(default_factory=set)
    sources: dict[int, tuple[int, ...]] = field(default_factory=dict)
    properties: dict[int, list[Box]] = field(default_factory=dict)

    def property(self, item: int, kind: bytes) -> list[memoryview]:
        """The contents of an item's properties of one kind."""
        return [box.content for box in self.properties.get(item, ()) if box.kind == kind]


def read_items(data: bytes) -> Items | None:
    """The items of a HEIC or AVIF file; None where it holds none, as a sequence may.

    Raises:
        IndexError: what describes them is damaged.
    """
    file = memoryview(data)
    meta = inside(file, b"meta")
    if not meta:
        return None
    items = Items()
    for box in boxes(meta):
        if not box.whole:
            raise IndexError
        if box.kind == b"pitm":
            items.primary = _number(box.content, _FULL_BOX, 4 if box.content[0] else 2)
        elif box.kind == b"iinf":
            _read_kinds(box.content, items)
        elif box.kind == b"iloc":
            _read_places(box.content, file, inside(meta, b"idat"), items)
        elif box.kind == b"iref":
            _read_sources(box.content, items)
        elif box.kind == b"iprp":
            _read_properties(box.content, items)
    return items


def colours(data: bytes) -> tuple[tuple[int, int] | None, bytes | None]:
    """What the first picture of a HEIC or AVIF file says of its colours.

    Returns:
        Colour primaries and transfer characteristics (ITU-T H.273), and an ICC profile; each None
        where it is absent.
    """
    try:
        items = read_items(data)
        if items is None:
            return None, None
        chain = [items.primary, *items.sources.get(items.primary, ())[:1]]
        stated = [content for item in chain for content in items.property(item, b"colr")]
        code, profile = None, None
        for content in stated:
            if bytes(content[:4]) == b"nclx" and code is None:
                code = _number(content, 4, 2), _number(content, 6, 2)
            elif bytes(content[:4]) in (b"prof", b"rICC") and profile is None:
                profile = bytes(content[4:])
    except IndexError:
        return None, None
    return code, profile


def jpeg_2000_profile(data: bytes) -> bytes | None:
    """The ICC profile of a JPEG 2000 file."""
    try:
        for box in boxes(inside(memoryview(data), b"jp2h")):
            if box.kind == b"colr" and box.content[0] in _JPEG_2000_ICC:
                return bytes(box.content[3:])
    except IndexError:
        pass
    return None


def _read_kinds(content: memoryview, items: Items) -> None:
    for box in boxes(content[_FULL_BOX + (4 if content[0] else 2) :]):
        if box.kind == b"infe" and box.content[0] >= 2:
            wide = 4 if box.content[0] > 2 else 2
            at = _FULL_BOX + wide + 2
            items.kinds[_number(box.content, _FULL_BOX, wide)] = bytes(box.content[at : at + 4])


def _read_places(content: memoryview, file: memoryview, idat: memoryview, items: Items) -> None:
    """Box iloc: versions 0 to 2 differ in the width of numbers and in where data may lie."""
    version = content[0]
    sizes = _number(content, _FULL_BOX, 2)
    offset_size, length_size, base_size = sizes >> 12, sizes >> 8 & 15, sizes >> 4 & 15
    index_size = sizes & 15 if version else 0
    reader = _Reader(content, _FULL_BOX + 2)
    wide = 4 if version > 1 else 2
    count = reader.number(wide)
    if count > _MOST_ITEMS:
        raise IndexError
    for _ in range(count):
        item = reader.number(wide)
        method = reader.number(2) & 15 if version else 0
        reader.number(2)  # data reference: 0, this file
        base = reader.number(base_size)
        parts = []
        for _ in range(reader.number(2)):
            reader.number(index_size)
            offset, length = base + reader.number(offset_size), reader.number(length_size)
            source = idat if method == 1 else file
            part = source[offset : offset + length] if length else source[offset:]
            if method < 2 and (len(part) < length or not part):
                items.missing.add(item)
            parts.append(part)
        if method < 2:
            items.parts[item] = parts


def _read_sources(content: memoryview, items: Items) -> None:
    wide = 4 if content[0] else 2
    for box in boxes(content[_FULL_BOX:]):
        if box.kind == b"dimg":
            reader = _Reader(box.content, 0)
            item, count = reader.number(wide), reader.number(2)
            items.sources[item] = tuple(reader.number(wide) for _ in range(count))


def _read_properties(content: memoryview, items: Items) -> None:
    known = list(boxes(inside(content, b"ipco")))
    links = inside(content, b"ipma")
    wide = 4 if links[0] else 2
    long_index = links[3] & 1
    reader = _Reader(links, _FULL_BOX)
    for _ in range(min(reader.number(4), _MOST_ITEMS)):
        item, chosen = reader.number(wide), []
        for _ in range(reader.number(1)):
            index = reader.number(2) & 0x7FFF if long_index else reader.number(1) & 0x7F
            if 0 < index <= len(known):
                chosen.append(known[index - 1])
        items.properties[item] = chosen


class _Reader:
    """Numbers of given widths, one behind the other."""

    def __init__(self, data: memoryview, at: int) -> None:
        self._data, self._at = data, at

    def number(self, size: int) -> int:
        self._at += size
        return _number(self._data, self._at - size, size)


def _number(data: memoryview, at: int, size: int) -> int:
    if at + size > len(data):
        raise IndexError
    return int.from_bytes(data[at : at + size], "big")
