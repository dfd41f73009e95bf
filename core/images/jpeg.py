"""An ordinary JPEG straight into an array: half of Pillow's time, and none of its own copy.

Pillow decodes into four bytes a pixel, which then have to be copied to three. libjpeg-turbo itself
(package `simplejpeg`, MIT) writes the array, with the same arithmetic: the pixels are equal. What
is not ordinary is left to Pillow, which decides whether it is accepted.

Whether a file holds all of its picture is told by libjpeg's warning, which Pillow drops but
`simplejpeg` passes on; by a last part that is exactly one colour; by zeros in the coded data; and,
in a progressive file, by scans that never came.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.images.colour_profile import Recolour
from core.images.completeness import has_empty_stretch, incomplete
from core.images.pixels import recoloured

try:
    import simplejpeg  # type: ignore[import-untyped]
except ImportError:  # optional: the same pixels, in twice the time
    simplejpeg = None

_FRAMES = {bytes((0xFF, kind)) for kind in range(0xC0, 0xD0) if kind not in (0xC4, 0xC8, 0xCC)}
_LOSSLESS = {b"\xff\xc3", b"\xff\xc7", b"\xff\xcb", b"\xff\xcf"}
_MOST_SEGMENTS = 100_000  # before the frame; a file of nothing else must not take seconds
_PIXEL = np.dtype("V3")  # moved as one item, which is what makes turning fast

_STEP = 8  # rows; a JPEG's block
_SHARE = 1 / 8  # of the height; less is a border or a clear sky
_EARLY_SHARE = 1 / 50  # where the data are known to end early
_EARLY = "premature end of data"  # libjpeg's JWRN_HIT_MARKER
_COEFFICIENTS = 64
_MOST_SCANS = 1000
_PROGRESSIVE, _SCAN, _END = (b"\xff\xc2", b"\xff\xca"), b"\xff\xda", b"\xff\xd9"


def decode_jpeg(
    data: bytes, image: Image.Image, orientation: int, colours: Recolour
) -> NDArray[np.uint8] | None:
    """The upright pixels of a JPEG, or None where Pillow has to do it.

    Args:
        image: the same, opened by Pillow and not loaded: its size and mode have been checked.
        orientation: EXIF, 1 to 8.

    Returns:
        (H, W, 3) uint8 sRGB. None for grey and CMYK pictures, for those that libjpeg has any doubt
        about, and without the package.
    """
    if simplejpeg is None or image.mode != "RGB":
        return None
    width, height = image.size
    rgb = np.empty((height, width, 3), np.uint8)  # of the checked size: no file can ask for more
    try:
        decoded = simplejpeg.decode_jpeg(data, "RGB", buffer=rgb, strict=True)
    except ValueError:
        return None
    if decoded.shape != rgb.shape:  # the two parsers disagree about the file
        return None
    return _upright(recoloured(rgb, colours), orientation)


def frame_at(data: bytes) -> int:
    """Where the marker of a JPEG's frame is, which tells its kind; the file's end without one."""
    at = 2
    for _ in range(_MOST_SEGMENTS):
        marker = data[at : at + 2]
        if marker in _FRAMES or marker == _SCAN or len(marker) < 2:
            return at
        at += 1 if marker == b"\xff\xff" else 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return len(data)


def is_lossless(data: bytes, frame: int) -> bool:
    """Whether the frame at `frame` is one of the lossless kinds (ITU-T T.81, table B.1)."""
    return data[frame : frame + 2] in _LOSSLESS


def _upright(rgb: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Turns and mirrors as the EXIF orientation says (Exif 2.32, 4.6.4)."""
    if orientation == 1:
        return rgb
    pixels = rgb.view(_PIXEL)[..., 0]
    if orientation in (5, 6, 7, 8):
        pixels = pixels.T
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)[..., np.newaxis].view(np.uint8)


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
