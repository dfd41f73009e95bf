"""Idea 4: what is stacked at a level of the decoder, and what each input is worth."""

from __future__ import annotations

import streamlit as st

from app.explorer import controls
from app.explorer.exhibits.fusion import hidden, parts_of, stacked
from app.explorer.exhibits.pyramids import level_label
from app.explorer.look import STRIDES, Look, current
from app.explorer.show import figures, fragment, heading
from app.text import t
from core.inside.inspection import FILLS


@fragment
def draw(look: Look) -> None:
    """Draws the page."""
    lang = look.lang
    heading(lang, "stacking")
    names = {str(STRIDES[i]): level_label(lang, i) for i in range(1, len(STRIDES))}
    chosen = controls.choice("level", t("stacking.level", lang), names, default="8", buttons=True)
    level = STRIDES[1:].index(int(chosen))
    with st.spinner(t("explorer.computing", lang)):
        inputs = stacked(look, level)
    figures(lang, "stacked", inputs, columns=4)
    parts = parts_of(look, level)
    st.table(
        {
            t("stacking.part", lang): [t(f"stacking.input_{name}", lang) for name in parts],
            t("stacking.channels", lang): [str(len(part)) for part in parts.values()],
            t("stacking.spread", lang): [f"{float(part.std()):.3f}" for part in parts.values()],
        }
    )
    st.caption(t("stacking.spread_note", lang))
    st.subheader(t("stacking.worth", lang))
    st.markdown(t("stacking.worth_note", lang))
    fills = {fill: t(f"stacking.fill_{fill}", lang) for fill in FILLS}
    fill = controls.choice("fill", t("stacking.fill", lang), fills, buttons=True)
    with st.spinner(t("explorer.computing", lang)):
        shown, means = hidden(look, level, fill)
    figures(lang, "occlusion", shown, columns=2)
    figures(lang, "occlusion-mean", [means])


draw(current())
