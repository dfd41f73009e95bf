"""Two models, or two settings of one, on the same photo."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import streamlit as st

from app.common.translations import t
from app.explorer import cache, controls
from app.explorer.display import fragment, named, numbers
from app.explorer.figure_view import Figure, figures, mapped, pictured
from app.explorer.page_head import heading
from app.explorer.plots.charts import bar_of, scatter_figure, signed_bar
from app.explorer.session_view import SessionView, predicted_with, run_page


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
    title, signed = t("models.difference", lang), signed_bar(difference, view.unit)
    shown = [
        pictured(view, "photo", t("start.photo", lang), view.screen),
        mapped(view, "difference", title, difference, signed, difference_m=difference),
        mapped(view, "a", f"A: {names[0]}", a, bar, depth_m=a),
        mapped(view, "b", f"B: {names[1]}", b, bar, depth_m=b),
    ]
    figures(lang, "models", shown, columns=2)
    there = np.isfinite(difference)
    a, b, difference = a[there], b[there], difference[there]
    ratio = b / np.maximum(a, 1e-6)
    off = np.abs(difference)
    values = named(
        lang,
        "models",
        mean=f"{off.mean():.3f} m",
        relative=f"{100 * (off / np.maximum(a, 1e-6)).mean():.1f} %",
        ratio=f"{np.median(ratio):.3f}",
    )
    for letter, seen, name in zip("AB", (view, other), names, strict=True):
        values.append((letter, f"{seen.prediction.milliseconds:.0f} ms", name))
    numbers(values)
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


if __name__ == "__main__":
    run_page(__file__)
