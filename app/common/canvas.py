"""Maps as a browser's canvas draws them: sampled, never averaged, so a number is a pixel's own.

The scripts and styles of `static` are shared by the depth page and the explorer.
"""

from __future__ import annotations

import math
import zlib
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

STATIC = Path(__file__).parent / "static"
UNITS = 65535  # what values are counted in; 0 stands for none


@cache
def canvas_script() -> str:
    """What the scripts of both pages' canvases begin with."""
    return (STATIC / "canvas.js").read_text(encoding="utf-8")


def sampled(height: int, width: int, longest: int) -> tuple[NDArray[np.intp], ...]:
    """Rows and columns of a (height, width) map that a screen shows, spread evenly.

    Returns:
        rows (h,), columns (w,): all of them where the map is small enough.
    """
    scale = min(1.0, longest / max(height, width))
    shown = (max(1, round(height * scale)), max(1, round(width * scale)))
    rows, columns = (
        np.floor((np.arange(count) + 0.5) * full / count).astype(np.intp)
        for count, full in zip(shown, (height, width), strict=True)
    )
    return rows, columns


def packed(
    values: NDArray[np.floating], valid: NDArray[np.bool_], low: float, high: float
) -> tuple[bytes, float]:
    """Values in the form that canvas.js reads.

    Args:
        values: (h, w).
        valid: (h, w); what is not is packed as 0.
        low, high: no value lies beyond; `low` itself is counted as 1 unit above.

    Returns:
        deflated little-endian uint16 (h, w), and the step: a value is low + units * step.
    """
    step = (high - low) / UNITS if high > low else 1.0
    units = np.zeros(values.shape, "<u2")
    units[valid] = np.clip(np.rint((values[valid] - low) / step), 1, UNITS)
    return zlib.compress(units.tobytes(), 3), step


def bar_ticks(near: float, far: float, wanted: int = 5) -> list[tuple[float, str]]:
    """Round values between near and far for a colour bar, with their labels (without the unit)."""
    raw = (far - near) / wanted
    magnitude = 10.0 ** math.floor(math.log10(raw))
    step = next(magnitude * m for m in (1, 2, 2.5, 5, 10) if magnitude * m >= raw * 0.75)
    digits = max(0, -math.floor(math.log10(step) + 1e-9), len(f"{step:.6g}".partition(".")[2]))
    first, last = math.ceil(near / step - 1e-6), math.floor(far / step + 1e-6)
    return [(k * step, f"{k * step:.{digits}f}") for k in range(first, last + 1)]
