"""What every page begins with: title, explanation, task, formulas and their source."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from pathlib import Path

import streamlit as st

from app.common.text import keys, t
from app.explorer import controls
from app.explorer.page_table import PAGES, TOUR

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


# Where the controls stand when a page's task is done.
TASKS: Mapping[str, Mapping[str, object]] = {
    "levels": {"view": "montage"},
    "differences": {"same": False},
    "spp": {"grids": "1248"},
    "atrous": {"aspp": "classic"},
    "aspp": {"answer": "pca"},
    "stacking": {"level": "1"},
    "coarse_to_fine": {"g16": 0.0},
    "weights": {"ws": False},
    "loss": {"lambda": 1.0, "noise": 0.0},
}
OUTCOMES, DONE = "outcomes of guesses", "tasks done"
"""What the session's state calls page -> what came of the guess there, and the pages done."""


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
    newly_done(page)
    if page in st.session_state.get(DONE, ()):
        return f":green[:material/check_circle: **{t('tour.done', lang)}**]"
    waits = page in TASKS and controls.is_on(TOUR)
    return f":gray[:material/radio_button_unchecked: {t('tour.open', lang)}]" if waits else ""


def newly_done(page: str) -> bool:
    """Whether the page's task has been done just now, and not before."""
    done: set[str] = st.session_state.setdefault(DONE, set())
    task = TASKS.get(page, {})
    met = all(st.session_state.get(key) == value for key, value in task.items())
    if not task or not met or page in done:
        return False
    done.add(page)
    return True


def progress(lang: str) -> None:
    """How far the reader of the tour is."""
    outcomes = st.session_state.get(OUTCOMES, {})
    guessed = [outcome(lang)[0] for outcome in outcomes.values() if outcome is not None]
    st.markdown(
        t(
            "tour.progress",
            lang,
            guessed=len(guessed),
            count=sum(1 for page in PAGES if f"guess.{page.key}" in keys()),
            right=sum(guessed),
            done=len(st.session_state.get(DONE, ())),
            tasks=len(TASKS),
        )
    )
