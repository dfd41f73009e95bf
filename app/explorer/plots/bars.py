"""What a map's colours mean: ends, unit and colour table, the same for maps to be compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.files.colormap import COLORMAPS, DEFAULT_COLORMAP
from core.files.colormap import SIGNED as SIGNED_TABLE

SIGNED, ERROR, ENERGY = "signed", "rising magma", "rising cividis"


@dataclass(frozen=True)
class Bar:
    """What a map's colours mean.

    Attributes:
        low, high: values at the ends.
        unit: shown at the bar and under the cursor, "m" for instance.
        colours: a name of `COLORMAPS` (near is bright), `ERROR` or `ENERGY` (more is
            bright), or `SIGNED` with low = -high.
        digits: after the decimal point under the cursor.
    """

    low: float
    high: float
    unit: str
    colours: str = DEFAULT_COLORMAP
    digits: int = 2


MASK = Bar(0.0, 1.0, "", "inferno", 0)
"""Of a map that says where, not how much: it has no bar and no numbers."""


def table_of(name: str) -> NDArray[np.uint8]:
    """(256, 3): the colours of a bar from its low end to its high end."""
    if name == SIGNED:
        return SIGNED_TABLE.table
    table = COLORMAPS[name.removeprefix("rising ")].table
    return table[::-1] if name.startswith("rising ") else table


def colour_stops(name: str) -> list[tuple[float, str]]:
    """A colour table as Plotly takes it: places from 0 to 1 and their colours."""
    table, count = table_of(name), 33
    rows = np.linspace(0, len(table) - 1, count).round().astype(int)
    return [(i / (count - 1), "rgb({}, {}, {})".format(*table[row])) for i, row in enumerate(rows)]


def bar_of(
    values: NDArray[np.floating] | Sequence[NDArray[np.floating]],
    unit: str,
    *,
    colours: str = DEFAULT_COLORMAP,
) -> Bar:
    """A bar that spans all but 1 % of the values at either end, the same for several maps."""
    maps = [values] if isinstance(values, np.ndarray) else list(values)
    # Every map counts the same, however few pixels it has.
    ends = [np.quantile(m[np.isfinite(m)], [0.01, 0.99]) for m in maps if np.isfinite(m).any()]
    if not ends:
        return Bar(0.0, 1.0, unit, colours)
    low, high = float(min(end[0] for end in ends)), float(max(end[1] for end in ends))
    if not high > low:
        low, high = low - 0.5, high + 0.5
    return Bar(low, high, unit, colours)


def signed_bar(values: NDArray[np.floating] | Sequence[NDArray[np.floating]], unit: str) -> Bar:
    """A bar centred at zero that spans all but a hundredth of the absolute values."""
    maps = [values] if isinstance(values, np.ndarray) else list(values)
    flat = [np.abs(m[np.isfinite(m)]) for m in maps]
    most = max((float(np.quantile(m, 0.99)) for m in flat if m.size), default=1.0)
    most = most if most > 0 else 1.0
    return Bar(-most, most, unit, SIGNED)
