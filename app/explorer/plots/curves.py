"""Plotly figures of numbers: histograms, scatters, lines and bars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

# Pages style figures themselves; Plotly's own template would cost 50 ms for every figure.
TEMPLATE = "none"
GRID = "rgba(128, 128, 128, 0.25)"  # seen on a light page and on a dark one
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
    values: NDArray[np.floating],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Bin centres and the percentage in each; the outermost bins take what lies beyond."""
    flat = values[np.isfinite(values)]
    low, high = (float(q) for q in np.quantile(flat, [0.002, 0.998]))
    if not high > low:
        low, high = low - 0.5, high + 0.5
    counts, edges = np.histogram(np.clip(flat, low, high), bins=80, range=(low, high))
    return (edges[1:] + edges[:-1]) / 2, 100.0 * counts / max(1, counts.sum())


def _plain(traces: list[Any], x: str, y: str, title: str, height: int) -> go.Figure:
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
