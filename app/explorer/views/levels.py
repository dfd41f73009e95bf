"""Idea 1: what the encoder's four features hold."""

from __future__ import annotations

import numpy as np
import streamlit as st

from app.explorer import controls
from app.explorer.feature_view import encoder_features, grey_tiles
from app.explorer.figures_maps import SMALL, montage, picture_figure
from app.explorer.look import Look, current
from app.explorer.show import Shown, figures, fragment, heading
from app.text import t
from core.features import principal_colours
from core.model.encoders import ENCODERS

STRIDES = (2, 4, 8, 16)
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
    count = 16
    if view == "montage":
        label = t("levels.count", lang)
        count = int(controls.slider("n", label, 4, 64, 16, step=4, pattern="%.0f"))
    with st.spinner(t("explorer.computing", lang)):
        found = encoder_features(look, None if encoder == OWN else encoder)
    if found.weights != "trained":
        st.warning(t(f"levels.{found.weights}", lang), icon=":material/info:")
    shown = []
    for stride, feature in zip(STRIDES, reversed(found.features), strict=True):
        channels, height, width = feature.shape
        title = t("levels.feature", lang, stride=stride, channels=channels, w=width, h=height)
        if view == "pca":
            colours, shares = principal_colours(feature)
            picture = (colours.numpy() * 255).round().astype(np.uint8)
            percent = 100 * float(shares.sum())
            note = t("levels.pca_alt", lang, stride=stride, percent=percent)
            size = look.size
        else:
            tiles = grey_tiles(feature, count)
            columns = int(np.ceil(np.sqrt(len(tiles))))
            picture = montage(tiles, columns)
            note = t("levels.montage_alt", lang, stride=stride, count=len(tiles))
            size = (picture.shape[1], picture.shape[0])
        figure = picture_figure(picture, size=size, title=title, longest=2 * SMALL)
        shown.append(Shown(f"feature-{stride}", figure, note, {"feature": feature.numpy()}))
    figures(lang, "encoder", shown, columns=2)
    st.caption(" ".join(item.alt for item in shown))


draw(current())
