"""Plotly figures of numbers: histograms, scatters, lines and bars."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

# Pages style figures themselves; Plotly's own template would cost 50 ms for every figure.
TEMPLATE = "none"
GRID = "rgba(128, 128, 128, 0.25)"  # seen on a light page and on a dark one
PHONE = 0  # in place of a number of columns
LINE, TOP = 17, 6  # pixels between the lines of a title, and above it
TITLE = {
    "font": {"size": 13},
    "x": 0.01,
    "xanchor": "left",
    "y": 1,
    "yanchor": "top",
    "pad": {"t": TOP},
}
_WIDE = re.compile(r"[\u2e80-\uffff]|[^\u2e80-\uffff\s]+\s*")  # places where a title may break
_ROOM = {PHONE: 350, 1: 900, 2: 410, 3: 272, 4: 215}  # pixels of a chart's width, by columns
# Okabe and Ito's palette: told apart with every kind of colour blindness.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#808080")


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
    height: int = 320,
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
    return _plain(traces, x, y, title, height)


def scatter_figure(
    xs: NDArray[np.floating],
    ys: NDArray[np.floating],
    *,
    x: str,
    y: str,
    title: str = "",
    most: int = 20_000,
    height: int = 420,
) -> go.Figure:
    """Points with the diagonal x = y; more than `most` are sampled evenly."""
    step = max(1, -(-len(xs) // most))
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
    values: NDArray[np.floating], bins: int = 80, share: float = 0.002
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Bin centres and the percentage in each; the outermost bins take what lies beyond."""
    flat = values[np.isfinite(values)]
    low, high = (float(q) for q in np.quantile(flat, [share, 1 - share]))
    if not high > low:
        low, high = low - 0.5, high + 0.5
    counts, edges = np.histogram(np.clip(flat, low, high), bins=bins, range=(low, high))
    return (edges[1:] + edges[:-1]) / 2, 100.0 * counts / max(1, counts.sum())


def fit(figure: go.Figure, columns: int) -> None:
    """Lets a title too long for the width go on in another line.

    Args:
        figure: has room for one line.
        columns: how many stand side by side; `PHONE` where each has the width of a phone.
    """
    room = _ROOM.get(columns, 170) - 84  # the tool bar stands beside the title
    title = _in_lines(figure.layout.title.text or "", room)
    breaks = title.count("<br>") - (figure.layout.title.text or "").count("<br>")
    figure.layout.title.text = title
    figure.layout.title.pad.t = TOP + LINE * title.count("<br>") // 2
    if figure.layout.margin.t is not None:
        figure.layout.margin.t += LINE * breaks


def _in_lines(title: str, pixels: float) -> str:
    """A title with breaks, so that no line is wider; Chinese characters are twice as wide."""
    lines, used = [""], 0.0
    for word in _WIDE.findall(title.replace("<br>", " ")):
        width = 13.0 if len(word) == 1 and ord(word) >= 0x2E80 else 7.3 * len(word.rstrip())
        if lines[-1] and used + width > pixels:
            lines[-1] = lines[-1].rstrip()
            lines.append("")
            used = 0.0
        lines[-1] += word
        used += width + 3.5 * (len(word) - len(word.rstrip()))
    return "<br>".join(lines)


def _plain(traces: list[Any], x: str, y: str, title: str, height: int) -> go.Figure:
    layout = {
        "template": TEMPLATE,
        "height": height,
        "title": {"text": title, **TITLE},
        "margin": {"l": 60, "r": 12, "t": 60 if title else 30, "b": 46},
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        "barmode": "group",
        "xaxis": {"title": {"text": x}, "gridcolor": GRID},
        "yaxis": {"title": {"text": y}, "gridcolor": GRID},
    }
    return go.Figure(traces, layout)
