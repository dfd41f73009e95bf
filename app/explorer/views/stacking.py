"""Idea 4: what is stacked at a level of the decoder, and what each input is worth."""

from __future__ import annotations

import numpy as np
import streamlit as st

from app.explorer import controls
from app.explorer.bars import Bar, signed_bar
from app.explorer.cache import occluded
from app.explorer.figures_curves import bars_figure
from app.explorer.figures_maps import MEDIUM, map_figure, picture_figure
from app.explorer.look import NAMES, STRIDES, Look, current
from app.explorer.show import Shown, figures, fragment, heading
from app.text import t
from core.features import principal_colours
from core.inspection import FILLS


@fragment
def draw(look: Look) -> None:
    """Draws the page."""
    lang = look.lang
    heading(lang, "stacking")
    names = {
        str(stride): t("explorer.level_name", lang, name=name, stride=stride)
        for name, stride in zip(NAMES[1:], STRIDES[1:], strict=True)
    }
    chosen = controls.choice("level", t("stacking.level", lang), names, default="8", buttons=True)
    level = STRIDES[1:].index(int(chosen))
    _inputs(look, level)
    _worth(look, level)


def _inputs(look: Look, level: int) -> None:
    """The concatenation: fused feature, coarser residual, band."""
    lang, trace = look.lang, look.trace
    stacked = trace.fused[level][0]
    feature, residual, band = stacked[:-4], stacked[-4], stacked[-3:]
    colours, shares = principal_colours(feature)
    max_depth = look.info.config.max_depth
    grey = band.mean(0).numpy()
    coarser, own = NAMES[level], NAMES[level + 1].replace("R", "X")
    span = Bar(0.0, max_depth, "m", look.colours)
    metres = residual.numpy() * max_depth
    shown = [
        Shown(
            "fused-feature",
            picture_figure(
                (colours.numpy() * 255).round().astype(np.uint8),
                size=look.size,
                title=t("stacking.feature", lang, name=own, channels=len(feature)),
                longest=MEDIUM,
            ),
            t("stacking.feature_alt", lang, percent=100 * float(shares.sum())),
            {"feature": feature.numpy()},
        ),
        Shown(
            "coarser-residual",
            map_figure(
                metres,
                span if level == 0 else signed_bar(metres, "m"),
                size=look.size,
                title=t("stacking.residual", lang, name=coarser),
                longest=MEDIUM,
            ),
            t("stacking.residual", lang, name=coarser),
            {"residual_m": metres},
        ),
        Shown(
            "band",
            map_figure(
                grey,
                signed_bar(grey, t("differences.band_unit", lang)),
                size=look.size,
                title=t("stacking.band", lang, number=4 - level),
                longest=MEDIUM,
            ),
            t("stacking.band", lang, number=4 - level),
            {"band": band.numpy()},
        ),
    ]
    figures(lang, "stacked", shown, columns=3)
    parts = {"feature": feature, "residual": stacked[-4:-3], "band": band}
    st.table(
        {
            t("stacking.part", lang): [t(f"stacking.input_{name}", lang) for name in parts],
            t("stacking.channels", lang): [str(len(part)) for part in parts.values()],
            t("stacking.spread", lang): [f"{float(part.std()):.3f}" for part in parts.values()],
        }
    )
    st.caption(t("stacking.spread_note", lang))


def _worth(look: Look, level: int) -> None:
    lang = look.lang
    st.subheader(t("stacking.worth", lang))
    st.markdown(t("stacking.worth_note", lang))
    fills = {fill: t(f"stacking.fill_{fill}", lang) for fill in FILLS}
    fill = controls.choice("fill", t("stacking.fill", lang), fills, buttons=True)
    with st.spinner(t("explorer.computing", lang)):
        effects = occluded(look.key, level, fill, look.info, look.trace)
    changes = {name: change * look.prediction.focal_scale for name, change in effects.items()}
    bar = signed_bar(list(changes.values()), "m")
    shown = []
    for name, change in changes.items():
        title = t("stacking.without", lang, name=t(f"stacking.input_{name}", lang))
        figure = map_figure(change, bar, size=look.size, title=title, longest=MEDIUM)
        shown.append(Shown(f"without-{name}", figure, title, {"change_m": change}))
    figures(lang, "occlusion", shown, columns=2)
    means = [float(np.abs(change).mean()) for change in changes.values()]
    labels = [t(f"stacking.input_{name}", lang) for name in changes]
    title = t("stacking.bars", lang)
    figure = bars_figure({title: means}, labels, x="", y="m", title=title)
    figures(
        lang,
        "occlusion-mean",
        [Shown("occlusion-mean", figure, title, {"mean_abs_change_m": np.array(means)})],
    )


draw(current())
