"""Figures on a page: maps on the canvas, charts by Plotly, and what a reader takes home of them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import plotly.graph_objects as go
import streamlit as st
from numpy.typing import NDArray

from app.common.translations import t
from app.explorer.display import npz
from app.explorer.offline_page import Part, html_page
from app.explorer.plots.charts import Bar
from app.explorer.plots.maps import PLACE, SCRIPT, STYLE, Map, message
from app.explorer.session_view import SessionView, current

MAX_FIGURE_BYTES = 8_000_000


@dataclass(frozen=True)
class Figure:
    """One figure with what a reader may take home of it.

    Attributes:
        name: of its files; letters, digits and hyphens.
        figure: as drawn.
        alt: one sentence for those who cannot see it.
        data: arrays by name, at full resolution, for the .npz.
        on_box: called with the ends (x0, x1, y0, y1) of a box that the reader draws on a map, in
            the photo's pixels; None where boxes zoom.
        on_point: called with the pixel (x, y) of the photo that the reader clicks on a map.
    """

    name: str
    figure: go.Figure | Map
    alt: str
    data: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    on_box: Callable[[float, float, float, float], None] | None = None
    on_point: Callable[[float, float], None] | None = None


_maps = st.components.v2.component("lapdepth_maps", html=PLACE, css=STYLE, js=SCRIPT)


def mapped(
    view: SessionView,
    name: str,
    title: str,
    values: NDArray[np.floating],
    bar: Bar,
    /,
    *,
    alt: str = "",
    over: bool = False,
    part: str = "",
    level: int = -1,
    **data: NDArray[Any],
) -> Figure:
    """A map of one value per pixel of the session's photo.

    Args:
        title: above it, and what those hear who cannot see it where there is no `alt`.
        values: (h, w); NaN is left blank.
        over: draw it over the photo.
        part, level: see `Map`.
        data: what the reader may take home.
    """
    below = view.screen if over else None
    shown = Map(view.size, title, values, bar, below, part=part, level=level)
    return Figure(name, shown, alt or title, data)


def pictured(
    view: SessionView,
    name: str,
    title: str,
    rgb: NDArray[np.uint8],
    /,
    *,
    alt: str = "",
    linked: bool = True,
    **data: NDArray[Any],
) -> Figure:
    """The same for a picture (h, w, 3) uint8; not linked where its places are none of the photo."""
    size = view.size if linked else (rgb.shape[1], rgb.shape[0])
    return Figure(name, Map(size, title, rgb=rgb, linked=linked), alt or title, data)


def figures(
    lang: str,
    group: str,
    shown: Sequence[Figure],
    *,
    columns: int = 1,
    photo: str = "",
    bare: bool = False,
    ready: bytes = b"",
) -> None:
    """Draws figures side by side (one below the other on a phone) with one download menu.

    Args:
        group: names the figures.
        photo: whose pointer and zoom the maps share; empty for the page's own.
        bare: without buttons and downloads, for small pictures.
        ready: the message of the maps where it has been made before.
    """
    photo = photo or current().photo.sha256
    if all(isinstance(item.figure, Map) for item in shown):
        _draw_maps(lang, group, shown, ready, columns=columns, photo=photo, bare=bare)
    else:
        for start in range(0, len(shown), columns):
            row = shown[start : start + columns]
            places = st.columns(columns) if columns > 1 else [st.container()]
            for place, item in zip(places, row, strict=False):
                with place:
                    if isinstance(item.figure, Map):
                        _draw_maps(lang, f"{group}-{item.name}", [item], columns=1, photo=photo)
                    else:
                        _draw_chart(f"figure-{group}-{item.name}", item, item.figure)
    if not bare:
        _downloads(lang, group, shown)


def _draw_maps(
    lang: str, group: str, shown: Sequence[Figure], ready: bytes = b"", **sheet: Any
) -> None:
    key = f"maps-{group}"

    def asked(what: str) -> dict[str, Any]:
        call = next(filter(None, (getattr(item, f"on_{what}") for item in shown)), None)

        def told() -> None:
            value = st.session_state[key].get(what)
            if value is not None and call is not None:
                call(*value)

        return {} if call is None else {f"on_{what}_change": told}

    data = ready or maps_message(lang, shown, name=group, **sheet)
    _maps(key=key, data=data, **asked("point"), **asked("box"))


def maps_message(lang: str, *rows: Sequence[Figure], **sheet: Any) -> bytes:
    """Maps in the form that the canvas reads, here and in a saved page; `sheet` is `message`'s."""
    maps = [
        [
            (item.figure, item.alt, {"point": bool(item.on_point), "box": bool(item.on_box)})
            for item in row
            if isinstance(item.figure, Map)
        ]
        for row in rows
    ]
    names = ("in", "out", "whole", "save", "hint", "sum")
    return message(*maps, words={name: t(f"canvas.{name}", lang) for name in names}, **sheet)


def _draw_chart(key: str, item: Figure, chart: go.Figure) -> None:
    if chart.layout.meta:
        st.markdown(f"**{chart.layout.meta}**")
    if on_phone():
        chart.update_layout(dragmode=False)  # a finger on it scrolls the page
    picture = {"format": "png", "filename": item.name, "scale": 2}
    # A drag zooms and a double click shows all again: more buttons would cover the chart.
    config = {
        "displaylogo": False,
        "modeBarButtons": [["toImage"]],
        "toImageButtonOptions": picture,
    }
    st.plotly_chart(chart, width="stretch", key=key, alt=item.alt, config=config)


def on_phone() -> bool:
    """Whether the browser says that it runs on a phone."""
    return "Mobi" in (st.context.headers.get("User-Agent") or "")


def parts_of(
    lang: str, group: str, shown: Sequence[Figure], columns: int, photo: str = ""
) -> list[Part]:
    """Figures as parts of a saved page: neighbouring maps share a canvas."""
    parts: list[Part] = []
    for is_map, run in itertools.groupby(shown, lambda item: isinstance(item.figure, Map)):
        items = list(run)
        if is_map:
            parts.append(("", maps_message(lang, items, columns=columns, name=group, photo=photo)))
        else:
            parts += [(item.alt, cast(go.Figure, item.figure)) for item in items]
    return parts


def _downloads(lang: str, group: str, shown: Sequence[Figure]) -> None:
    held = [item for item in shown if item.data]

    def page() -> bytes:
        return html_page(group, parts_of(lang, group, shown, 1), lang).encode()

    def arrays() -> bytes:
        several = len(held) > 1
        named = [
            (f"{item.name}-{name}" if several else name, value)
            for item in held
            for name, value in item.data.items()
        ]
        return npz(dict(named))

    with st.popover(t("explorer.download", lang), icon=":material/download:", type="tertiary"):
        st.caption(t("explorer.download_png", lang))
        html, data = (t(f"explorer.download_{kind}", lang) for kind in ("html", "data"))
        once: dict[str, Any] = {"on_click": "ignore"}
        st.download_button(html, page, f"{group}.html", "text/html", key=f"html-{group}", **once)
        if held:
            kind = "application/octet-stream"
            st.download_button(data, arrays, f"{group}.npz", kind, key=f"data-{group}", **once)
