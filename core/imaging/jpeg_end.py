"""A JPEG whose data ended early looks whole: its decoder fills the rest with one colour.

What tells: libjpeg's warning, which Pillow drops but `simplejpeg` passes on; a last part that is
exactly one colour; zeros in the coded data; and, in a progressive file, scans that never came.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.imaging.completeness import has_empty_stretch, incomplete

try:
    import simplejpeg  # type: ignore[import-untyped]
except ImportError:  # optional: then only the flat end tells
    simplejpeg = None

_STEP = 8  # rows; a JPEG's block
_SHARE = 1 / 8  # of the height; less is a border or a clear sky
_EARLY_SHARE = 1 / 50  # where the data are known to end early
_EARLY = "premature end of data"  # libjpeg's JWRN_HIT_MARKER
_COEFFICIENTS = 64
_MOST_SCANS = 1000
_PROGRESSIVE, _SCAN, _END = (b"\xff\xc2", b"\xff\xca"), b"\xff\xda", b"\xff\xd9"


def check_end(data: bytes, rgb: NDArray[np.uint8], orientation: int, label: str) -> tuple[str, ...]:
    """Refuse a JPEG that lacks a visible part of its picture; say so where that is not certain.

    Args:
        data: the file, of which libjpeg had some doubt, or a grey or CMYK one.
        rgb: (H, W, 3), upright.
        orientation: EXIF's, 1 to 8: where the file's last row is in the upright picture.
        label: the file, as errors call it.

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
        data: the file.
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
