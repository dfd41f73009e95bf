"""Idea 3c: what every branch of the atrous spatial pyramid answers, and what it is worth."""

from __future__ import annotations

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from torch import Tensor

from app.explorer import controls
from app.explorer.bars import ENERGY, bar_of, signed_bar
from app.explorer.cache import occluded_branches
from app.explorer.figures_curves import bars_figure
from app.explorer.figures_maps import SMALL, map_figure, picture_figure
from app.explorer.look import Look, current
from app.explorer.show import Shown, figures, fragment, heading
from app.text import t
from core.features import principal_colours
from core.inspection import FILLS


def draw(look: Look) -> None:
    """Draws the page."""
    lang = look.lang
    heading(lang, "aspp")
    config = look.info.config
    st.caption(t("aspp.this", lang, kind=t(f"atrous.{config.aspp}", lang), rates=config.aspp_rates))
    _responses(look)
    _worth(look)


@fragment
def _responses(look: Look) -> None:
    lang, trace = look.lang, look.trace
    views = {name: t(f"aspp.{name}", lang) for name in ("strength", "pca")}
    view = controls.choice("view", t("aspp.view", lang), views, buttons=True)
    parts: list[tuple[str, Tensor]] = [("reduced", trace.reduced)]
    parts += [(f"branch{i}", branch) for i, branch in enumerate(trace.branches)]
    parts.append(("merged", trace.context))
    strengths = [part[0].abs().mean(0).numpy() for _, part in parts]
    bar = bar_of(strengths[1:-1], t("explorer.unit", lang), colours=ENERGY)
    shown = []
    for (name, part), strength in zip(parts, strengths, strict=True):
        title = _name(look, name)
        if view == "strength":
            own = bar if name.startswith("branch") else bar_of(strength, bar.unit, colours=ENERGY)
            figure = map_figure(strength, own, size=look.size, title=title, longest=SMALL)
        else:
            figure = picture_figure(_colours(part), size=look.size, title=title, longest=SMALL)
        alt = t("aspp.response_alt", lang, name=title)
        shown.append(Shown(name, figure, alt, {"response": part[0].numpy()}))
    figures(lang, "aspp", shown, columns=3)
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
        effects = occluded_branches(look.key, fill, look.info, look.trace)
    changes = {name: change * look.prediction.focal_scale for name, change in effects.items()}
    bar = signed_bar(list(changes.values()), "m")
    shown = []
    for name, change in changes.items():
        title = _name(look, name)
        figure = map_figure(change, bar, size=look.size, title=title, longest=SMALL)
        alt = t("aspp.worth_alt", lang, name=title)
        shown.append(Shown(f"without-{name}", figure, alt, {"change_m": change}))
    means = [float(np.abs(change).mean()) for change in changes.values()]
    title = t("aspp.worth_bars", lang)
    figure = bars_figure(
        {title: means}, [_name(look, name) for name in changes], x="", y="m", title=title
    )
    figures(lang, "aspp-worth", shown, columns=3)
    if "pooling" in changes:
        st.caption(t("aspp.pooling_note", lang))
    total = Shown("aspp-worth-mean", figure, title, {"mean_abs_change_m": np.array(means)})
    figures(lang, "aspp-worth-mean", [total])


def _name(look: Look, part: str) -> str:
    if part.startswith("branch"):
        rate = look.info.config.aspp_rates[int(part.removeprefix("branch"))]
        return t("atrous.rate", look.lang, rate=rate)
    return t(f"aspp.{part}", look.lang)


def _colours(part: Tensor) -> NDArray[np.uint8]:
    colours, _ = principal_colours(part[0])
    picture: NDArray[np.uint8] = (colours.numpy() * 255).round().astype(np.uint8)
    return picture


draw(current())
