"""Two models, or two settings of one, on the same photo."""

from __future__ import annotations

import importlib
from dataclasses import replace

import numpy as np
import streamlit as st

from app.common.text import t
from app.explorer import cache, controls
from app.explorer.display import Figure, figures, fragment, heading, numbers
from app.explorer.plots.bars import bar_of, signed_bar
from app.explorer.plots.curves import scatter_figure
from app.explorer.plots.maps import map_figure, picture_figure
from app.explorer.session_view import SessionView, current, predicted_with


@fragment
def draw(view: SessionView) -> None:
    """Draws the page."""
    lang = view.lang
    heading(lang, "models")
    other = _second(view)
    a, b = view.prediction.depth, other.prediction.depth
    difference = b - a
    bar = bar_of([a, b], view.unit, colours=view.colours)
    names = (_name(view), _name(other))
    maps = [
        ("photo", picture_figure(view.screen, size=view.size, title=t("start.photo", lang))),
        (
            "difference",
            map_figure(
                difference,
                signed_bar(difference, view.unit),
                size=view.size,
                title=t("models.difference", lang),
            ),
        ),
        ("a", map_figure(a, bar, size=view.size, title=f"A: {names[0]}")),
        ("b", map_figure(b, bar, size=view.size, title=f"B: {names[1]}")),
    ]
    data = {"a": {"depth_m": a}, "b": {"depth_m": b}, "difference": {"difference_m": difference}}
    shown = [Figure(name, each, each.title, data.get(name, {})) for name, each in maps]
    figures(lang, "models", shown, columns=2)
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
            ("A", f"{view.prediction.milliseconds:.0f} ms", names[0]),
            ("B", f"{other.prediction.milliseconds:.0f} ms", names[1]),
        ]
    )
    title = t("models.scatter", lang)
    points = scatter_figure(a, b, x="A (m)", y="B (m)", title=title)
    data = {"depth_a_m": view.prediction.depth, "depth_b_m": other.prediction.depth}
    figures(lang, "models-scatter", [Figure("scatter", points, title, data)])


def _second(view: SessionView) -> SessionView:
    """The other model and its settings; the first differs from A wherever that is possible."""
    lang = view.lang
    infos = {info.name: info for info in cache.studio().models()}
    others = [name for name in infos if name != view.info.name]
    left, middle, right = st.columns(3, vertical_alignment="bottom")
    with left:
        chosen = controls.choice(
            "model2",
            t("models.second", lang),
            {name: name for name in infos},
            default=others[0] if others else view.info.name,
        )
    with middle:
        height = controls.resolution("res2", lang)
    with right:
        flip = controls.toggle("flip2", t("explorer.flip", lang), not others)
    if not others:
        st.caption(t("models.only_one", lang))
    resolution = None if height is None else round(height)
    with st.spinner(t("explorer.working", lang)):
        other = replace(view, info=infos[chosen])
        return predicted_with(other, resolution=resolution, flip=flip)


def _name(view: SessionView) -> str:
    width, height = view.prediction.settings["working_size"]
    flip = " + flip" if view.request.flip else ""
    return f"{view.info.name}, {width} x {height}{flip}"


if __name__ == "__main__":  # run by Streamlit; the imported module keeps its caches
    importlib.import_module("app.explorer.page_scripts.models").draw(current())
