"""Everything to take home: the report, the depth in every format, the link to this view."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path

import streamlit as st

from app.common.saving import safe_stem, save_outputs
from app.common.translations import t
from app.explorer.display import download
from app.explorer.page_head import heading
from app.explorer.report import report
from app.explorer.session_view import SessionView, run_page
from core.files.outputs import OUTPUTS


def draw(view: SessionView) -> None:
    """Draws the page."""
    lang = view.lang
    heading(lang, "export")
    _report(view)
    st.subheader(t("export.files", lang))
    st.markdown(t("export.files_note", lang))
    with st.container(horizontal=True):
        for name, output in OUTPUTS.items():
            hint = t(f"export.{name}_hint", lang)
            file_name, made = f"{view.stem}{output.suffix}", partial(_file, view, name)
            download(t(f"export.{name}", lang), made, file_name, output.media_type, hint)
        hint, made = t("export.sidecar_hint", lang), partial(_file, view, None)
        label = t("export.sidecar", lang)
        download(label, made, f"{view.stem}.json", "application/json", hint)
    st.subheader(t("export.link", lang))
    st.markdown(t("export.link_note", lang))


def _report(view: SessionView) -> None:
    """Made when asked for, since it runs every page's computations."""
    lang = view.lang
    st.subheader(t("export.report", lang))
    st.markdown(t("export.report_note", lang))
    if st.button(t("export.make", lang), key="make_report"):
        place = st.empty()

        def step(number: int, count: int, name: str) -> None:
            place.caption(t("export.making", lang, number=number, count=count, name=name))

        with st.spinner(t("export.make", lang), show_time=True):
            page = report(view, step)
        place.empty()
        st.success(t("export.made", lang, megabytes=len(page.encode()) / 1e6))
        file_name = f"{safe_stem(view.stem)}_report.html"
        download(t("export.save", lang), page.encode(), file_name, "text/html")


def _file(view: SessionView, name: str | None) -> bytes:
    """One result file, or its sidecar (None), written as the command line writes it."""
    wanted = ["color", "depth16"] if name is None else [name]
    with tempfile.TemporaryDirectory() as folder:
        saved = save_outputs(view.result, wanted, Path(folder))
        return (saved.sidecar if name is None else saved.files[name]).read_bytes()


if __name__ == "__main__":
    run_page(__file__)
