"""What surrounds every page: language, menu, side bar, errors, the way to the next page."""

from __future__ import annotations

import functools
import gc
from collections.abc import Mapping, Sequence
from pathlib import Path

# Loaded before the first visitors come: Plotly takes a pandas that another visitor's thread is
# still loading for a whole one.
import pandas  # noqa: F401 - see above
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app.common.translations import t
from app.explorer import controls
from app.explorer.display import guarded
from app.explorer.figure_view import on_phone
from app.explorer.guesses import ask
from app.explorer.lesson import MENU, panel
from app.explorer.other_page import ways
from app.explorer.page_head import TOUR_PAGES, progress, tour_place
from app.explorer.page_table import PAGES, TOUR, way_on
from app.explorer.session_view import current, show_next
from app.explorer.sidebar import choose_language, choose_view, photo_place

ICON = Path(__file__).with_name("icon.svg")
_STYLE = """
<style>
[data-testid="stMainBlockContainer"] { padding-top: 3.9rem; max-width: 1500px }
.st-key-masthead { align-items: center; gap: .5rem }
.st-key-masthead [data-testid="stMarkdown"] p { font-size: 1.25rem; font-weight: 650 }
.st-key-lang [data-testid="stWidgetLabel"] { display: none }  /* its two buttons say it */
.st-key-menu [data-testid="stElementContainer"] { margin: -1px 0 }
.st-key-menu [data-testid="stCaptionContainer"] { padding-top: .5rem }
/* Streamlit marks a link that has the keyboard as it marks the page one is on. */
a:focus-visible { outline: 2px solid currentColor !important; outline-offset: 1px }
/* Streamlit's grey on white is hard to read. */
[data-testid="stCaptionContainer"] { color: inherit; opacity: .78 }
[data-testid="stMetricValue"] { font-size: 1.45rem }
/* Over the picture, not over the title above it. */
[data-testid="stFullScreenFrame"]:has([data-testid="stImage"])
  [data-testid="stElementToolbar"] { top: 0 }
h1 { font-size: 1.9rem !important; padding-bottom: .2rem }
@media (max-width: 640px) {
  [data-testid="stMainBlockContainer"] { padding: 4rem .8rem 2rem }
}
</style>
"""
# Streamlit's upload field speaks English only.
_UPLOAD_STYLE = """
<style>
[data-testid="stFileUploaderDropzone"] button p,
[data-testid="stFileUploaderDropzoneInstructions"] span { font-size: 0 }
[data-testid="stFileUploaderDropzone"] button p::after { content: "%s"; font-size: .9rem }
[data-testid="stFileUploaderDropzoneInstructions"] span::after { content: "%s"; font-size: .85rem }
</style>
"""


def run() -> None:
    """Draws one run of the app: the page that the address names."""
    st.set_page_config(
        page_title="LapDepth Studio",
        page_icon=str(ICON),
        layout="wide",
        initial_sidebar_state="collapsed" if on_phone() else "auto",
    )
    st.html(_STYLE)
    masthead = st.container(horizontal=True, key="masthead")
    with masthead:
        st.markdown(t("studio.title"), width="stretch")
        lang = choose_language()
    if lang != "en":
        words = t("explorer.upload_button", lang), t("explorer.upload_limit", lang)
        st.html(_UPLOAD_STYLE % words)
    sections: dict[str, list[st.Page]] = {}
    for spec in PAGES:
        page = st.Page(
            spec.path,
            title=spec.title(lang),
            icon=spec.icon,
            url_path=spec.key,
            default=spec.key == PAGES[0].key,
        )
        header = t(f"explorer.section_{spec.section}", lang) if spec.section else ""
        sections.setdefault(header, []).append(page)
    chosen = st.navigation(sections, position="hidden")
    controls.turn_to(chosen.url_path)
    key = chosen.url_path or PAGES[0].key
    photo = photo_place(lang, opened=not chosen.url_path)
    menu = st.sidebar.container(gap=None, key="menu")
    with st.sidebar:
        controls.toggle(TOUR, t("tour.toggle", lang), hint=t("tour.hint", lang))
    whole = MENU not in controls.hidden()
    try:
        _draw_page(lang, key, chosen, photo, masthead)
    finally:  # the menu after the page: its many links would hold up the page's pictures
        with menu:
            _menu(sections if whole else {})
    panel(lang)
    if whole:
        way_on(key, lang)
    _spare_the_libraries()


def _draw_page(
    lang: str, key: str, chosen: st.Page, photo: DeltaGenerator, masthead: DeltaGenerator
) -> None:
    """Draws the chosen page, or the sentence that says why there is none."""
    sent = None
    with guarded():
        try:
            view, sent = choose_view(lang, photo)
        finally:
            with masthead:
                ways(lang, sent)
        show_next(view)
        tour_place(lang, key)
        if not ask(current(), key):
            chosen.run()
            if controls.is_on(TOUR) and key == TOUR_PAGES[-1]:
                st.success(t("tour.end", lang), icon=":material/tour:")
                progress(lang)


def _menu(sections: Mapping[str, Sequence[st.Page]]) -> None:
    """Links to all pages, by section."""
    for header, pages in sections.items():
        if header:
            st.caption(f"**{header}**")
        for page in pages:
            st.page_link(page, label=page.title, icon=page.icon)


@functools.cache
def _spare_the_libraries() -> None:
    """Takes what is loaded by now out of the garbage collector's rounds, once per process.

    Streamlit collects garbage after every run of a page; walking through the modules of torch and
    plotly, which never become garbage, cost 130 ms each time a slider moved.
    """
    gc.collect()
    gc.freeze()
