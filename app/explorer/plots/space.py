"""Plotly figures in three dimensions: points, surface and the camera that saw them.

The axes on the screen are x to the right, y away from the camera and z up, all in metres: a
rotation of the camera frame (x right, y down, z forward), so that nothing is mirrored.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from PIL import Image

from app.explorer.plots.charts import GRID, TEMPLATE, Bar, colour_stops
from app.explorer.plots.flight import Box, add_flight, settle
from core.camera import Intrinsics

MAX_POINTS = 100_000
FRUSTUM = 0.25  # of the median depth: how far the drawn camera reaches
_TIP = 0.15  # of that: where its edges begin


class SceneWords(NamedTuple):
    """What is written in a scene: on the buttons of the flight, on the axes, under the cursor."""

    fly: str = "Fly"
    stop: str = "Stop"
    away: str = "away"
    up: str = "up"
    unit: str = "m"

    @property
    def hover(self) -> str:
        """A place, in metres where these are claimed."""
        m = f" {self.unit}".rstrip()
        places = f"x %{{x:.2f}}{m}<br>{self.away} %{{y:.2f}}{m}<br>{self.up} %{{z:.2f}}{m}"
        return f"{places}<extra></extra>"


ENGLISH = SceneWords()


def upright(points: NDArray[np.floating]) -> NDArray[np.float32]:
    """Points (n, 3) of the camera frame in the frame of the screen."""
    turned: NDArray[np.float32] = np.stack(
        (points[:, 0], points[:, 2], -points[:, 1]), axis=1
    ).astype(np.float32)
    return turned


def points_figure(
    points: NDArray[np.floating],
    colours: NDArray[np.uint8] | NDArray[np.floating],
    bar: Bar | None,
    *,
    intrinsics: Intrinsics,
    size: tuple[int, int],
    words: SceneWords = ENGLISH,
) -> go.Figure:
    """A cloud with its camera.

    Args:
        points: (n, 3) metres, camera frame.
        colours: (n, 3) uint8, or (n,) values coloured by `bar`.
        bar: of the values, None for colours.
        intrinsics: of the photo; draws the camera.
    """
    place = upright(points)
    view: dict[str, Any] = {"size": 2.0}  # of a point in screen pixels
    if bar is None:
        index, palette = few_colours(colours)
        view |= {"color": index, "colorscale": palette, "cmin": 0, "cmax": 255}
    else:
        view |= {"color": colours.astype(np.float32)} | _scale(bar)
    cloud = go.Scatter3d(
        x=place[:, 0],
        y=place[:, 1],
        z=place[:, 2],
        mode="markers",
        marker=view,
        hovertemplate=words.hover,
        showlegend=False,
    )
    return _scene([cloud], points, intrinsics, size, words)


def surface_figure(
    vertices: NDArray[np.floating],
    faces: NDArray[np.integer],
    colours: NDArray[np.uint8] | NDArray[np.floating],
    bar: Bar | None,
    *,
    intrinsics: Intrinsics,
    size: tuple[int, int],
    words: SceneWords = ENGLISH,
) -> go.Figure:
    """A surface with its camera; arguments as for `points_figure`, faces (m, 3) of vertices."""
    place = upright(vertices)
    view: dict[str, Any] = {}
    if bar is None:
        view["vertexcolor"] = rgb_strings(colours)
    else:
        view |= {"intensity": colours.astype(np.float32)} | _scale(bar)
    corners = faces.astype(np.int32)
    surface = go.Mesh3d(
        x=place[:, 0],
        y=place[:, 1],
        z=place[:, 2],
        i=corners[:, 0],
        j=corners[:, 1],
        k=corners[:, 2],
        lighting={"ambient": 0.9, "diffuse": 0.25, "specular": 0.0},
        hovertemplate=words.hover,
        **view,
    )
    return _scene([surface], vertices, intrinsics, size, words)


def _scale(bar: Bar) -> dict[str, Any]:
    return {
        "colorscale": colour_stops(bar.colours),
        "cmin": bar.low,
        "cmax": bar.high,
        "colorbar": {"title": {"text": bar.unit}, "thickness": 12, "len": 0.6},
    }


def frustum(intrinsics: Intrinsics, size: tuple[int, int], depth: float) -> NDArray[np.float32]:
    """The camera as one line (n, 3) in the camera frame, NaN where the pen is lifted."""
    width, height = size
    u = np.array([-0.5, width - 0.5, width - 0.5, -0.5])
    v = np.array([-0.5, -0.5, height - 0.5, height - 0.5])
    corners = np.stack(
        (
            (u - intrinsics.cx) / intrinsics.fx * depth,
            (v - intrinsics.cy) / intrinsics.fy * depth,
            np.full(4, depth),
        ),
        axis=1,
    )
    gap = np.full((1, 3), np.nan)
    # Not from the very place of the camera: seen from there, a line would fill the screen.
    rays = [np.concatenate((_TIP * corner[None], corner[None], gap)) for corner in corners]
    line: NDArray[np.float32] = np.concatenate((corners, corners[:1], gap, *rays)).astype(
        np.float32
    )
    return line


def few_colours(
    colours: NDArray[np.number[Any]],
) -> tuple[NDArray[np.uint8], list[tuple[float, str]]]:
    """(n, 3) uint8 as indices (n,) into the 256 colours that fit them best, as a colour scale.

    One byte for each point instead of a text, which would take Plotly seconds to check.
    """
    picture = Image.fromarray(colours.astype(np.uint8)[None])
    reduced = picture.quantize(256, method=Image.Quantize.MEDIANCUT)
    table = np.zeros((256, 3), np.uint8)
    found = np.array(reduced.getpalette(), np.uint8).reshape(-1, 3)
    table[: len(found)] = found[:256]
    scale = [(i / 255, text) for i, text in enumerate(rgb_strings(table))]
    return np.asarray(reduced)[0], scale


def rgb_strings(colours: NDArray[np.number[Any]]) -> list[str]:
    """(n, 3) uint8 as CSS colours; hexadecimal ones could be taken for the page's theme."""
    return [f"rgb({r},{g},{b})" for r, g, b in colours.tolist()]


def _scene(
    traces: Sequence[Any],
    points: NDArray[np.floating],
    intrinsics: Intrinsics,
    size: tuple[int, int],
    words: SceneWords,
) -> go.Figure:
    """Adds the camera, looks at the scene from just behind it, and can fly through it."""
    middle = float(np.median(points[:, 2])) if len(points) else 1.0
    line = upright(frustum(intrinsics, size, FRUSTUM * middle))
    camera = go.Scatter3d(
        x=line[:, 0],
        y=line[:, 1],
        z=line[:, 2],
        mode="lines",
        line={"color": "#D55E00", "width": 4},
        hoverinfo="skip",
        showlegend=False,
    )
    axis = {"showbackground": False, "gridcolor": GRID, "zerolinecolor": GRID}
    layout = {
        "template": TEMPLATE,
        "height": 620,
        "margin": {"l": 0, "r": 0, "t": 0, "b": 0},
        "scene": {
            "dragmode": "orbit",
            "xaxis": {**axis, "title": {"text": "x (m)"}},
            "yaxis": {**axis, "title": {"text": f"{words.away} (m)"}},
            "zaxis": {**axis, "title": {"text": f"{words.up} (m)"}},
            "camera": {
                "eye": {"x": 0.25, "y": -1.35, "z": 0.35},
                "up": {"x": 0, "y": 0, "z": 1},
                "center": {"x": 0, "y": 0, "z": -0.1},
            },
        },
    }
    figure = go.Figure([*traces, camera], layout)
    box = Box.around(upright(points), line)
    settle(figure, box)
    add_flight(figure, box, middle, f"▶ {words.fly}", f"❚❚ {words.stop}")
    return figure
