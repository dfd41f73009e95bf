"""The first page: the photo, its depth, and what the other pages explain."""

from __future__ import annotations

import importlib
from collections.abc import Sequence

import numpy as np
import streamlit as st

from app.common.summary import depth_range
from app.common.translations import t
from app.explorer import controls
from app.explorer.display import numbers
from app.explorer.figure_view import Figure, figures, maps_message, on_phone
from app.explorer.figures.measuring import with_error
from app.explorer.figures.network_map import draw_map
from app.explorer.figures.photo import photo_and_depth
from app.explorer.memory import cached
from app.explorer.page_head import formulas, progress, title
from app.explorer.page_scripts.coarse_to_fine import SUMS
from app.explorer.page_table import PAGES, TOUR
from app.explorer.session_view import SessionView, current


def draw(view: SessionView) -> None:
    """Draws the page."""
    lang = view.lang
    title(lang, "start")
    if controls.is_on(TOUR):
        progress(lang)
    else:
        if view.example:
            st.markdown(t("start.begin", lang))
        begin, icon = t("tour.begin", lang), ":material/tour:"
        st.button(begin, on_click=controls.put, args=(TOUR, True), icon=icon)
    shown = photo_and_depth(view)
    ready = _message(f"{view.space_key}-{view.colours}", lang, shown)
    figures(lang, "start", shown, columns=len(shown), ready=ready)
    if view.prediction.confidence is not None:
        st.caption(t("explorer.expected_note", lang))
    extent = depth_range(view.result)
    numbers(
        [
            (
                t("start.nearest", lang),
                with_error(extent.min, None, view.unit),
                t("start.nearest_hint", lang),
            ),
            (
                t("start.middle", lang),
                with_error(extent.median, None, view.unit),
                t("start.middle_hint", lang),
            ),
            (
                t("start.farthest", lang),
                with_error(extent.max, None, view.unit),
                t("start.farthest_hint", lang),
            ),
            (
                t("start.time", lang),
                f"{view.prediction.milliseconds:.0f} ms",
                t("start.time_hint", lang),
            ),
        ]
    )
    low, high = (view.scale / (1 + np.exp(-edge)) for edge in SUMS)
    st.caption(t("start.range", lang, low=low, high=high))
    formulas(lang, "start")
    _model_card(view)
    st.subheader(t("map.title", lang))
    if controls.toggle("net", t("map.show", lang), hint=t("map.hint", lang)):
        with st.spinner(t("explorer.computing", lang)):
            draw_map(view)
    _all_pages(lang)


@cached
def _message(key: str, lang: str, _shown: Sequence[Figure]) -> bytes:  # noqa: ARG001  (names it)
    """What the canvas draws, made once for all who look at the same photo."""
    photo = current().photo.sha256
    return maps_message(lang, _shown, columns=len(_shown), name="start", photo=photo)


def _all_pages(lang: str) -> None:
    """What is on each page; drawn where the box is open, since so many links take a browser long.

    On a phone, where the menu is hidden, it is open at first.
    """
    words, icon = t("start.tour", lang), ":material/menu_book:"
    box = st.expander(words, on_phone(), key="all pages", icon=icon, on_change="rerun")
    if not box.open:
        return
    with box:
        for start in range(1, len(PAGES), 3):
            for place, page in zip(st.columns(3), PAGES[start : start + 3], strict=False):
                place.page_link(page.path, label=f"**{page.title(lang)}**", icon=page.icon)
                place.caption(t(f"{page.key}.short", lang))


def _model_card(view: SessionView) -> None:
    info, lang = view.info, view.lang
    with st.expander(t("start.model", lang, name=info.name), icon=":material/info:"):
        rows = [
            (t("start.encoder", lang), info.config.encoder),
            (t("start.trained_on", lang), info.training_data),
            (t("start.licence", lang), info.licence),
            (t("start.max_depth", lang), f"{info.config.max_depth:g} m"),
        ]
        for table, word in ((info.measured, "measured"), (info.published, "published")):
            for name, value in table.items():
                rows.append((f"{t(f'start.{word}', lang)}: {name}", _plain(value)))
        pairs = (t("explorer.pair", lang, name=f"**{name}**", value=v) for name, v in rows)
        st.markdown("\n\n".join(pairs))


def _plain(value: object) -> str:
    if isinstance(value, dict):
        figures_only = {key: item for key, item in value.items() if key != "command"}
        return ", ".join(f"{key} {_plain(item)}" for key, item in figures_only.items())
    return f"{value:.3g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":  # run by Streamlit; the imported module keeps its caches
    importlib.import_module("app.explorer.page_scripts.start").draw(current())
