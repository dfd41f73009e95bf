"""Idea 3c: what every branch of the atrous spatial pyramid answers, and what it is worth."""

from __future__ import annotations

import numpy as np
import streamlit as st
from torch import Tensor

from app.common.translations import t
from app.explorer import controls
from app.explorer.cache import occluded
from app.explorer.display import fragment
from app.explorer.figure_view import Figure, figures, mapped, pictured
from app.explorer.figures.features import colours_of
from app.explorer.page_head import heading
from app.explorer.plots.charts import ENERGY, bar_of, bars_figure, signed_bar
from app.explorer.session_view import SessionView, run_page
from core.inspect.inspection import FILLS


def part_name(view: SessionView, part: str) -> str:
    """What a part of ASPP's concatenation is called."""
    if part.startswith("branch"):
        rate = view.info.config.aspp_rates[int(part.removeprefix("branch"))]
        return t("atrous.rate", view.lang, rate=rate)
    return t(f"aspp.{part}", view.lang)


def responses(view: SessionView, *, colour: bool = False) -> list[Figure]:
    """The 1x1, every branch and the merged feature: mean strength, or three colours."""
    lang, trace = view.lang, view.trace
    parts: list[tuple[str, Tensor]] = [("reduced", trace.reduced)]
    parts += [(f"branch{i}", branch) for i, branch in enumerate(trace.branches)]
    parts.append(("merged", trace.context))
    strengths = [part[0].abs().mean(0).numpy() for _, part in parts]
    unit = t("explorer.unit", lang)
    shared = bar_of(strengths[1:-1], unit, colours=ENERGY)
    shown = []
    for (name, part), strength in zip(parts, strengths, strict=True):
        title = part_name(view, name)
        alt, response = t("aspp.response_alt", lang, name=title), part[0].numpy()
        if colour:
            picture, _ = colours_of(part[0])
            shown.append(pictured(view, name, title, picture, alt=alt, response=response))
        else:
            branch = name.startswith("branch")
            bar = shared if branch else bar_of(strength, unit, colours=ENERGY)
            shown.append(mapped(view, name, title, strength, bar, alt=alt, response=response))
    return shown


def worth(view: SessionView, fill: str) -> tuple[list[Figure], Figure, bool]:
    """Change of depth without each part, the mean changes as bars, and whether one part pools."""
    lang = view.lang
    effects = occluded(view.key, None, fill, view.info, view.trace)
    changes = {name: change * view.factor for name, change in effects.items()}
    bar = signed_bar(list(changes.values()), view.unit)
    shown = []
    for name, change in changes.items():
        title = part_name(view, name)
        alt = t("aspp.worth_alt", lang, name=title)
        shown.append(mapped(view, f"without-{name}", title, change, bar, alt=alt, change_m=change))
    means = [float(np.abs(change).mean()) for change in changes.values()]
    title = t("aspp.worth_bars", lang)
    labels = [part_name(view, name) for name in changes]
    figure = bars_figure({title: means}, labels, x="", y=view.unit, title=title)
    total = Figure("aspp-worth-mean", figure, title, {"mean_abs_change_m": np.array(means)})
    return shown, total, "pooling" in changes


def draw(view: SessionView) -> None:
    """Draws the page."""
    lang, config = view.lang, view.info.config
    heading(lang, "aspp")
    kind = t(f"atrous.{config.aspp}", lang)
    rates = ", ".join(map(str, config.aspp_rates))
    st.caption(t("aspp.this", lang, kind=kind, rates=rates))
    _responses(view)
    _worth(view)


@fragment
def _responses(view: SessionView) -> None:
    lang = view.lang
    views = {name: t(f"aspp.{name}", lang) for name in ("strength", "pca")}
    answer = controls.choice("answer", t("aspp.view", lang), views, buttons=True)
    with st.spinner(t("explorer.computing", lang)):
        shown = responses(view, colour=answer == "pca")
    figures(lang, "aspp", shown, columns=3)
    if answer == "strength":
        st.caption(t("aspp.same_bar", lang))


@fragment
def _worth(view: SessionView) -> None:
    """Each part hidden in turn: how far the depth moves."""
    lang = view.lang
    st.subheader(t("aspp.worth", lang))
    st.markdown(t("aspp.worth_note", lang))
    fills = {fill: t(f"stacking.fill_{fill}", lang) for fill in FILLS}
    fill = controls.choice("fill", t("stacking.fill", lang), fills, buttons=True)
    with st.spinner(t("explorer.computing", lang)):
        shown, total, pools = worth(view, fill)
    figures(lang, "aspp-worth", shown, columns=3)
    if pools:
        st.caption(t("aspp.pooling_note", lang))
    figures(lang, "aspp-worth-mean", [total])


if __name__ == "__main__":
    run_page(__file__)
