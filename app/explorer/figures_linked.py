"""Several maps of one photo in one Plotly figure, so that zooming into one zooms into all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from app.explorer.bars import Bar
from app.explorer.figures_maps import MEDIUM, TEMPLATE, heatmap, picture


def linked_maps(
    panels: Sequence[tuple[str, NDArray[Any], Bar | None]],
    *,
    size: tuple[int, int],
    columns: int = 2,
    longest: int = MEDIUM,
) -> go.Figure:
    """Maps and pictures of one photo in one figure: zooming into one zooms into all.

    Args:
        panels: title, (h, w) values or (h, w, 3) uint8, and the bar (None for pictures).
        size: width and height of the photo.
        columns: panels in a row.
        longest: pixels of the longer side shown.
    """
    rows = -(-len(panels) // columns)
    figure = make_subplots(
        rows,
        columns,
        subplot_titles=[title for title, _, _ in panels],
        shared_xaxes="all",
        shared_yaxes="all",
        horizontal_spacing=0.02,
        vertical_spacing=0.12 if rows > 1 else 0.0,
    )
    for index, (_, values, bar) in enumerate(panels):
        row, column = divmod(index, columns)
        trace: Any
        if bar is None:
            trace = picture(values, size, longest)
        else:
            trace = heatmap(values, bar, size, longest, "")
            width, height = 1 / columns, 1 / rows
            trace.colorbar |= {
                "x": (column + 0.5) * width,
                "y": 1 - (row + 1) * height + (0.06 if rows > 1 else 0) * height - 0.02,
                "len": 0.7 * width,
            }
        figure.add_trace(trace, row=row + 1, col=column + 1)
    figure.update_xaxes(visible=False, constrain="domain", range=[-0.5, size[0] - 0.5])
    figure.update_yaxes(
        visible=False, constrain="domain", range=[size[1] - 0.5, -0.5], scaleanchor="x"
    )
    each = min(900 / columns * size[1] / size[0], 460)
    figure.update_layout(
        template=TEMPLATE,
        height=int(rows * (each + 70)),
        margin={"l": 4, "r": 4, "t": 30, "b": 40},
    )
    return figure
