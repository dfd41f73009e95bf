"""A JPEG whose data ended early looks whole: its decoder fills the rest with one colour."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_STEP = 16  # rows; a JPEG's largest block
_SHARE = 1 / 8  # of the height; less is a border or a clear sky


def flat_end_note(rgb: NDArray[np.uint8], kind: str, orientation: int) -> tuple[str, ...]:
    """A note for the user where the last part of a JPEG is exactly one colour.

    Nothing else tells: the library warns, and Pillow drops its warnings.

    Args:
        rgb: (H, W, 3), upright.
        kind: the format's name.
        orientation: EXIF's, 1 to 8: where the file's last row is in the upright picture.
    """
    rows = rgb if orientation < 5 else rgb.swapaxes(0, 1)
    if orientation in (3, 4, 6, 7):
        rows = rows[::-1]
    height = top = rows.shape[0]
    while top > 0 and (rows[max(top - _STEP, 0) : top] == rows[-1, -1]).all():
        top = max(top - _STEP, 0)
    share = (height - top) / height
    if kind != "JPEG" or not _SHARE <= share < 1:
        return ()
    return (
        f"The last {share:.0%} of the file's picture is one flat colour: if the photo shows "
        "something there, its file is damaged.",
    )
