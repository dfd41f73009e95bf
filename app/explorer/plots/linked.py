"""Several maps of one photo in one Plotly figure, so that zooming into one zooms into all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from app.explorer.plots.bars import Bar
from app.explorer.plots.maps import MEDIUM, TEMPLATE, heatmap, picture


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
    each = min(900 / columns * size[1] / size[0], 460)
    top, below = 26, 56  # pixels for a panel's title and its bar
    height = rows * (each + top + below)
    figure = make_subplots(
        rows,
        columns,
        shared_xaxes="all",
        shared_yaxes="all",
        horizontal_spacing=0.02,
        vertical_spacing=0.0,
    )
    for index, (title, values, bar) in enumerate(panels):
        row, column = divmod(index, columns)
        ceiling = 1 - row / rows  # of this panel, in shares of the figure
        bottom = ceiling - (each + top) / height
        trace: Any = (
            picture(values, size, longest)
            if bar is None
            else heatmap(values, bar, size, longest, "")
        )
        if bar is not None:
            trace.colorbar.update(x=(column + 0.5) / columns, y=bottom, len=0.7 / columns)
        figure.add_trace(trace, row=row + 1, col=column + 1)
        figure.update_yaxes(domain=[bottom, bottom + each / height], row=row + 1, col=column + 1)
        figure.add_annotation(
            text=f"<b>{title}</b>",
            x=column / columns + 0.005,
            y=ceiling - 4 / height,
            xref="paper",
            yref="paper",
            xanchor="left",
            yanchor="top",
            showarrow=False,
            font={"size": 13, "color": "#1a1a1a"},
        )
    figure.update_xaxes(visible=False, constrain="domain", range=[-0.5, size[0] - 0.5])
    figure.update_yaxes(
        visible=False, constrain="domain", range=[size[1] - 0.5, -0.5], scaleanchor="x"
    )
    figure.update_layout(
        template=TEMPLATE, height=int(height), margin={"l": 4, "r": 4, "t": 0, "b": 0}
    )
    return figure
