"""How players turn and mirror a clip: the eight orientations of a display matrix."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Orientation:
    """Rows and columns exchanged, then columns and rows in reverse order, each or not."""

    transposed: bool = False
    mirrored: bool = False
    upside_down: bool = False

    @classmethod
    def of_matrix(cls, matrix: bytes) -> Orientation:
        """The nearest one to FFmpeg's display matrix, nine native 32-bit integers.

        A pixel at (x, y) is shown at (a x + c y, b x + d y); a, b are the first row, c, d the
        second (ISO 14496-12, section 6.2.2). Scale and offset do not matter.
        """
        a, b, _, c, d, *_ = struct.unpack("=9i", matrix)
        if abs(a) + abs(d) >= abs(b) + abs(c):
            return cls(False, a < 0, d < 0)
        return cls(True, c < 0, b < 0)

    def __call__(self, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """(H, W, 3) stored, to (H, W, 3) or (W, H, 3) as it is shown."""
        shown = rgb.transpose(1, 0, 2) if self.transposed else rgb
        columns = slice(None, None, -1) if self.mirrored else slice(None)
        rows = slice(None, None, -1) if self.upside_down else slice(None)
        return np.ascontiguousarray(shown[rows, columns])
