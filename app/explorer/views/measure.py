"""Applications: distances to a target, and a virtual object hidden by what stands nearer."""

from __future__ import annotations

from functools import partial
from typing import Literal, cast

import numpy as np
import streamlit as st

from app.explorer import controls
from app.explorer.look import Look, current
from app.explorer.plots.maps import LARGE, picture_figure
from app.explorer.plots.over_photo import boxable
from app.explorer.show import Shown, figures, fragment, heading, numbers
from app.text import t
from core.errors import CameraError
from core.geometry.augmented import place
from core.geometry.measure import Measurer
from core.geometry.measurements import to_csv


def draw(look: Look) -> None:
    """Draws the page."""
    heading(look.lang, "measure")
    _target(look)
    _object(look)


@fragment
def _target(look: Look) -> None:
    """A box on a target: its nearest and median distance."""
    lang = look.lang
    st.subheader(t("measure.target", lang))
    st.markdown(t("measure.target_note", lang))
    left, right = st.columns(2)
    with left:
        u, wide = _percent(lang, "box_x", 50), _percent(lang, "box_w", 20)
    with right:
        v, high = _percent(lang, "box_y", 50), _percent(lang, "box_h", 20)
    width, height = look.size
    ends = [
        (max(0.0, (u - wide / 2) / 100) * width, min(1.0, (u + wide / 2) / 100) * width),
        (max(0.0, (v - high / 2) / 100) * height, min(1.0, (v + high / 2) / 100) * height),
    ]
    (u0, u1), (v0, v1) = ends
    ruler = Measurer.of(look.prediction)
    found = ruler.box(u0, v0, u1, v1)
    title = t("measure.box_title", lang)
    figure = picture_figure(look.screen, size=look.size, title=title, longest=LARGE)
    boxable(figure, look.size, (u0, u1, v0, v1))
    figures(lang, "target", [Shown("target", figure, title, on_box=partial(_box, look.size))])
    numbers(
        [
            (t("measure.nearest", lang), f"{found.nearest:.2f} m", t("measure.near_hint", lang)),
            (t("measure.median", lang), f"{found.median:.2f} m", None),
            (
                t("measure.range", lang),
                f"{found.nearest_range:.2f} m",
                t("measure.range_hint", lang),
            ),
            (t("measure.pixels", lang), f"{found.pixels:,}", None),
        ]
    )
    st.download_button(
        t("measure.csv", lang),
        lambda: to_csv([found]).encode(),
        f"{look.stem}_target.csv",
        "text/csv",
        on_click="ignore",
        icon=":material/download:",
    )


def _box(size: tuple[int, int], u0: float, u1: float, v0: float, v1: float) -> None:
    """Moves the sliders to a box that was drawn on the photo."""
    for axis, side, low, high, full in (("x", "w", u0, u1, size[0]), ("y", "h", v0, v1, size[1])):
        low, high = max(0.0, low / full), min(1.0, high / full)
        for name, share in ((f"box_{axis}", (low + high) / 2), (f"box_{side}", high - low)):
            controls.put(name, float(min(100, max(1, round(100 * share)))))


def _percent(lang: str, name: str, start: int) -> float:
    label = t(f"measure.{name}", lang)
    return controls.slider(name, label, 1, 100, start, step=1, pattern="%.0f %%")


@fragment
def _object(look: Look) -> None:
    """An object stood on the surface at a place, drawn where nothing stands before it."""
    lang = look.lang
    st.subheader(t("measure.object", lang))
    st.markdown(t("measure.object_note", lang))
    width, height = look.size
    # As large as it needs to be to be seen, whether the scene is a room or a street.
    usual = max(0.2, round(0.15 * float(np.median(look.prediction.depth[::8, ::8])), 1))
    left, right = st.columns(2)
    with left:
        u = controls.slider("ou", t("explorer.across", lang), 0, 100, 50, step=1, pattern="%.0f %%")
        v = controls.slider("ov", t("explorer.down", lang), 0, 100, 75, step=1, pattern="%.0f %%")
        kinds = {name: t(f"measure.{name}", lang) for name in ("ball", "cube")}
        kind = controls.choice("what", t("measure.what", lang), kinds, buttons=True)
    with right:
        size = controls.slider(
            "osize", t("measure.size", lang), 0.1, 5.0, min(usual, 5.0), step=0.1, pattern="%.1f m"
        )
        back = controls.slider(
            "oback", t("measure.back", lang), -2.0, 5.0, 0.0, step=0.1, pattern="%.1f m"
        )
    pixel = (min(u / 100 * width, width - 1), min(v / 100 * height, height - 1))
    try:
        placed = place(
            look.photo.rgb,
            Measurer.of(look.prediction),
            *pixel,
            kind=cast(Literal["ball", "cube"], kind),
            size=size,
            nearer=-back,
        )
    except CameraError as error:
        st.warning(str(error))
        return
    title = t("measure.placed", lang, distance=placed.distance, percent=100 * placed.visible)
    figure = picture_figure(placed.rgb, size=look.size, title=title, longest=LARGE)
    data = {"rgb": np.asarray(placed.rgb)}
    figures(lang, "object", [Shown("object", figure, title, data)])


draw(current())
