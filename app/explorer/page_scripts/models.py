"""Two models, or two settings of one, on the same photo."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from app.common.text import t
from app.explorer import cache, controls
from app.explorer.display import Figure, figures, fragment, heading, numbers, on_phone
from app.explorer.plots.bars import Bar, bar_of, signed_bar
from app.explorer.plots.curves import scatter_figure
from app.explorer.plots.maps import MEDIUM, TEMPLATE, heatmap, picture
from app.explorer.session_view import SessionView, current, predicted_with


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
            font={"size": 13},
        )
    figure.update_xaxes(visible=False, constrain="domain", range=[-0.5, size[0] - 0.5])
    figure.update_yaxes(
        visible=False, constrain="domain", range=[size[1] - 0.5, -0.5], scaleanchor="x"
    )
    figure.update_layout(
        template=TEMPLATE, height=int(height), margin={"l": 4, "r": 4, "t": 0, "b": 0}
    )
    return figure


@fragment
def draw(view: SessionView) -> None:
    """Draws the page."""
    lang = view.lang
    heading(lang, "models")
    other = _second(view)
    a, b = view.prediction.depth, other.prediction.depth
    difference = b - a
    bar = bar_of([a, b], view.unit, colours=view.colours)
    names = (_name(view), _name(other))
    left, _ = st.columns(2)
    with left:
        layouts = {"2": t("models.grid", lang), "1": t("models.column", lang)}
        columns = int(
            controls.choice(
                "rows",
                t("models.layout", lang),
                layouts,
                default="1" if on_phone() else "2",
                buttons=True,
            )
        )
    figure = linked_maps(
        [
            (t("start.photo", lang), view.screen, None),
            (t("models.difference", lang), difference, signed_bar(difference, view.unit)),
            (f"A: {names[0]}", a, bar),
            (f"B: {names[1]}", b, bar),
        ],
        size=view.size,
        columns=columns,
    )
    st.caption(t("models.zoom", lang))
    data = {"depth_a_m": a, "depth_b_m": b, "difference_m": difference}
    figures(lang, "models", [Figure("two-models", figure, t("models.alt", lang), data)])
    there = np.isfinite(difference)
    a, b, difference = a[there], b[there], difference[there]
    ratio = b / np.maximum(a, 1e-6)
    numbers(
        [
            (t("models.mean", lang), f"{np.abs(difference).mean():.3f} m", None),
            (
                t("models.relative", lang),
                f"{100 * (np.abs(difference) / np.maximum(a, 1e-6)).mean():.1f} %",
                None,
            ),
            (t("models.ratio", lang), f"{np.median(ratio):.3f}", t("models.ratio_hint", lang)),
            ("A", f"{view.prediction.milliseconds:.0f} ms", names[0]),
            ("B", f"{other.prediction.milliseconds:.0f} ms", names[1]),
        ]
    )
    title = t("models.scatter", lang)
    points = scatter_figure(a, b, x="A (m)", y="B (m)", title=title)
    data = {"depth_a_m": view.prediction.depth, "depth_b_m": other.prediction.depth}
    figures(lang, "models-scatter", [Figure("scatter", points, title, data)])


def _second(view: SessionView) -> SessionView:
    """The other model and its settings; the first differs from A wherever that is possible."""
    lang = view.lang
    infos = {info.name: info for info in cache.studio().models()}
    others = [name for name in infos if name != view.info.name]
    left, middle, right = st.columns(3, vertical_alignment="bottom")
    with left:
        chosen = controls.choice(
            "model2",
            t("models.second", lang),
            {name: name for name in infos},
            default=others[0] if others else view.info.name,
        )
    with middle:
        height = controls.resolution("res2", lang)
    with right:
        flip = controls.toggle("flip2", t("explorer.flip", lang), not others)
    if not others:
        st.caption(t("models.only_one", lang))
    resolution = None if height is None else round(height)
    with st.spinner(t("explorer.working", lang)):
        other = replace(view, info=infos[chosen])
        return predicted_with(other, resolution=resolution, flip=flip)


def _name(view: SessionView) -> str:
    width, height = view.prediction.settings["working_size"]
    flip = " + flip" if view.request.flip else ""
    return f"{view.info.name}, {width} x {height}{flip}"


if __name__ == "__main__":  # run by Streamlit; the imported module keeps its caches
    importlib.import_module("app.explorer.page_scripts.models").draw(current())
