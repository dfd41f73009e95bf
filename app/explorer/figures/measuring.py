"""What is measured in the photo: as figures, as numbers with their uncertainty, as files."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import streamlit as st

from app.common.request import Selection
from app.common.result import measure, measured_csv
from app.common.translations import t
from app.explorer.display import download, named
from app.explorer.figure_view import Figure
from app.explorer.plots.charts import Bar
from app.explorer.plots.maps import Map
from app.explorer.session_view import SessionView
from core.errors import CameraError
from core.geometry.measure_results import Distance
from core.geometry.planes import Plane
from core.scale.measurements import Pixel

NAMES = ("A", "B")
Number = tuple[str, str, str | None]  # name, value with its unit, explanation
Box = tuple[float, float, float, float]  # u0, v0, u1, v1


def with_error(value: float, error: float | None, unit: str) -> str:
    """A number with what the model expects it to be off by, where it expects anything."""
    off = "" if error is None else f" ± {error:.2f}"
    return f"{value:.2f}{off} {unit}".rstrip()


def line(
    view: SessionView,
    ends: Sequence[Pixel],
    found: Distance,
    on_point: Callable[[float, float], None],
) -> Figure:
    """The photo with two points of it and the metres between them, to be clicked."""
    title = t("measure.line_title", view.lang)
    marked = [(*end, name) for end, name in zip(ends, NAMES, strict=True)]
    length = with_error(found.distance, None, view.unit)
    figure = replace(_readable(view, title), line=marked, length=length)
    alt = t("measure.line_alt", view.lang, distance=found.distance)
    positions = np.array([point.position for point in (found.start, found.end)])
    data = {"pixels": np.array(ends), "points_m": positions}
    return Figure("line", figure, alt, data, on_point=on_point)


def _readable(view: SessionView, title: str) -> Map:
    """The photo, with the depth of the pixel under the pointer."""
    bar = Bar(0.0, 1.0, view.unit)
    return Map(view.size, title, view.prediction.depth, bar, view.screen, shown=False)


def between(
    view: SessionView, ends: Sequence[Pixel], found: Distance, floor: Plane | None
) -> list[Number]:
    """The distance, where both ends are, and how high above a floor in sight."""
    lang = view.lang
    length = with_error(found.distance, found.uncertainty, view.unit)
    numbers = named(lang, "measure", distance=length)
    for name, point in zip(NAMES, (found.start, found.end), strict=True):
        away = t("measure.away", lang, name=name)
        x, y, z = point.position
        hint = t("measure.away_hint", lang, x=x, y=y, z=z)
        numbers.append((away, with_error(point.range, point.uncertainty, view.unit), hint))
    for name, end in zip(NAMES, ends, strict=True):
        if floor is not None:
            height = view.ruler.height(*end, floor)
            above = t("measure.height", lang, name=name)
            hint = t("measure.height_hint", lang, camera=height.camera_height)
            numbers.append((above, with_error(height.height, height.uncertainty, view.unit), hint))
    return numbers


def target(
    view: SessionView, box: Box, on_box: Callable[[float, float, float, float], None]
) -> Figure:
    """The photo with a box that can be drawn anew."""
    title = t("measure.box_title", view.lang)
    figure = replace(_readable(view, title), frame=box)
    left, top, right, bottom = read = view.ruler.box(*box).box
    data = {"box_px": np.array(read), "depth_m": view.prediction.depth[top:bottom, left:right]}
    return Figure("target", figure, title, data, on_box=on_box)


def inside(view: SessionView, box: Box) -> list[Number]:
    """Nearest and median distance of what a box holds."""
    lang, found = view.lang, view.ruler.box(*box)
    error, axis = found.uncertainty, t("measure.near_hint", lang)
    nearest, median, away = (
        with_error(value, error, view.unit)
        for value in (found.nearest, found.median, found.nearest_range)
    )
    return [
        (t("measure.nearest", lang), nearest, axis),
        (t("measure.median", lang), median, axis),
        *named(lang, "measure", range=away, pixels=f"{found.pixels:,}"),
    ]


def patch(view: SessionView, box: Box) -> tuple[list[Number], str]:
    """The area of what is flat in a box, or a sentence why there is none."""
    lang = view.lang
    try:
        found = view.ruler.area(*box)
    except CameraError as error:
        return [], str(error)
    value = with_error(found.area, found.uncertainty, view.unit and "m²")
    share = f"{100 * found.flat_share:.0f} %"
    return [
        (t("measure.area", lang), value, t("measure.area_hint", lang)),
        (t("measure.flat", lang), share, t("measure.flat_hint", lang, off=1000 * found.residual)),
    ], ""


def files(view: SessionView, name: str, chosen: Selection) -> None:
    """Buttons for the same results as a table and as JSON, at full precision."""

    def as_json() -> str:
        return json.dumps(measure(view.result, chosen), indent=2)

    def as_csv() -> str:
        return measured_csv(view.result, chosen)

    with st.container(horizontal=True):
        for ending, made, mime in (
            ("csv", as_csv, "text/csv"),
            ("json", as_json, "application/json"),
        ):
            label = t(f"measure.{ending}", view.lang)
            download(label, made, f"{view.stem}_{name}.{ending}", mime)
