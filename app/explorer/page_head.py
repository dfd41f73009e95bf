"""What every page begins with: title, explanation, task, formulas and their source."""

from __future__ import annotations

import contextlib
import functools
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import streamlit as st

from app.common.translations import keys, t
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


Part = Callable[[Mapping[int | str, Any]], bool]
TOUR_PAGES = tuple(page.key for page in PAGES if f"guess.{page.key}" in keys())


def _at(**wanted: object) -> Part:
    return lambda state: all(state.get(key) == value for key, value in wanted.items())


def _moved(key: str) -> Part:
    return lambda state: state[key] != controls.default_of(key)


# Where the controls stand when a part of a page's task is done: key -> value, as in the address.
TASKS: Mapping[str, tuple[Part, ...]] = {
    "levels": (_at(view="montage"), _moved("enc")),
    "differences": (_at(same=False),),
    "spp": (_at(grids="1248"), lambda at: at["side"] < controls.default_of("side")),
    "atrous": (
        _at(aspp="dense"),
        _at(aspp="classic"),
        lambda at: all(abs(at[key] - 50) > 35 for key in ("px", "py")),
    ),
    "aspp": (_at(answer="pca"),),
    "stacking": (_at(level="1"),),
    "coarse_to_fine": (_at(g16=0.0), _at(g1=2.0)),
    "weights": (_at(ws=False), _at(ws=False, remeasure=True)),
    "loss": (
        lambda at: (at["lambda"], at["noise"]) == (1, 0) and _moved("scale")(at),
        lambda at: at["lambda"] <= 0.2,
        lambda at: at["noise"] > 0.1,
    ),
}
OUTCOMES, DONE = "outcomes of guesses", "parts of tasks done"
"""What the state of a session calls page -> what came of the guess, and the (page, part)s done."""


def tour_place(lang: str, page: str) -> None:
    """Which page of the tour this is, for who takes it."""
    if controls.is_on(TOUR) and page in TOUR_PAGES:
        number = TOUR_PAGES.index(page) + 1
        st.caption(t("tour.place", lang, number=number, count=len(TOUR_PAGES)))


def heading(lang: str, page: str) -> None:
    """A page's title, explanation and task, then its `formulas`."""
    title(lang, page)
    formulas(lang, page)


def title(lang: str, page: str) -> None:
    """A page's title, explanation and task."""
    st.title(t(f"{page}.title", lang))
    parts = (key for key in (f"{page}.lead", f"{page}.lead_do") if key in keys())
    st.markdown(" ".join(t(key, lang) for key in parts))  # a saved report has only the first
    outcome = st.session_state.get(OUTCOMES, {}).get(page)
    if outcome is not None:
        met, words = outcome(lang)
        (st.success if met else st.info)(words, icon=":material/psychology_alt:")
    if f"try.{page}" in keys():
        name, words = f"**{t('explorer.try', lang)}**", t(f"try.{page}", lang)
        line = f":material/touch_app: {t('explorer.pair', lang, name=name, value=words)}"
        st.markdown(f"{line} {_ticked(page, lang)}")


def formulas(lang: str, page: str) -> None:
    """A page's formulas and their source, and the words that these pages use."""
    found, source = formulas_of(page)
    if found:
        words, icon = t("explorer.formula", lang), ":material/function:"
        box = st.expander(words, key=f"formulas {page}", icon=icon, on_change="rerun")
        if box.open:  # formulas make a browser load a library
            with box:
                for formula in found:
                    st.latex(formula)
                name = t("explorer.source", lang)
                st.caption(t("explorer.pair", lang, name=name, value=source))
        glossary(lang)


def glossary(lang: str) -> None:
    """The words that the pages with formulas use, folded."""
    with st.expander(t("explorer.words", lang), icon=":material/menu_book:"):
        words = (t(key, lang) for key in keys() if key.startswith("words."))
        st.markdown("\n\n".join(words))


def _ticked(page: str, lang: str) -> str:
    """A tick once the controls of the page have been where its task wants them."""
    newly_done(page)
    if page not in TASKS:
        return ""
    met, count = _parts_done(page), len(TASKS[page])
    if met == count:
        return f":green[:material/check_circle: **{t('tour.done', lang)}**]"
    if not controls.is_on(TOUR):
        return ""
    _point_at(page)
    words = t("tour.open", lang, met=met, count=count)
    return f":gray[:material/radio_button_unchecked: {words}]"


class _Watched(Mapping[int | str, Any]):
    """The controls' values, and the one that was looked at last."""

    last: int | str = ""

    def __getitem__(self, key: int | str) -> Any:
        self.last = key
        return st.session_state[key]

    def __iter__(self) -> Iterator[int | str]:
        return iter(st.session_state)

    def __len__(self) -> int:
        return len(st.session_state)


def _point_at(page: str) -> None:
    """A ring around the control that the first open part of the page's task waits for."""
    done = st.session_state[DONE]
    part = next(p for number, p in enumerate(TASKS[page]) if (page, number) not in done)
    state = _Watched()
    with contextlib.suppress(KeyError):  # not on the page yet
        part(state)
    ring = "outline: 2px dashed #e8830c; outline-offset: 6px; border-radius: 4px"
    st.html(f"<style>.st-key-{state.last} {{ {ring} }}</style>")


def _parts_done(page: str) -> int:
    return sum(each == page for each, _ in st.session_state.get(DONE, ()))


def newly_done(page: str) -> bool:
    """Whether a part of the page's task has been done just now, and not before."""
    done: set[tuple[str, int]] = st.session_state.setdefault(DONE, set())
    before = len(done)
    for number, part in enumerate(TASKS.get(page, ())):
        with contextlib.suppress(KeyError):  # a control that is not on the page yet
            if part(st.session_state):
                done.add((page, number))
    return len(done) > before


def progress(lang: str) -> None:
    """How far the reader of the tour is."""
    outcomes = st.session_state.get(OUTCOMES, {})
    guessed = [outcome(lang)[0] for outcome in outcomes.values() if outcome is not None]
    st.markdown(
        t(
            "tour.progress",
            lang,
            guessed=len(guessed),
            count=len(TOUR_PAGES),
            right=sum(guessed),
            done=sum(_parts_done(page) == len(parts) for page, parts in TASKS.items()),
            tasks=len(TASKS),
        )
    )
