"""Idea 1: what the encoder's four features hold."""

from __future__ import annotations

import math

import numpy as np
import streamlit as st

from app.common.translations import t
from app.explorer import controls
from app.explorer.display import fragment
from app.explorer.figure_view import Figure, figures, pictured
from app.explorer.figures.features import Found, colours_of, encoder_features, grey_tiles, montage
from app.explorer.page_head import heading
from app.explorer.session_view import SessionView, run_page
from core.model.encoders import ENCODERS

STRIDES = (2, 4, 8, 16)


def feature_pictures(view: SessionView, found: Found, *, count: int | None = None) -> list[Figure]:
    """One picture per level, fine -> coarse.

    Args:
        count: None folds all channels into three colours, a number shows so many one by one.
    """
    lang = view.lang
    shown = []
    for stride, feature in zip(STRIDES, reversed(found.features), strict=True):
        channels, height, width = feature.shape
        title = t("levels.feature", lang, stride=stride, channels=channels, w=width, h=height)
        if count is None:
            picture, share = colours_of(feature)
            note = t("levels.pca_alt", lang, stride=stride, percent=100 * share)
        else:
            tiles = grey_tiles(feature, count)
            picture = montage(tiles, math.ceil(math.sqrt(len(tiles))))
            note = t("levels.montage_alt", lang, stride=stride, count=len(tiles))
        name, values, linked = f"feature-{stride}", np.asarray(feature), count is None
        shown.append(pictured(view, name, title, picture, alt=note, linked=linked, feature=values))
    return shown


OWN = "model"  # as `page_head.TASKS` has it


@fragment
def draw(view: SessionView) -> None:
    """Draws the page."""
    lang = view.lang
    heading(lang, "levels")
    left, right = st.columns(2)
    with left:
        own = t("levels.own", lang, encoder=view.info.config.encoder)
        options = {OWN: own} | {name: name for name in ENCODERS}
        encoder = controls.choice("enc", t("levels.encoder", lang), options)
    with right:
        views = {name: t(f"levels.{name}", lang) for name in ("pca", "montage")}
        kind = controls.choice("view", t("levels.view", lang), views, buttons=True)
    count = None
    if kind == "montage":
        label = t("levels.count", lang)
        count = int(controls.slider("n", label, 4, 64, 16, step=4, pattern="%.0f"))
    with st.spinner(t("explorer.computing", lang)):
        found = encoder_features(view, None if encoder == OWN else encoder)
        shown = feature_pictures(view, found, count=count)
    if found.weights != "trained":
        st.warning(t(f"levels.{found.weights}", lang), icon=":material/info:")
    figures(lang, "encoder", shown, columns=2)
    st.caption(" ".join(item.alt for item in shown))


if __name__ == "__main__":
    run_page(__file__)
