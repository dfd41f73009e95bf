"""Two models, or two settings of one, on the same photo."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import streamlit as st

from app.explorer import cache, controls
from app.explorer.look import Look, current, predicted_with
from app.explorer.plots.bars import bar_of, signed_bar
from app.explorer.plots.curves import scatter_figure
from app.explorer.plots.linked import linked_maps
from app.explorer.show import Shown, figures, fragment, heading, numbers, on_phone
from app.settings import MAX_RESOLUTION, MIN_RESOLUTION
from app.text import t


@fragment
def draw(look: Look) -> None:
    """Draws the page."""
    lang = look.lang
    heading(lang, "models")
    other = _second(look)
    a, b = look.prediction.depth, other.prediction.depth
    difference = b - a
    bar = bar_of([a, b], look.unit, colours=look.colours)
    names = (_name(look), _name(other))
    left, _ = st.columns(2)
    with left:
        layouts = {"2": t("models.grid", lang), "1": t("models.column", lang)}
        columns = int(
            controls.choice(
                "rows",
                t("models.layout", lang),
                layouts,
                default="1" if on_phone() else "2",
                buttons=True,
            )
        )
    figure = linked_maps(
        [
            (t("start.photo", lang), look.screen, None),
            (t("models.difference", lang), difference, signed_bar(difference, look.unit)),
            (f"A: {names[0]}", a, bar),
            (f"B: {names[1]}", b, bar),
        ],
        size=look.size,
        columns=columns,
    )
    st.caption(t("models.zoom", lang))
    data = {"depth_a_m": a, "depth_b_m": b, "difference_m": difference}
    figures(lang, "models", [Shown("two-models", figure, t("models.alt", lang), data)])
    there = np.isfinite(difference)
    a, b, difference = a[there], b[there], difference[there]
    ratio = b / np.maximum(a, 1e-6)
    numbers(
        [
            (t("models.mean", lang), f"{np.abs(difference).mean():.3f} m", None),
            (
                t("models.relative", lang),
                f"{100 * (np.abs(difference) / np.maximum(a, 1e-6)).mean():.1f} %",
                None,
            ),
            (t("models.ratio", lang), f"{np.median(ratio):.3f}", t("models.ratio_hint", lang)),
            ("A", f"{look.prediction.milliseconds:.0f} ms", names[0]),
            ("B", f"{other.prediction.milliseconds:.0f} ms", names[1]),
        ]
    )
    title = t("models.scatter", lang)
    points = scatter_figure(a, b, x="A (m)", y="B (m)", title=title)
    data = {"depth_a_m": look.prediction.depth, "depth_b_m": other.prediction.depth}
    figures(lang, "models-scatter", [Shown("scatter", points, title, data)])


def _second(look: Look) -> Look:
    """The other model and its settings; the first differs from A wherever that is possible."""
    lang = look.lang
    infos = {info.name: info for info in cache.studio().models()}
    others = [name for name in infos if name != look.info.name]
    left, middle, right = st.columns(3, vertical_alignment="bottom")
    with left:
        chosen = controls.choice(
            "model2",
            t("models.second", lang),
            {name: name for name in infos},
            default=others[0] if others else look.info.name,
        )
    with middle:
        height = controls.number(
            "res2",
            t("explorer.resolution", lang),
            MIN_RESOLUTION,
            MAX_RESOLUTION,
            None,
            step=16,
            pattern="%.0f",
            placeholder=t("explorer.auto", lang),
        )
    with right:
        flip = controls.toggle("flip2", t("explorer.flip", lang), not others)
    if not others:
        st.caption(t("models.only_one", lang))
    resolution = None if height is None else round(height)
    with st.spinner(t("explorer.working", lang)):
        settings = (resolution, flip, look.settings[2])
        return predicted_with(replace(look, info=infos[chosen]), settings)


def _name(look: Look) -> str:
    width, height = look.prediction.settings["working_size"]
    flip = " + flip" if look.settings[1] else ""
    return f"{look.info.name}, {width} x {height}{flip}"


draw(current())
