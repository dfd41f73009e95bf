"""Idea 1: what the encoder's four features hold."""

from __future__ import annotations

import streamlit as st

from app.explorer import controls
from app.explorer.computed.feature_view import encoder_features
from app.explorer.exhibits.levels import feature_pictures
from app.explorer.look import Look, current
from app.explorer.show import figures, fragment, heading
from app.text import t
from core.model.encoders import ENCODERS

OWN = "model"


@fragment
def draw(look: Look) -> None:
    """Draws the page."""
    lang = look.lang
    heading(lang, "levels")
    left, right = st.columns(2)
    with left:
        own = t("levels.own", lang, encoder=look.info.config.encoder)
        options = {OWN: own} | {name: name for name in ENCODERS}
        encoder = controls.choice("enc", t("levels.encoder", lang), options)
    with right:
        views = {name: t(f"levels.{name}", lang) for name in ("pca", "montage")}
        view = controls.choice("view", t("levels.view", lang), views, buttons=True)
    count = None
    if view == "montage":
        label = t("levels.count", lang)
        count = int(controls.slider("n", label, 4, 64, 16, step=4, pattern="%.0f"))
    with st.spinner(t("explorer.computing", lang)):
        found = encoder_features(look, None if encoder == OWN else encoder)
        shown = feature_pictures(look, found, count=count)
    if found.weights != "trained":
        st.warning(t(f"levels.{found.weights}", lang), icon=":material/info:")
    figures(lang, "encoder", shown, columns=2)
    st.caption(" ".join(item.alt for item in shown))


draw(current())
