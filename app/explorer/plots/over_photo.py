"""Figures drawn over the photo: a map, points, a box, the ends of a line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from app.explorer.plots.bars import Bar, colour_stops
from app.explorer.plots.maps import MEDIUM, colorbar, framed, heatmap, picture

CLICKABLE = 30_000  # places that a picture can be clicked at
HIDDEN = {"marker": {"opacity": 0}}
PLAIN = {"marker": {"opacity": 1}}


def over_photo(
    rgb: NDArray[np.uint8],
    values: NDArray[np.floating],
    bar: Bar,
    *,
    size: tuple[int, int],
    title: str = "",
    longest: int = MEDIUM,
) -> go.Figure:
    """A map drawn over the photo, blank where it is NaN."""
    layer = heatmap(values, bar, size, longest, "")
    layer.opacity = 0.75
    return framed([picture(rgb, size, longest), layer], size, title)


def points_over_photo(
    rgb: NDArray[np.uint8],
    u: NDArray[np.floating],
    v: NDArray[np.floating],
    values: NDArray[np.floating] | None = None,
    bar: Bar | None = None,
    *,
    size: tuple[int, int],
    title: str = "",
    longest: int = MEDIUM,
    marker_size: float = 4,
) -> go.Figure:
    """Points drawn over the photo, coloured by a value where there is one.

    Args:
        rgb: the photo.
        u, v: (n,) pixel coordinates of the photo.
        values: (n,), coloured by `bar`.
        bar: given with `values`.
        size: width and height of the photo.
        title: above.
        longest: pixels of the longer side shown.
        marker_size: in screen pixels.
    """
    marker: dict[str, Any] = {"size": marker_size, "color": "#ff9f1c"}
    hover = "x %{x:.0f}, y %{y:.0f}<extra></extra>"
    if values is not None and bar is not None:
        marker |= {
            "color": values.astype(np.float32),
            "colorscale": colour_stops(bar.colours),
            "cmin": bar.low,
            "cmax": bar.high,
            "colorbar": colorbar(bar, ""),
        }
        number = f"%{{marker.color:.{bar.digits}f}} {bar.unit}"
        hover = f"x %{{x:.0f}}, y %{{y:.0f}}<br>{number}<extra></extra>"
    else:
        marker["line"] = {"color": "black", "width": 1}
    dots = go.Scattergl if len(u) > 3000 else go.Scatter
    points = dots(
        x=u.astype(np.float32),
        y=v.astype(np.float32),
        mode="markers",
        marker=marker,
        hovertemplate=hover,
        showlegend=False,
    )
    return framed(
        [picture(rgb, size, longest), points], size, title, barred=bar is not None, locked=True
    )


def boxable(figure: go.Figure, size: tuple[int, int], box: tuple[float, ...]) -> None:
    """Shows a box (x0, x1, y0, y1) on a picture, and lets the pointer draw another one."""
    x0, x1, y0, y1 = box
    figure.add_shape(type="rect", x0=x0, x1=x1, y0=y0, y1=y1, line={"color": "#D55E00", "width": 3})
    # Plotly tells of a box only where there are points that it could select.
    figure.add_scatter(
        x=[0, size[0] - 1],
        y=[0, size[1] - 1],
        mode="markers",
        marker={"opacity": 0},
        hoverinfo="skip",
        showlegend=False,
    )
    lock(figure, size)
    figure.update_layout(dragmode="select", selectionrevision=str(box))


def clickable(figure: go.Figure, depth: NDArray[np.floating], place: str, unit: str = "m") -> None:
    """Lets the pointer read the depth of a picture and pick a place of it.

    Plotly tells of clicks only where there are points, so a grid of points that nobody sees lies
    over the picture, a few pixels apart.

    Args:
        figure: in the coordinates of `depth`.
        depth: (H, W).
        unit: of depth.
        place: names a place: what else is drawn, so that a click is no choice that lasts.
    """
    height, width = depth.shape
    step = max(1.0, (width * height / CLICKABLE) ** 0.5)
    column = np.arange(0, width, step).astype(np.int32)
    row = np.arange(0, height, step).astype(np.int32)
    figure.add_scattergl(
        x=np.tile(column, len(row)),
        y=np.repeat(row, len(column)),
        customdata=depth[np.ix_(row, column)].astype(np.float32).ravel(),
        mode="markers",
        marker={"opacity": 0},
        selected=HIDDEN,
        unselected=HIDDEN,
        hovertemplate=f"x %{{x}}, y %{{y}}<br>%{{customdata:.2f}} {unit}<extra></extra>",
        showlegend=False,
    )
    figure.update_layout(dragmode=False, selectionrevision=place)


def lock(figure: go.Figure, size: tuple[int, int]) -> None:
    """Shows just the photo's area, wherever else something is drawn."""
    figure.update_xaxes(range=[-0.5, size[0] - 0.5])
    figure.update_yaxes(range=[size[1] - 0.5, -0.5], autorange=False)


def line_between(
    figure: go.Figure, ends: Sequence[tuple[float, float]], names: Sequence[str], length: str
) -> None:
    """Draws named ends and the line between them, with its length beside the middle."""
    (u0, v0), (u1, v1) = ends
    figure.add_scatter(
        x=[u0, u1],
        y=[v0, v1],
        text=list(names),
        mode="lines+markers+text",
        line={"color": "#D55E00", "width": 3},
        marker={"size": 11, "color": "#D55E00", "line": {"color": "white", "width": 2}},
        textfont={"size": 18, "color": "white", "shadow": "0 0 4px black"},
        textposition="top center",
        selected=PLAIN,
        unselected=PLAIN,
        hoverinfo="skip",
        showlegend=False,
    )
    figure.add_annotation(
        x=(u0 + u1) / 2,
        y=(v0 + v1) / 2,
        text=length,
        showarrow=False,
        yshift=-16,
        font={"size": 14, "color": "white"},
        bgcolor="#D55E00",
        borderpad=3,
    )
