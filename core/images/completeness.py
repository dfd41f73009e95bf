"""Whether a file holds all of its picture: decoders fill what is missing with one colour.

What tells: libjpeg's warning, which Pillow drops but `simplejpeg` passes on; a last part that is
exactly one colour; zeros in the coded data; and, in a progressive file, scans that never came.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.errors import ImageError
from core.images.isobmff import Items, read_items

try:
    import simplejpeg  # type: ignore[import-untyped]
except ImportError:  # optional: then only the flat end tells
    simplejpeg = None

_BLOCKS = 16  # the file in so many parts: one that is nothing but zeros was never written
_LEAST_BLOCK = 512  # bytes; in smaller files zeros may be padding
_VOID = 64  # pixels; HEVC's largest block
_VOID_GREEN = (70, 140)  # by the file's matrix: 77 or 84 (BT.709), 94 (BT.2020), 136 (BT.601)
_DEEPEST = 8  # derived pictures of derived pictures
_SLICES = range(32)  # kinds of HEVC units that hold pixels (ITU-T H.265, table 7-1)
# No such bytes occur within a unit: an encoder puts a 3 between (ITU-T H.265, 7.4.2).
_NOT_IN_A_UNIT = (b"\0\0\0", b"\0\0\1", b"\0\0\2")
_COMPRESSED = ("WEBP", "AVIF", "HEIF", "JPEG2000")
_PLAIN = ("BMP", "TIFF")

_STEP = 8  # rows; a JPEG's block
_SHARE = 1 / 8  # of the height; less is a border or a clear sky
_EARLY_SHARE = 1 / 50  # where the data are known to end early
_EARLY = "premature end of data"  # libjpeg's JWRN_HIT_MARKER
_COEFFICIENTS = 64
_MOST_SCANS = 1000
_PROGRESSIVE, _SCAN, _END = (b"\xff\xc2", b"\xff\xca"), b"\xff\xda", b"\xff\xd9"


def check_whole(data: bytes, kind: str, label: str) -> tuple[str, ...]:
    """Refuse what lacks a part of its picture although its decoder does not mind.

    Raises:
        ImageError: tiles of a HEIC or AVIF picture lie outside the file or hold something else, or
            a large part of a compressed file is nothing but zeros.
    """
    if kind == "HEIF" and not _has_all_tiles(data):
        raise incomplete(label, kind)
    if kind in (*_COMPRESSED, *_PLAIN) and has_empty_stretch(data):
        if kind in _COMPRESSED:
            raise incomplete(label, kind)
        return (
            "A large part of the file is zeros: if the photo is not black there, its file is "
            "damaged.",
        )
    return ()


def check_decoded(image: Image.Image, label: str) -> None:
    """Refuse a HEIC picture of which the decoder gave up a part.

    libde265 leaves such a part at luma and chroma of 0, a green that no photo holds.

    Raises:
        ImageError: a whole block has that colour.
    """
    if image.format != "HEIF" or image.mode not in ("RGB", "RGBA"):
        return
    pixels = np.asarray(image)[..., :3]
    for top, left in np.argwhere(_is_void(pixels[_VOID // 2 :: _VOID, _VOID // 2 :: _VOID])):
        block = pixels[top * _VOID : (top + 1) * _VOID, left * _VOID : (left + 1) * _VOID]
        if (block == block[0, 0]).all():
            raise incomplete(label, "HEIF")


def _is_void(pixels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    red, green, blue = np.moveaxis(pixels, -1, 0)
    low, high = _VOID_GREEN
    void: NDArray[np.bool_] = (red == 0) & (blue == 0) & (green >= low) & (green <= high)
    return void


def incomplete(label: str, kind: str) -> ImageError:
    """The error for a file that lacks a part of its picture."""
    return ImageError(
        f"{label} is a {kind} picture of which a part is missing or overwritten, expected a whole "
        "one: download or copy it again."
    )


def has_empty_stretch(data: bytes, start: int = 0, end: int | None = None) -> bool:
    """Whether a sixteenth of a file is nothing but zeros, as downloads leave it that stopped.

    Args:
        end: where to stop; the file's end unless given.
    """
    end = len(data) if end is None else end
    size = (end - start) // _BLOCKS
    if size < _LEAST_BLOCK:
        return False
    empty = bytes(size)
    return any(data[at : at + size] == empty for at in range(start, end - size + 1, size))


def _has_all_tiles(data: bytes) -> bool:
    try:
        items = read_items(data)
        if items is None or items.primary not in items.parts | items.sources:
            return True  # a sequence, or a kind of file that only the decoder understands
        return all(
            item not in items.missing and _is_coded(items, item)
            for item in _coded(items, items.primary)
        )
    except IndexError:
        return False


def _coded(items: Items, item: int, depth: int = 0) -> Iterator[int]:
    """The pictures that are decoded and put together to show `item`, and those that say how."""
    if depth > _DEEPEST:
        raise IndexError
    yield item
    sources = items.sources.get(item, ())
    if items.kinds.get(item) == b"grid":
        layout = b"".join(items.parts[item])
        if len(sources) < (layout[2] + 1) * (layout[3] + 1):
            raise IndexError
    for source in sources:
        if source not in items.kinds:
            raise IndexError
        yield from _coded(items, source, depth + 1)


def _is_coded(items: Items, item: int) -> bool:
    """Whether an item's data are units of HEVC, if they should be."""
    if items.kinds.get(item) not in (b"hvc1", b"hev1") or item not in items.parts:
        return True
    configuration = items.property(item, b"hvcC")
    if not configuration:
        return True
    width = (configuration[0][21] & 3) + 1  # bytes of a unit's length
    data, at, pixels = b"".join(items.parts[item]), 0, False
    while at < len(data):
        length = int.from_bytes(data[at : at + width], "big")
        at += width
        unit = data[at : at + length]
        if length < 2 or len(unit) < length or unit[0] & 0x80:
            return False
        # Zeros may follow a unit, as filling.
        if any(bad in unit.rstrip(b"\0") for bad in _NOT_IN_A_UNIT):
            return False
        pixels = pixels or unit[0] >> 1 in _SLICES
        at += length
    return pixels


def check_end(data: bytes, rgb: NDArray[np.uint8], orientation: int, label: str) -> tuple[str, ...]:
    """Refuse a JPEG that lacks a visible part of its picture; say so where that is not certain.

    Args:
        data: the file, of which libjpeg had some doubt, or a grey or CMYK one.
        rgb: (H, W, 3), upright.
        orientation: EXIF's, 1 to 8: where the file's last row is in the upright picture.

    Returns:
        Notes for the user.

    Raises:
        ImageError: its data end early and the rest is one colour.
    """
    flat = _flat_share(rgb, orientation)
    if _ends_early(data):
        if _EARLY_SHARE <= flat < 1:
            raise incomplete(label, "JPEG")
        return (
            "The file's data end before its picture does: some of it may be coarse or damaged.",
        )
    if not _SHARE <= flat < 1:
        return ()
    return (
        f"The last {flat:.0%} of the file's picture is one flat colour: if the photo shows "
        "something there, its file is damaged.",
    )


def check_scans(data: bytes, frame: int) -> tuple[str, ...]:
    """Look at what a JPEG holds from its frame on, without decoding it.

    Args:
        frame: where its frame's marker is.

    Returns:
        A note for the user where a progressive file lacks scans, as when its download stopped, or
        where a large part of it is nothing but zeros.
    """
    scan = data.find(_SCAN, frame)
    end = data.find(_END, max(scan, frame))  # it cannot occur within a scan (ITU-T T.81, F.1.2.3)
    if has_empty_stretch(data, frame, len(data) if end < 0 else end):
        # A camera's view of one flat colour is coded so, too.
        return (
            "A large part of the file's data is zeros: unless the photo shows one flat colour "
            "there, it is damaged.",
        )
    if data[frame : frame + 2] not in _PROGRESSIVE:
        return ()
    count = data[frame + 9] if frame + 9 < len(data) else 0
    components = [data[frame + 10 + 3 * n : frame + 11 + 3 * n] for n in range(count)]
    # The bits that are still to come, for each coefficient of each component (ITU-T T.81, G.1.1).
    to_come = {component: [1] * _COEFFICIENTS for component in components}
    at = scan
    for _ in range(_MOST_SCANS):
        if at < 0:
            break
        parts = data[at + 4] if at + 4 < len(data) else 0
        rest = data[at + 5 + 2 * parts : at + 8 + 2 * parts]
        if len(rest) < 3:
            break
        for n in range(parts):
            bits = to_come.get(data[at + 5 + 2 * n : at + 6 + 2 * n])
            if bits is not None:
                for coefficient in range(rest[0], min(rest[1], _COEFFICIENTS - 1) + 1):
                    bits[coefficient] = rest[2] & 15
        at = data.find(_SCAN, at + 2)
    if not any(any(bits) for bits in to_come.values()):
        return ()
    return ("The file lacks the last scans of its picture, which is coarser than it was.",)


def _ends_early(data: bytes) -> bool:
    if simplejpeg is None:
        return False
    try:
        simplejpeg.decode_jpeg(data, "GRAY", strict=True)
    except ValueError as error:
        return _EARLY in str(error)
    return False


def _flat_share(rgb: NDArray[np.uint8], orientation: int) -> float:
    """The share of the file's last rows that are exactly one colour."""
    rows = rgb if orientation < 5 else rgb.swapaxes(0, 1)
    if orientation in (3, 4, 6, 7):
        rows = rows[::-1]
    height = top = rows.shape[0]
    while top > 0 and (rows[max(top - _STEP, 0) : top] == rows[-1, -1]).all():
        top = max(top - _STEP, 0)
    return float((height - top) / height)
