"""Input, ground truth and output in one row: NYU, and KITTI by kind of scene."""

from __future__ import annotations

import importlib

import numpy as np
import streamlit as st

from app.common.text import t
from app.explorer import controls
from app.explorer.display import figures, fragment, heading, numbers
from app.explorer.figures.compare import Comparison, compare, row_of
from app.explorer.figures.datasets import Entry, installed, look_at
from app.explorer.session_view import Look, current
from core.data import DATA_VARIABLE, data_root
from core.evaluate.metrics import mean_metrics

ROWS = 3


@fragment
def draw(look: Look) -> None:
    """Draws the page."""
    lang = look.lang
    heading(lang, "datasets")
    sets = installed(str(data_root().resolve()))
    if not sets:
        st.info(t("datasets.none", lang, variable=DATA_VARIABLE), icon=":material/folder_open:")
        return
    names = {
        key: t(f"datasets.{key}", lang, count=len(found.entries)) for key, found in sets.items()
    }
    chosen = sets[controls.choice("set", t("datasets.set", lang), names)]
    pages = chosen.pages(ROWS)
    page = 1
    if pages > 1:
        page = int(
            controls.slider(
                "frames",
                t("datasets.page", lang, pages=pages),
                1,
                pages,
                1,
                step=1,
                pattern="%.0f",
            )
        )
    st.caption(t("datasets.protocol", lang, name=chosen.protocol.name))
    rows = []
    for place, entry in enumerate(chosen.spread(min(page, pages) - 1, ROWS)):
        with st.spinner(t("explorer.working", lang)):
            seen, sample = look_at(look, entry, chosen.protocol)
            found = compare(seen, sample.depth, chosen.protocol, align=False)
        _row(seen, found, entry, place)
        rows.append((seen, found, entry))
    _table(lang, rows)


def _row(look: Look, found: Comparison, entry: Entry, place: int) -> None:
    lang = look.lang
    st.markdown(f"**{look.photo.name}**")
    figures(lang, f"frame-{place}", row_of(look, found), columns=3)
    words = [t(f"datasets.{entry.split}", lang), look.info.name]
    if entry.measured:
        words.insert(1, t("datasets.measured", lang, how=entry.measured))
    st.caption(" · ".join(words))


def _table(lang: str, rows: list[tuple[Look, Comparison, Entry]]) -> None:
    """The frames' figures, and their mean over these frames alone."""
    mean = mean_metrics([found.metrics for _, found, _ in rows])
    numbers(
        [
            (t(f"compare.metric_{key}", lang), value, t(f"compare.hint_{key}", lang))
            for key, value in (
                ("abs_rel", f"{mean.abs_rel:.3f}"),
                ("rmse", f"{mean.rmse:.3f} m"),
                ("delta1", f"{mean.delta1:.3f}"),
            )
        ]
    )
    st.table(
        {
            t("datasets.frame", lang): [look.photo.name for look, _, _ in rows],
            t("explorer.model", lang): [look.info.name for look, _, _ in rows],
            "AbsRel": [f"{found.metrics.abs_rel:.3f}" for _, found, _ in rows],
            "RMSE (m)": [f"{found.metrics.rmse:.3f}" for _, found, _ in rows],
            "δ < 1.25": [f"{found.metrics.delta1:.3f}" for _, found, _ in rows],
            t("datasets.counted", lang): [f"{np.sum(found.valid):,}" for _, found, _ in rows],
        }
    )
    st.caption(t("datasets.mean_note", lang, count=len(rows)))


if __name__ == "__main__":  # run by Streamlit; the imported module keeps its caches
    importlib.import_module("app.explorer.pages.datasets").draw(current())
