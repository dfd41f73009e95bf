"""How a page is laid out: heading, figures with their downloads, numbers, sources."""

from __future__ import annotations

import functools
import io
import itertools
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
import plotly.graph_objects as go
import streamlit as st
from numpy.typing import NDArray

from app.common.text import error_sentence, keys, t
from app.explorer.offline_page import Part, html_page
from app.explorer.plots.curves import PHONE, fit
from app.explorer.plots.maps import PLACE, SCRIPT, STYLE, Map, PixelSum, message
from app.explorer.session_view import SessionView, current
from core.errors import DepthError

FORMULAS = Path(__file__).with_name("formulas.toml")


@functools.cache
def formulas_of(page: str) -> tuple[tuple[str, ...], str]:
    """A page's formulas in LaTeX, and their source in Markdown; empty for a page without."""
    with FORMULAS.open("rb") as file:
        table = tomllib.load(file)
    entry = table.get(page, {"formulas": [], "source": ""})
    source: str = entry["source"]
    if source.startswith("paper"):
        source = table["paper"] + source.removeprefix("paper")
    return tuple(entry["formulas"]), source


MAX_FIGURE_BYTES = 8_000_000
# A drag zooms and a double click shows all again: more buttons would cover the titles.
_HIDDEN = ["select2d", "lasso2d", "autoScale2d", "zoom2d", "pan2d", "zoomIn2d", "zoomOut2d"]
# Where the controls stand when a page's task is done; the other tasks are for the eye alone.
TASKS: Mapping[str, Mapping[str, object]] = {
    "levels": {"view": "montage"},
    "spp": {"grids": "1248"},
    "atrous": {"aspp": "classic"},
    "stacking": {"level": "1"},
    "coarse_to_fine": {"g16": 0.0},
    "weights": {"ws": False},
    "loss": {"lambda": 1.0, "noise": 0.0},
}
OUTCOMES, DONE = "outcomes of guesses", "tasks done"
"""What the session's state calls page -> what came of the guess there, and the pages done."""
LANGUAGE = "language drawn"
"""What the session's state calls the language of the page."""
Function = TypeVar("Function", bound=Callable[..., None])


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


def figures(
    lang: str,
    group: str,
    shown: Sequence[Figure],
    *,
    columns: int = 1,
    downloads: bool = True,
    photo: str = "",
    total: PixelSum | None = None,
    bare: bool = False,
) -> None:
    """Draws figures side by side (one below the other on a phone) with one download menu.

    Args:
        lang: of the page.
        group: names the figures.
        shown: maps, charts or both.
        columns: so many side by side.
        downloads: whether there is a menu.
        photo: whose pointer and zoom the maps share; empty for the page's own.
        total: the sum of one pixel, spelled out below the maps.
        bare: without buttons and downloads, for small pictures.
    """
    photo = photo or current().photo.sha256
    if all(isinstance(item.figure, Map) for item in shown):
        _draw_maps(lang, group, shown, columns=columns, photo=photo, total=total, bare=bare)
    else:
        for start in range(0, len(shown), columns):
            row = shown[start : start + columns]
            places = st.columns(columns) if columns > 1 else [st.container()]
            for place, item in zip(places, row, strict=False):
                with place:
                    if isinstance(item.figure, Map):
                        _draw_maps(lang, f"{group}-{item.name}", [item], columns=1, photo=photo)
                    else:
                        _draw_chart(f"figure-{group}-{item.name}", item, item.figure, columns)
    if downloads and not bare:
        _downloads(lang, group, shown)


def _draw_maps(lang: str, group: str, shown: Sequence[Figure], **sheet: Any) -> None:
    key = f"maps-{group}"

    def asked(what: str) -> dict[str, Callable[[], None]]:
        call = next(filter(None, (getattr(item, f"on_{what}") for item in shown)), None)

        def told() -> None:
            value = st.session_state[key].get(what)
            if value is not None and call is not None:
                call(*value)

        return {} if call is None else {f"on_{what}_change": told}

    data = maps_message(lang, shown, name=group, **sheet)
    _maps(key=key, data=data, **asked("point"), **asked("box"))


def maps_message(lang: str, shown: Sequence[Figure], **sheet: Any) -> bytes:
    """Maps in the form that the canvas reads, here and in a saved page; `sheet` is `message`'s."""
    maps = [
        (item.figure, item.alt, {"point": bool(item.on_point), "box": bool(item.on_box)})
        for item in shown
        if isinstance(item.figure, Map)
    ]
    names = ("in", "out", "whole", "save", "hint", "sum")
    return message(maps, words={name: t(f"canvas.{name}", lang) for name in names}, **sheet)


def _draw_chart(key: str, item: Figure, chart: go.Figure, columns: int) -> None:
    phone = on_phone()
    fit(chart, PHONE if phone else columns)
    if phone:
        chart.update_layout(dragmode=False)  # a finger on it scrolls the page
    st.plotly_chart(chart, width="stretch", key=key, alt=item.alt, config=_config(item.name, phone))


def on_phone() -> bool:
    """Whether the browser says that it runs on a phone."""
    return "Mobi" in (st.context.headers.get("User-Agent") or "")


def heading(lang: str, page: str) -> None:
    """A page's title, explanation, formulas and source, and the words that these pages use."""
    st.title(t(f"{page}.title", lang))
    st.markdown(t(f"{page}.lead", lang))
    outcome = st.session_state.get(OUTCOMES, {}).get(page)
    if outcome is not None:
        met, words = outcome(lang)
        (st.success if met else st.info)(words, icon=":material/psychology_alt:")
    if f"try.{page}" in keys():
        name, words = f"**{t('explorer.try', lang)}**", t(f"try.{page}", lang)
        line = f":material/touch_app: {t('explorer.pair', lang, name=name, value=words)}"
        st.markdown(f"{line} {_ticked(page, lang)}")
    formulas, source = formulas_of(page)
    if formulas:
        with st.expander(t("explorer.formula", lang), icon=":material/function:"):
            for formula in formulas:
                st.latex(formula)
            name = t("explorer.source", lang)
            st.caption(t("explorer.pair", lang, name=name, value=source))
        with st.expander(t("explorer.words", lang), icon=":material/menu_book:"):
            for key in keys():
                if key.startswith("words."):
                    st.markdown(t(key, lang))


def _ticked(page: str, lang: str) -> str:
    """A tick once the controls of the page have been where its task wants them."""
    done: set[str] = st.session_state.setdefault(DONE, set())
    task = TASKS.get(page)
    if task and all(st.session_state.get(key) == value for key, value in task.items()):
        done.add(page)
    return f":green[:material/check_circle: **{t('tour.done', lang)}**]" if page in done else ""


def numbers(items: Sequence[tuple[str, str, str | None]]) -> None:
    """Figures in a row: name, value with its unit, explanation or None."""
    with st.container(horizontal=True):
        for label, value, help_ in items:
            st.metric(label, value, help=help_, width="content")


def truth_note(view: SessionView) -> None:
    """Where the measured depth of the photo comes from, or how to bring it."""
    known = view.truth
    if known is None:
        st.caption(t("explorer.truth_missing", view.lang))
    else:
        st.caption(t("explorer.truth_from", view.lang, name=known.name))


@contextmanager
def guarded() -> Iterator[None]:
    """The one place where an error meant for the user becomes a sentence on a page."""
    try:
        yield
    except (DepthError, MemoryError) as error:
        st.error(
            error_sentence(error, st.session_state.get(LANGUAGE, "en")), icon=":material/error:"
        )
        st.stop()


def fragment(function: Function) -> Function:
    """A part of a page that runs again alone when one of its controls moves."""

    def run(*arguments: Any, **keywords: Any) -> None:
        with guarded():
            function(*arguments, **keywords)

    run.__name__, run.__qualname__ = function.__name__, function.__qualname__
    run.__module__ = function.__module__
    return cast(Function, st.fragment(run))


def download(
    label: str,
    content: bytes | Callable[[], bytes | str],
    name: str,
    media_type: str,
    hint: str | None = None,
) -> None:
    """A button for a file, which is made when it is pressed; its name is also the button's key."""
    st.download_button(
        label,
        content,
        name,
        media_type,
        key=f"save {name}",
        on_click="ignore",
        icon=":material/download:",
        help=hint,
    )


def npz(data: Mapping[str, NDArray[Any]]) -> bytes:
    """Arrays as a compressed .npz."""
    stream = io.BytesIO()
    np.savez_compressed(stream, **cast(Any, dict(data)))
    return stream.getvalue()


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
        st.download_button(
            t("explorer.download_html", lang),
            page,
            f"{group}.html",
            "text/html",
            key=f"html-{group}",
            on_click="ignore",
        )
        if held:
            st.download_button(
                t("explorer.download_data", lang),
                arrays,
                f"{group}.npz",
                "application/octet-stream",
                key=f"data-{group}",
                on_click="ignore",
            )


def _config(name: str, phone: bool) -> dict[str, Any]:
    config = {
        "displaylogo": False,
        "displayModeBar": "hover",
        "modeBarButtonsToRemove": _HIDDEN,
        "toImageButtonOptions": {"format": "png", "filename": name, "scale": 2},
        "scrollZoom": False,
    }
    return config | {"modeBarButtons": [["toImage"]]} if phone else config
