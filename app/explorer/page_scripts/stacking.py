"""Idea 4: what is stacked at a level of the decoder, and what each input is worth."""

from __future__ import annotations

import numpy as np
import streamlit as st
import torch
from torch import Tensor

from app.common.translations import t
from app.explorer import controls
from app.explorer.cache import occluded
from app.explorer.display import fragment
from app.explorer.figure_view import Figure, figures, mapped, pictured
from app.explorer.figures.features import colours_of
from app.explorer.figures.pyramids import level_label
from app.explorer.page_head import heading
from app.explorer.plots.charts import Bar, bars_figure, signed_bar
from app.explorer.session_view import NAMES, STRIDES, SessionView, run_page
from core.inspect.inspection import FILLS


def parts_of(view: SessionView, level: int) -> dict[str, Tensor]:
    """The concatenation of one level (0 is 1/8), split into its three parts."""
    stacked = view.trace.fused[level][0]
    return {"feature": stacked[:-4], "residual": stacked[-4:-3], "band": stacked[-3:]}


def stacked(view: SessionView, level: int) -> list[Figure]:
    """The three parts of the concatenation as pictures, then all of it."""
    lang, parts = view.lang, parts_of(view, level)
    picture, share = colours_of(parts["feature"])
    max_depth = view.info.config.max_depth
    metres = parts["residual"][0].numpy() * max_depth
    grey = parts["band"].mean(0).numpy()
    whole = Bar(0.0, max_depth, "m", view.colours)
    own = NAMES[level + 1].replace("R", "X")
    feature = t("stacking.feature", lang, name=own, channels=len(parts["feature"]))
    residual = t("stacking.residual", lang, name=NAMES[level])
    band = t("stacking.band", lang, number=4 - level)
    whole_stack = view.trace.fused[level][0]
    # Each channel counts alike, as behind the norm that follows; the feature would drown the rest.
    spread, mean = torch.std_mean(whole_stack, (1, 2), keepdim=True)
    mixed, mixed_share = colours_of((whole_stack - mean) / spread.clamp_min(1e-6))
    stack = t("stacking.stack", lang, channels=len(whole_stack))
    feature_alt = t("stacking.feature_alt", lang, percent=100 * share)
    stack_alt = t("stacking.stack_alt", lang, percent=100 * mixed_share)
    bar = signed_bar(metres, "m") if level else whole
    band_bar = signed_bar(grey, t("differences.band_unit", lang))
    arrays = {name: part.numpy() for name, part in parts.items()}
    return [
        pictured(
            view, "fused-feature", feature, picture, alt=feature_alt, feature=arrays["feature"]
        ),
        mapped(view, "coarser-residual", residual, metres, bar, residual_m=metres),
        mapped(view, "band", band, grey, band_bar, band=arrays["band"]),
        pictured(view, "stack", stack, mixed, alt=stack_alt, stack=whole_stack.numpy()),
    ]


def hidden(view: SessionView, level: int, fill: str) -> tuple[list[Figure], Figure]:
    """Change of depth without each input, and the mean changes as bars."""
    lang = view.lang
    effects = occluded(view.key, level, fill, view.info, view.trace)
    changes = {name: change * view.factor for name, change in effects.items()}
    bar = signed_bar(list(changes.values()), view.unit)
    shown = []
    for name, change in changes.items():
        title = t("stacking.without", lang, name=t(f"stacking.input_{name}", lang))
        shown.append(mapped(view, f"without-{name}", title, change, bar, change_m=change))
    means = [float(np.abs(change).mean()) for change in changes.values()]
    labels = [t(f"stacking.input_{name}", lang) for name in changes]
    title = t("stacking.bars", lang)
    figure = bars_figure({title: means}, labels, x="", y=view.unit, title=title)
    return shown, Figure("occlusion-mean", figure, title, {"mean_abs_change_m": np.array(means)})


@fragment
def draw(view: SessionView) -> None:
    """Draws the page."""
    lang = view.lang
    heading(lang, "stacking")
    names = {str(STRIDES[i]): level_label(lang, i) for i in range(1, len(STRIDES))}
    chosen = controls.choice("level", t("stacking.level", lang), names, default="8", buttons=True)
    level = STRIDES[1:].index(int(chosen))
    with st.spinner(t("explorer.computing", lang)):
        inputs = stacked(view, level)
    figures(lang, "stacked", inputs, columns=4)
    parts = parts_of(view, level)
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
        shown, means = hidden(view, level, fill)
    figures(lang, "occlusion", shown, columns=2)
    figures(lang, "occlusion-mean", [means])


if __name__ == "__main__":
    run_page(__file__)
