"""For teachers: a link to a page as it stands, without the controls that would distract.

The address holds the state of every control already; a lesson's link also names the controls that
are not drawn. An exercise sheet goes with it: one page to print, with or without the answers.
"""

from __future__ import annotations

import html
from urllib.parse import urlencode, urlsplit

import streamlit as st

from app.common.translations import keys, t
from app.explorer import controls
from app.explorer.display import download
from app.explorer.offline_page import html_page

MENU = "menu"
"""The name under which the list of pages can be hidden."""
PANEL = "lesson panel"
"""What the session's state calls whether the panel is open."""
_FREE = ("lang",)  # a lesson leaves the language to its reader
_SHEET = """<style>
@page { size: A4; margin: 14mm }
body { font-size: 14px; line-height: 1.35; max-width: 800px }
h1 { font-size: 1.25rem; margin: .2rem 0 }
ol { padding-left: 1.4rem; margin: .4rem 0 } li { margin: .35rem 0; break-inside: avoid }
.line { border-bottom: 1px solid #999; height: 1.35rem }
.answer { color: #00517d } .name { display: flex; gap: 2rem } .name span { flex: 1 }
a { color: inherit; overflow-wrap: anywhere }
</style>"""


def panel(lang: str) -> None:
    """Draws what a teacher needs; inside a lesson, the way out of it."""
    if controls.hidden():
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(t("lesson.inside", lang))
            st.button(t("lesson.leave", lang), on_click=controls.show_all, type="tertiary")
        return
    box = st.expander(
        t("lesson.title", lang), icon=":material/school:", key=PANEL, on_change="rerun"
    )
    if not box.open:  # the field with the link makes a browser load a syntax highlighter
        return
    with box:
        st.markdown(t("lesson.lead", lang))
        names = {MENU: t("lesson.menu", lang), **controls.drawn()}
        offered = [name for name in names if name not in _FREE]
        hide = st.multiselect(
            t("lesson.hide", lang),
            offered,
            format_func=names.__getitem__,
            placeholder=t("lesson.nothing", lang),
            key=f"lesson {st.context.url}",
        )
        link = lesson_link(st.context.url or "", st.query_params.to_dict(), hide)
        st.code(link, language=None, wrap_lines=True)
        if "own" in st.query_params:
            st.caption(t("lesson.own_photo", lang))
        with st.container(horizontal=True):
            for answers in (False, True):
                word = "answers" if answers else "sheet"
                name = f"lapdepth-{word}-{lang}.html"
                page = exercise_sheet(lang, link, answers=answers)
                download(t(f"lesson.{word}", lang), page.encode(), name, "text/html")
        st.caption(t("lesson.print", lang))


def lesson_link(address: str, state: dict[str, str], hide: list[str]) -> str:
    """The page's address with its state and the names of hidden controls.

    Args:
        address: of the page, with or without a query.
        state: the query: control -> value. The language is left to the reader.
    """
    query = {name: value for name, value in state.items() if name not in (*_FREE, controls.HIDE)}
    if hide:
        query[controls.HIDE] = ",".join(hide)
    plain = urlsplit(address)._replace(query=urlencode(query, safe=","), fragment="")
    return plain.geturl()


def exercise_sheet(lang: str, link: str, *, answers: bool = False) -> str:
    """One page to print, as HTML that needs no network.

    Args:
        answers: print them instead of lines to write on.
    """
    questions = [key for key in keys() if key.startswith("sheet.") and key.endswith("_question")]
    items = []
    for key in questions:
        answer = html.escape(t(key.replace("_question", "_answer"), lang))
        below = f'<div class="answer">{answer}</div>' if answers else '<div class="line"></div>' * 3
        items.append(f"<li>{html.escape(t(key, lang))}{below}</li>")
    name, day = html.escape(t("lesson.name", lang)), html.escape(t("lesson.day", lang))
    shown = html.escape(link)
    parts = [
        _SHEET,
        "" if answers else f'<p class="name"><span>{name}</span><span>{day}</span></p>',
        f'<p>{html.escape(t("lesson.how", lang))}<br><a href="{shown}">{shown}</a></p>',
        f"<ol>{''.join(items)}</ol>",
    ]
    title = t("lesson.answers_title" if answers else "lesson.sheet_title", lang)
    return html_page(title, parts, lang)
