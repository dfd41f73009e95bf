"""Depth in metres -> colours, by the tables of `colormaps.json`: sRGB, 256 rows in hexadecimal.

Row 0 of a table is the near end. All maps grow or fall steadily in lightness and keep their order
for readers with a colour vision deficiency; rainbow maps such as jet or turbo do not, and are left
out on purpose.

viridis, inferno, magma, plasma (van der Walt, Smith and Firing, 2015) and cividis (Nunez, Anderton
and Renslow, 2018) are those of Matplotlib, released under CC0. blue_orange was made for this
project: CIELAB lightness falls linearly and equally on both sides of a light grey middle (L* 95 to
36), hue is constant on each side, and blue against orange stays distinct with any common colour
vision deficiency.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.errors import ConfigError, DataError

_TABLES: dict[str, list[str]] = json.loads(
    Path(__file__).with_name("colormaps.json").read_text(encoding="utf-8")
)
DEFAULT_COLORMAP = "inferno"
INVALID_COLOR = (128, 128, 128)  # where there is no depth
_ROWS = 32  # a strip stays in the cache
_RANGE_SAMPLES = 250_000
_PERCENTILES = (1.0, 99.0)


@dataclass(frozen=True)
class Colormap:
    """One colour table.

    Attributes:
        name: key in `COLORMAPS`.
        table: (256, 3) uint8 sRGB, nearest first.
    """

    name: str
    table: NDArray[np.uint8]

    @cached_property
    def pairs(self) -> NDArray[np.uint8]:
        """(65536, 6): the colours of two neighbouring pixels, by their two bytes as one number."""
        both = np.arange(1 << 16, dtype=np.uint16).view(np.uint8)
        return self.table[both].reshape(-1, 6)


def _table(name: str, *, bright_first: bool) -> Colormap:
    rows = np.frombuffer(bytes.fromhex("".join(_TABLES[name])), np.uint8).reshape(256, 3)
    table = np.ascontiguousarray(rows[::-1] if bright_first else rows)
    table.flags.writeable = False
    return Colormap(name, table)


def _grey() -> Colormap:
    table = np.repeat(np.arange(255, -1, -1, dtype=np.uint8)[:, np.newaxis], 3, axis=1)
    table.flags.writeable = False
    return Colormap("grey", table)


# Near is bright: what is close to the camera stands out, as readers of depth maps expect.
COLORMAPS: dict[str, Colormap] = {
    name: _table(name, bright_first=True)
    for name in ("inferno", "viridis", "magma", "plasma", "cividis")
} | {"grey": _grey()}

# For signed differences: blue below zero, light grey at zero, orange above.
SIGNED = _table("blue_orange", bright_first=False)


def colorize(
    depth: NDArray[np.floating],
    name: str = DEFAULT_COLORMAP,
    near: float | None = None,
    far: float | None = None,
) -> NDArray[np.uint8]:
    """Colour a depth map.

    Args:
        depth: (H, W) metres; NaN or infinite where there is none.
        name: key of `COLORMAPS`.
        near: metres shown in the first colour, as is everything nearer; default `auto_range`'s.
        far: metres shown in the last colour, as is everything farther; default `auto_range`'s.

    Returns:
        (H, W, 3) uint8 sRGB; `INVALID_COLOR` where there is no depth.

    Raises:
        ConfigError: no such map, or a range that is not near < far.
    """
    return color_strips(depth, name, near, far).whole()


def color_strips(
    depth: NDArray[np.floating],
    name: str = DEFAULT_COLORMAP,
    near: float | None = None,
    far: float | None = None,
) -> _Lookup:
    """`colorize`, some rows at a time, for writers that need no whole coloured picture.

    Returns:
        A function: (first row, row after the last) to (rows, W, 3) uint8 sRGB.
    """
    return _Lookup(depth, colormap_of(name), *display_range(depth, near, far))


def colormap_of(name: str) -> Colormap:
    """The one of `COLORMAPS`.

    Raises:
        ConfigError: no such map.
    """
    if name not in COLORMAPS:
        raise ConfigError(
            f"There is no colour map {name!r}, expected one of {', '.join(COLORMAPS)}: pick one."
        )
    return COLORMAPS[name]


def display_range(
    depth: NDArray[np.floating], near: float | None = None, far: float | None = None
) -> tuple[float, float]:
    """The range that `colorize` shows: the given ends, and `auto_range` for those not given.

    Args:
        depth: (H, W) metres; without any finite value the range is 0 to 1.
        near: metres, or None.
        far: metres, or None. A single given end beyond the other, measured one moves that one.
    """
    if near is not None and far is not None:
        return near, far
    try:
        measured = auto_range(depth)
    except DataError:
        measured = (0.0, 1.0)
    return range_with_ends(measured, near, far)


def range_with_ends(
    measured: tuple[float, float], near: float | None, far: float | None
) -> tuple[float, float]:
    """A measured range with the ends that were given, which the measured ones give way to."""
    if near is not None and far is not None:
        return near, far
    if far is not None:
        return min(measured[0], far - _narrowest(far)), far
    if near is not None:
        return near, max(measured[1], near + _narrowest(near))
    return measured


def auto_range(depth: NDArray[np.floating]) -> tuple[float, float]:
    """A display range that a few odd pixels cannot spoil: 1st and 99th percentile, in metres.

    Large maps are sampled on a regular grid, so the answer is always the same.

    Args:
        depth: (H, W) metres; NaN and infinite values are left out.

    Returns:
        (near, far), near < far always, also for a constant map.

    Raises:
        DataError: no finite value at all.
    """
    step = max(1, math.isqrt(depth.size // _RANGE_SAMPLES))
    samples = depth[::step, ::step]
    samples = samples[np.isfinite(samples)]
    if samples.size == 0:  # sparse maps may miss the grid
        samples = depth[np.isfinite(depth)]
    if samples.size == 0:
        raise DataError("The depth map has no finite value, expected metres: predict it again.")
    near, far = (float(value) for value in np.percentile(samples, _PERCENTILES))
    if far - near < _narrowest(far):  # flat: open the range a little around it
        middle, half = (near + far) / 2, _narrowest(far) / 2
        near, far = middle - half, middle + half
    return near, far


def _narrowest(end: float) -> float:
    """The narrowest range worth 256 colours near `end` metres: a thousandth of it."""
    return 1e-3 * max(abs(end), 1e-3)


class _Lookup:
    """Values to colours by table: callable for a strip of rows, `whole` for all of them."""

    def __init__(
        self, values: NDArray[np.floating], colormap: Colormap, low: float, high: float
    ) -> None:
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            raise ConfigError(
                f"The colour range goes from {low:g} to {high:g}, expected two finite numbers, "
                "the first below the second: change one."
            )
        self._values, self._colormap = values, colormap
        self._scale = np.float32(255 / (high - low))
        # + 0.5: the cast to integers cuts off.
        self._offset = np.float32(0.5 - low * 255 / (high - low))

    def __call__(
        self, top: int, bottom: int, out: NDArray[np.uint8] | None = None
    ) -> NDArray[np.uint8]:
        strip = np.multiply(self._values[top:bottom], self._scale, dtype=np.float32)
        strip += self._offset
        # A sum of Python's floats: NaN and infinity both spread, without a warning.
        odd = not math.isfinite(float(strip.min()) + float(strip.max()))
        invalid = ~np.isfinite(strip) if odd else None
        if invalid is not None:
            strip[invalid] = 0
        np.clip(strip, 0, 255, out=strip)
        if out is None:
            out = np.empty((*strip.shape, 3), np.uint8)
        self._colour(strip.astype(np.uint8).reshape(-1), out.reshape(-1))
        if invalid is not None:
            out[invalid] = INVALID_COLOR
        return out

    def _colour(self, places: NDArray[np.uint8], out: NDArray[np.uint8]) -> None:
        """Two pixels at a time, which takes half the time; the last of an odd number alone."""
        even = places.size & ~1
        pairs = out[: 3 * even].reshape(-1, 6)
        # mode="clip" is what lets take() write straight into `out`.
        np.take(self._colormap.pairs, places[:even].view(np.uint16), 0, out=pairs, mode="clip")
        out[3 * even :] = self._colormap.table[places[even:]].reshape(-1)

    def whole(self) -> NDArray[np.uint8]:
        """(H, W, 3), filled in strips that stay in the cache."""
        height = len(self._values)
        colours = np.empty((*self._values.shape, 3), np.uint8)
        for top in range(0, height, _ROWS):
            self(top, min(top + _ROWS, height), colours[top : top + _ROWS])
        return colours
