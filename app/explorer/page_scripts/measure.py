"""Applications: lengths and distances in metres, and a virtual object hidden by what is nearer."""

from __future__ import annotations

from functools import partial
from typing import Literal, cast

import numpy as np
import streamlit as st

from app.common.request import Selection
from app.common.translations import t
from app.explorer import controls
from app.explorer.display import fragment, numbers
from app.explorer.figure_view import figures, pictured
from app.explorer.figures import measuring
from app.explorer.inputs import keep
from app.explorer.page_head import heading
from app.explorer.session_view import SessionView, run_page, scale_sentence
from core.errors import CameraError
from core.geometry.find_scale import calibration_of
from core.geometry.masks import nearest_measured
from core.geometry.virtual_object import place
from core.scale.measurements import KnownLength, Pixel

POINT_KEYS = ("ax", "ay", "bx", "by")
_MARKED = "photo with points"


def draw(view: SessionView) -> None:
    """Draws the page."""
    heading(view.lang, "measure")
    _between(view)
    _target(view)
    _object(view)


@fragment
def _between(view: SessionView) -> None:
    """Two points: the metres between them, and their height above the floor."""
    lang = view.lang
    st.subheader(t("measure.between", lang))
    st.markdown(t("measure.between_note", lang))
    ends = _ends(view)
    found = view.ruler.distance(*ends)
    figures(lang, "line", [measuring.line(view, ends, found, partial(_clicked, view.size))])
    floor = view.floor
    numbers(measuring.between(view, ends, found, floor))
    if floor is None:
        st.caption(t("measure.no_floor", lang))
    sure = view.prediction.confidence is not None
    st.caption(t("measure.error_note" if sure else "measure.no_error", lang))
    measuring.files(view, "points", Selection(points=ends))
    with st.expander(t("studio.calibrate", lang), icon=":material/square_foot:"):
        _known_length(view, ends)


def _ends(view: SessionView) -> tuple[Pixel, Pixel]:
    """The two points, typed, slid or clicked; another photo begins anew."""
    lang, (width, height) = view.lang, view.size
    marked = st.session_state.get(_MARKED)
    if marked not in (None, view.photo.sha256):
        controls.forget(*POINT_KEYS)
    st.session_state[_MARKED] = view.photo.sha256
    depth = view.prediction.depth
    starts = [
        coordinate
        for share in (0.35, 0.65)
        for coordinate in nearest_measured(depth, int(share * width), int(0.6 * height))
    ]
    columns = st.columns([1, 1, 1, 1, 1.4], vertical_alignment="bottom")
    values = []
    for column, key, start, side in zip(columns, POINT_KEYS, starts, 2 * view.size, strict=False):
        with column:
            label = t(f"measure.point_{key[1]}", lang, name=key[0].upper())
            hint, first = t("measure.point_hint", lang), float(int(start))
            value = controls.number(
                key, label, 0, side - 1, first, step=1, pattern="%.0f", hint=hint
            )
            values.append(first if value is None else value)
    with columns[4]:
        names = {name: name for name in measuring.NAMES}
        controls.choice("pick", t("measure.pick", lang), names, buttons=True)
    au, av, bu, bv = values
    return (au, av), (bu, bv)


def _clicked(size: tuple[int, int], u: float, v: float) -> None:
    """Moves the point whose turn it is to a pixel that was clicked."""
    name = st.session_state.get("pick") or measuring.NAMES[0]
    for axis, value, side in (("x", u, size[0]), ("y", v, size[1])):
        controls.put(name.lower() + axis, float(min(max(round(value), 0), side - 1)))
    controls.put("pick", measuring.NAMES[name == measuring.NAMES[0]])


def _known_length(view: SessionView, ends: tuple[Pixel, Pixel]) -> None:
    """The true distance between the two points; the whole scene is rescaled by it."""
    lang, photo = view.lang, view.photo.sha256
    st.markdown(t("measure.calibrate_note", lang))
    if view.known is not None:
        name = f"**{t('summary.scale', lang)}**"
        st.markdown(t("explorer.pair", lang, name=name, value=scale_sentence(view)))
    left, right = st.columns([1, 2], vertical_alignment="bottom")
    with left:
        metres = st.number_input(
            t("studio.true_metres", lang), 0.0, value=None, step=0.01, format="%.3f", key="metres"
        )
    with right, st.container(horizontal=True):
        apply = st.button(t("studio.calibrate_apply", lang), key="rescale")
        undo = view.known is not None and st.button(t("studio.calibrate_undo", lang), key="undo")
    if apply:
        if metres is None:
            raise CameraError(t("measure.no_length", lang))
        known = KnownLength(*ends, float(metres))
        calibration_of(view.ruler, known)  # says what is wrong with the points, if anything
        keep(known, photo)
    elif undo:
        keep(None, photo)
    if apply or undo:
        st.rerun()


@fragment
def _target(view: SessionView) -> None:
    """A box on a target: its nearest and median distance, and its area where it is flat."""
    lang = view.lang
    st.subheader(t("measure.target", lang))
    st.markdown(t("measure.target_note", lang))
    left, right = st.columns(2)
    with left:
        u, wide = _percent(lang, "box_x", 50), _percent(lang, "box_w", 20)
    with right:
        v, high = _percent(lang, "box_y", 50), _percent(lang, "box_h", 20)
    width, height = view.size
    box = (
        max(0.0, (u - wide / 2) / 100) * width,
        max(0.0, (v - high / 2) / 100) * height,
        min(1.0, (u + wide / 2) / 100) * width,
        min(1.0, (v + high / 2) / 100) * height,
    )
    figures(lang, "target", [measuring.target(view, box, partial(_box, view.size))])
    flat, why_not = measuring.patch(view, box)
    numbers([*measuring.inside(view, box), *flat])
    if why_not:
        st.caption(why_not)
    measuring.files(view, "target", Selection(box=box))


def _box(size: tuple[int, int], u0: float, u1: float, v0: float, v1: float) -> None:
    """Moves the sliders to a box that was drawn on the photo."""
    for axis, side, low, high, full in (("x", "w", u0, u1, size[0]), ("y", "h", v0, v1, size[1])):
        low, high = max(0.0, low / full), min(1.0, high / full)
        for name, share in ((f"box_{axis}", (low + high) / 2), (f"box_{side}", high - low)):
            controls.put(name, float(min(100, max(1, round(100 * share)))))


def _percent(lang: str, name: str, start: int) -> float:
    label = t(f"measure.{name}", lang)
    return controls.percent(name, label, start, low=1)


@fragment
def _object(view: SessionView) -> None:
    """An object stood on the surface at a place, drawn where nothing stands before it."""
    lang = view.lang
    st.subheader(t("measure.object", lang))
    st.markdown(t("measure.object_note", lang))
    width, height = view.size
    # As large as it needs to be to be seen, whether the scene is a room or a street.
    usual = max(0.2, round(0.15 * float(np.nanmedian(view.prediction.depth[::8, ::8])), 1))
    left, right = st.columns(2)
    with left:
        u = controls.percent("ou", t("explorer.across", lang), 50)
        v = controls.percent("ov", t("explorer.down", lang), 75)
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
            view.photo.rgb,
            view.ruler,
            *pixel,
            kind=cast(Literal["ball", "cube"], kind),
            size=size,
            nearer=-back,
        )
    except CameraError as error:
        st.warning(str(error))
        return
    title = t("measure.placed", lang, distance=placed.distance, percent=100 * placed.visible)
    figures(lang, "object", [pictured(view, "object", title, placed.rgb, rgb=placed.rgb)])


if __name__ == "__main__":
    run_page(__file__)
