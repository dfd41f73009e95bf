"""What figures are made of: the colour bars of maps, and Plotly figures of numbers.

A bar says what a map's colours mean: ends, unit and colour table, the same for maps to be compared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from core.files.colormap import COLORMAPS, DEFAULT_COLORMAP
from core.files.colormap import SIGNED as SIGNED_TABLE

# Pages style figures themselves; Plotly's own template would cost 50 ms for every figure.
TEMPLATE = "none"
GRID = "rgba(128, 128, 128, 0.25)"  # seen on a light page and on a dark one
# Okabe and Ito's palette: told apart with every kind of colour blindness.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#808080")
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


def line_figure(
    curves: Mapping[str, tuple[ArrayLike, ArrayLike]],
    *,
    x: str,
    y: str,
    title: str = "",
    height: int = 320,
    fill: bool = False,
) -> go.Figure:
    """Curves by name, each (x values, y values); `x` and `y` name the axes with their units."""
    traces = [
        go.Scatter(
            x=np.asarray(xs, np.float32),
            y=np.asarray(ys, np.float32),
            name=name,
            mode="lines",
            line={
                "color": COLOURS[index % len(COLOURS)],
                "width": 2,
                "dash": ("solid", "dash", "dot", "dashdot")[index % 4],
            },
            fill="tozeroy" if fill and not index else None,
        )
        for index, (name, (xs, ys)) in enumerate(curves.items())
    ]
    return _plain(traces, x, y, title, height)


def bars_figure(
    groups: Mapping[str, Sequence[float]],
    labels: Sequence[str],
    *,
    x: str,
    y: str,
    title: str = "",
) -> go.Figure:
    """Grouped bars: one group per label, one colour per name; `y` names the unit."""
    traces = [
        go.Bar(
            x=list(labels),
            y=np.asarray(values, np.float64),
            name=name,
            marker={
                "color": COLOURS[index % len(COLOURS)],
                "pattern": {"shape": ("", "/", "x", ".")[index % 4]},
            },
        )
        for index, (name, values) in enumerate(groups.items())
    ]
    return _plain(traces, x, y, title)


def scatter_figure(
    xs: NDArray[np.floating],
    ys: NDArray[np.floating],
    *,
    x: str,
    y: str,
    title: str = "",
    height: int = 420,
) -> go.Figure:
    """Points with the diagonal x = y; more than 20,000 are sampled evenly."""
    step = max(1, -(-len(xs) // 20_000))
    top = float(max(xs.max(initial=0), ys.max(initial=0))) * 1.03
    points = go.Scattergl(
        x=xs[::step].astype(np.float32),
        y=ys[::step].astype(np.float32),
        mode="markers",
        marker={"size": 3, "color": COLOURS[0], "opacity": 0.25},
        hovertemplate="%{x:.2f} m → %{y:.2f} m<extra></extra>",
        showlegend=False,
    )
    diagonal = go.Scatter(
        x=[0, top],
        y=[0, top],
        mode="lines",
        line={"color": COLOURS[1], "width": 2, "dash": "dash"},
        showlegend=False,
        hoverinfo="skip",
    )
    figure = _plain([points, diagonal], x, y, title, height)
    figure.update_xaxes(range=[0, top])
    figure.update_yaxes(range=[0, top])
    return figure


def histogram_of(
    values: NDArray[np.floating],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Bin centres and the percentage in each; the outermost bins take what lies beyond."""
    flat = values[np.isfinite(values)]
    low, high = (float(q) for q in np.quantile(flat, [0.002, 0.998]))
    if not high > low:
        low, high = low - 0.5, high + 0.5
    counts, edges = np.histogram(np.clip(flat, low, high), bins=80, range=(low, high))
    return (edges[1:] + edges[:-1]) / 2, 100.0 * counts / max(1, counts.sum())


def _plain(traces: list[Any], x: str, y: str, title: str, height: int = 320) -> go.Figure:
    layout = {
        "template": TEMPLATE,
        "height": height,
        "meta": title,  # the page writes it above: text there finds its own line breaks
        "margin": {"l": 60, "r": 12, "t": 30, "b": 46},
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        "barmode": "group",
        "xaxis": {"title": {"text": x}, "gridcolor": GRID},
        "yaxis": {"title": {"text": y}, "gridcolor": GRID},
    }
    return go.Figure(traces, layout)
