"""The photo's points and surface, as figures and as files."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from streamlit.runtime.scriptrunner import get_script_run_ctx

from app.common.cancellation import geometry_limits
from app.common.translations import t
from app.explorer.figure_view import Figure
from app.explorer.memory import cached
from app.explorer.plots.charts import Bar, bar_of
from app.explorer.plots.space import MAX_POINTS, SceneWords, points_figure, surface_figure
from app.explorer.session_view import SessionView
from core.files.geometry_process import Apart, build_apart, write_apart
from core.geometry.mesh import Mesh
from core.geometry.point_cloud import PointCloud
from core.geometry.three_d import SpaceOptions

MAX_FACES = 150_000  # on the screen


@dataclass(frozen=True)
class SpaceChoice:
    """What the page about space shows.

    Attributes:
        options: what is built, without a limit on the number of points.
        colouring: "photo", "depth", "height" or "confidence".
        screen: at most so many points are drawn.
    """

    options: SpaceOptions
    colouring: str
    screen: int

    def wanted(self, *, full: bool) -> SpaceOptions:
        """With all points, or as many as a screen shows."""
        options = self.options
        if not full:
            options = options.thinned(min(self.screen, MAX_POINTS))
            if options.shape != "points" and options.faces is None:
                options = replace(options, faces=MAX_FACES)
        return options


@cached
def _on_screen(
    key: str,  # noqa: ARG001  (a key of the cache)
    choice: SpaceChoice,
    _look: SessionView,
) -> PointCloud | Mesh:
    """What is drawn; whole files are made when asked for and not kept."""
    wanted = choice.wanted(full=False)
    return build_apart(_look.prediction, _look.photo.rgb, wanted, _limits())


def drawn(view: SessionView, choice: SpaceChoice) -> tuple[Figure, int]:
    """The figure and how many points or triangles it has."""
    geometry = _on_screen(view.space_key, choice, view)
    alt = t("space.alt", view.lang)
    names = ("fly", "stop", "away", "up")
    written = {name: t(f"space.{name}", view.lang) for name in names}
    words = SceneWords(**written, unit=view.unit)
    places = geometry.points if isinstance(geometry, PointCloud) else geometry.vertices
    inside = geometry.scene.in_camera(places)
    colours, bar = _colours(view, choice, inside, geometry)
    seen: dict[str, Any] = {"intrinsics": view.prediction.intrinsics, "size": view.size}
    seen["words"] = words
    if isinstance(geometry, PointCloud):
        figure = points_figure(inside, colours, bar, **seen)
        data: dict[str, NDArray[Any]] = {"points_m": places, "colors": geometry.colors}
        return Figure("cloud", figure, alt, data), len(geometry)
    figure = surface_figure(inside, geometry.faces, colours, bar, **seen)
    data = {"vertices_m": places, "faces": geometry.faces}
    return Figure("surface", figure, alt, data), len(geometry.faces)


def file_of(view: SessionView, choice: SpaceChoice, ending: str, *, full: bool) -> bytes:
    """A .ply or .glb of what is on the screen; `full` takes every pixel instead."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"scene{ending}"
        options = choice.wanted(full=full)
        write_apart(path, view.prediction, view.photo.rgb, options, _limits())
        return path.read_bytes()


def _limits() -> Apart:
    """A heavy piece of work ends with its session, and when another control moves."""
    return replace(geometry_limits(), wanted=_still_shown)


def _still_shown() -> bool:
    """Streamlit ends a run of a page, by an exception, when its state is asked for."""
    if get_script_run_ctx(suppress_warning=True) is not None:
        "session view" in st.session_state  # noqa: B015
    return True


def _colours(
    view: SessionView,
    choice: SpaceChoice,
    points: NDArray[np.floating],
    geometry: PointCloud | Mesh,
) -> tuple[NDArray[np.uint8] | NDArray[np.floating], Bar | None]:
    confidence = view.prediction.confidence
    if choice.colouring == "depth":
        return points[:, 2], bar_of(points[:, 2], view.unit, colours=view.colours)
    if choice.colouring == "height":
        height = -points[:, 1]
        return height, bar_of(height, view.unit, colours="rising cividis")
    if choice.colouring == "confidence" and confidence is not None:
        return confidence.ravel()[geometry.pixels], Bar(0.0, 1.0, "0..1", "rising cividis")
    return geometry.colors, None
