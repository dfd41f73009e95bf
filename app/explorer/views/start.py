"""The first page: the photo, its depth, and what the other pages explain."""

from __future__ import annotations

import numpy as np
import streamlit as st

from app.explorer.bars import bar_of
from app.explorer.figures_maps import MEDIUM, map_figure, picture_figure
from app.explorer.look import Look, current
from app.explorer.page_table import PAGES
from app.explorer.show import Shown, figures, heading, numbers
from app.text import t


def draw(look: Look) -> None:
    """Draws the page."""
    lang = look.lang
    heading(lang, "start")
    depth = look.prediction.depth
    bar = bar_of(depth[:: max(1, depth.shape[0] // 500), ::], t("explorer.metres", lang))
    photo = t("start.photo", lang)
    shown = [
        Shown(
            "photo",
            picture_figure(look.screen, size=look.size, title=photo, longest=MEDIUM),
            photo,
        ),
        Shown(
            "depth",
            map_figure(
                depth,
                bar.coloured(look.colours),
                size=look.size,
                title=t("start.depth", lang),
                longest=MEDIUM,
            ),
            t("start.depth_alt", lang),
            {"depth_m": depth},
        ),
    ]
    figures(lang, "start", shown, columns=2)
    near, middle, far = np.quantile(depth[::4, ::4], [0.01, 0.5, 0.99])
    numbers(
        [
            (t("start.nearest", lang), f"{near:.2f} m", t("start.nearest_hint", lang)),
            (t("start.middle", lang), f"{middle:.2f} m", None),
            (t("start.farthest", lang), f"{far:.2f} m", t("start.farthest_hint", lang)),
            (t("start.time", lang), f"{look.prediction.milliseconds:.0f} ms", None),
        ]
    )
    _range_note(look)
    _model_card(look)
    st.subheader(t("start.tour", lang))
    for page in PAGES[1:]:
        st.page_link(
            page.path,
            label=f"**{page.title(lang)}** — {t(f'{page.key}.short', lang)}",
            icon=page.icon,
        )


def _range_note(look: Look) -> None:
    low, high = (look.scale / (1 + np.exp(-edge)) for edge in (-4.0, 5.0))
    st.caption(t("start.range", look.lang, low=low, high=high))


def _model_card(look: Look) -> None:
    info, lang = look.info, look.lang
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
        st.table({"": [name for name, _ in rows], " ": [value for _, value in rows]})


def _plain(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_plain(item)}" for key, item in value.items())
    return f"{value:.3g}" if isinstance(value, float) else str(value)


draw(current())
