"""Idea 3c: what every branch of the atrous spatial pyramid answers, and what it is worth."""

from __future__ import annotations

import streamlit as st

from app.explorer import controls
from app.explorer.exhibits.aspp import responses, worth
from app.explorer.look import Look, current
from app.explorer.show import figures, fragment, heading
from app.text import t
from core.inside.inspection import FILLS


def draw(look: Look) -> None:
    """Draws the page."""
    lang, config = look.lang, look.info.config
    heading(lang, "aspp")
    kind = t(f"atrous.{config.aspp}", lang)
    rates = ", ".join(map(str, config.aspp_rates))
    st.caption(t("aspp.this", lang, kind=kind, rates=rates))
    _responses(look)
    _worth(look)


@fragment
def _responses(look: Look) -> None:
    lang = look.lang
    views = {name: t(f"aspp.{name}", lang) for name in ("strength", "pca")}
    view = controls.choice("answer", t("aspp.view", lang), views, buttons=True)
    with st.spinner(t("explorer.computing", lang)):
        shown = responses(look, colour=view == "pca")
    figures(lang, "aspp", shown, columns=3)
    if view == "strength":
        st.caption(t("aspp.same_bar", lang))


@fragment
def _worth(look: Look) -> None:
    """Each part hidden in turn: how far the depth moves."""
    lang = look.lang
    st.subheader(t("aspp.worth", lang))
    st.markdown(t("aspp.worth_note", lang))
    fills = {fill: t(f"stacking.fill_{fill}", lang) for fill in FILLS}
    fill = controls.choice("fill", t("stacking.fill", lang), fills, buttons=True)
    with st.spinner(t("explorer.computing", lang)):
        shown, total, pools = worth(look, fill)
    figures(lang, "aspp-worth", shown, columns=3)
    if pools:
        st.caption(t("aspp.pooling_note", lang))
    figures(lang, "aspp-worth-mean", [total])


draw(current())
