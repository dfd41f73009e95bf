"""Plotly figures of maps: one value or one colour per pixel, with the unit on every bar.

All maps of a photo share its pixel coordinates, whatever their own size, so that the same place has
the same numbers under the cursor in every figure.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from PIL import Image
from plotly.subplots import make_subplots

from core.colormap import COLORMAPS, DEFAULT_COLORMAP
from core.colormap import SIGNED as SIGNED_TABLE

SIGNED, ERROR, ENERGY = "signed", "rising magma", "rising cividis"
SMALL, MEDIUM, LARGE = 220, 340, 560  # pixels of the longer side that a figure of this kind shows
# Pages style figures themselves; Plotly's own template would cost 50 ms for every figure.
TEMPLATE = "none"


@dataclass(frozen=True)
class Bar:
    """What a map's colours mean.

    Attributes:
        low, high: values at the ends.
        unit: shown at the bar and under the cursor, "m" for instance.
        colours: a name of `core.colormap.COLORMAPS` (near is bright), `ERROR` or `ENERGY` (more is
            bright), or `SIGNED` with low = -high.
        digits: after the decimal point under the cursor.
    """

    low: float
    high: float
    unit: str
    colours: str = DEFAULT_COLORMAP
    digits: int = 2

    def coloured(self, colours: str) -> Bar:
        """The same bar in other colours."""
        return replace(self, colours=colours)


def colour_stops(name: str, count: int = 33) -> list[tuple[float, str]]:
    """A colour table as Plotly takes it: places from 0 to 1 and their colours."""
    if name == SIGNED:
        table = SIGNED_TABLE.table
    else:
        table = COLORMAPS[name.removeprefix("rising ")].table
        table = table[::-1] if name.startswith("rising ") else table
    rows = np.linspace(0, len(table) - 1, count).round().astype(int)
    return [(i / (count - 1), f"#{bytes(table[row]).hex()}") for i, row in enumerate(rows)]


def bar_of(
    values: NDArray[np.floating] | Sequence[NDArray[np.floating]],
    unit: str,
    *,
    colours: str = DEFAULT_COLORMAP,
    share: float = 0.01,
    digits: int = 2,
) -> Bar:
    """A bar that spans all but a share of the values at either end, the same for several maps."""
    maps = [values] if isinstance(values, np.ndarray) else list(values)
    flat = np.concatenate([m[np.isfinite(m)].ravel() for m in maps])
    if not flat.size:
        return Bar(0.0, 1.0, unit, colours, digits)
    low, high = (float(q) for q in np.quantile(flat, [share, 1 - share]))
    if not high > low:
        low, high = low - 0.5, high + 0.5
    return Bar(low, high, unit, colours, digits)


def signed_bar(
    values: NDArray[np.floating] | Sequence[NDArray[np.floating]],
    unit: str,
    *,
    share: float = 0.01,
    digits: int = 2,
) -> Bar:
    """A bar centred at zero that spans all but a share of the absolute values."""
    maps = [values] if isinstance(values, np.ndarray) else list(values)
    flat = np.abs(np.concatenate([m[np.isfinite(m)].ravel() for m in maps]))
    most = float(np.quantile(flat, 1 - share)) if flat.size else 1.0
    most = most if most > 0 else 1.0
    return Bar(-most, most, unit, SIGNED, digits)


def map_figure(
    values: NDArray[np.floating],
    bar: Bar,
    *,
    size: tuple[int, int],
    title: str = "",
    longest: int = SMALL,
    bar_title: str = "",
) -> go.Figure:
    """A map of one value per pixel.

    Args:
        values: (h, w); NaN is left blank. A map larger than `longest` is sampled, not averaged.
        bar: colours and unit.
        size: width and height of the photo that the map belongs to.
        title: above the map.
        longest: pixels of the longer side shown.
        bar_title: what the values are, before the unit.
    """
    return _framed([_heatmap(values, bar, size, longest, bar_title)], size, title, longest)


def picture_figure(
    rgb: NDArray[np.uint8], *, size: tuple[int, int], title: str = "", longest: int = SMALL
) -> go.Figure:
    """A picture in colours; `size` is that of the photo it belongs to."""
    return _framed([_picture(rgb, size, longest)], size, title, longest)


def over_photo(
    rgb: NDArray[np.uint8],
    values: NDArray[np.floating],
    bar: Bar,
    *,
    size: tuple[int, int],
    title: str = "",
    longest: int = MEDIUM,
) -> go.Figure:
    """A map drawn over the photo, blank where it is NaN."""
    layer = _heatmap(values, bar, size, longest, "")
    layer.opacity = 0.75
    return _framed([_picture(rgb, size, longest), layer], size, title, longest)


def points_over_photo(
    rgb: NDArray[np.uint8],
    u: NDArray[np.floating],
    v: NDArray[np.floating],
    values: NDArray[np.floating] | None = None,
    bar: Bar | None = None,
    *,
    size: tuple[int, int],
    title: str = "",
    longest: int = MEDIUM,
    marker_size: float = 4,
) -> go.Figure:
    """Points drawn over the photo, coloured by a value where there is one.

    Args:
        rgb: the photo.
        u, v: (n,) pixel coordinates of the photo.
        values: (n,), coloured by `bar`.
        bar: given with `values`.
        size: width and height of the photo.
        title: above.
        longest: pixels of the longer side shown.
        marker_size: in screen pixels.
    """
    marker: dict[str, Any] = {"size": marker_size, "color": "#ff9f1c"}
    hover = "x %{x:.0f}, y %{y:.0f}<extra></extra>"
    if values is not None and bar is not None:
        marker |= {
            "color": values.astype(np.float32),
            "colorscale": colour_stops(bar.colours),
            "cmin": bar.low,
            "cmax": bar.high,
            "colorbar": _colorbar(bar, ""),
        }
        number = f"%{{marker.color:.{bar.digits}f}} {bar.unit}"
        hover = f"x %{{x:.0f}}, y %{{y:.0f}}<br>{number}<extra></extra>"
    else:
        marker["line"] = {"color": "black", "width": 1}
    dots = go.Scattergl if len(u) > 3000 else go.Scatter
    points = dots(
        x=u.astype(np.float32),
        y=v.astype(np.float32),
        mode="markers",
        marker=marker,
        hovertemplate=hover,
        showlegend=False,
    )
    return _framed([_picture(rgb, size, longest), points], size, title, longest, locked=True)


def linked_maps(
    panels: Sequence[tuple[str, NDArray[Any], Bar | None]],
    *,
    size: tuple[int, int],
    columns: int = 2,
    longest: int = MEDIUM,
) -> go.Figure:
    """Maps and pictures of one photo in one figure: zooming into one zooms into all.

    Args:
        panels: title, (h, w) values or (h, w, 3) uint8, and the bar (None for pictures).
        size: width and height of the photo.
        columns: panels in a row.
        longest: pixels of the longer side shown.
    """
    rows = -(-len(panels) // columns)
    figure = make_subplots(
        rows,
        columns,
        subplot_titles=[title for title, _, _ in panels],
        shared_xaxes="all",
        shared_yaxes="all",
        horizontal_spacing=0.02,
        vertical_spacing=0.12 if rows > 1 else 0.0,
    )
    for index, (_, values, bar) in enumerate(panels):
        row, column = divmod(index, columns)
        trace: Any
        if bar is None:
            trace = _picture(values, size, longest)
        else:
            trace = _heatmap(values, bar, size, longest, "")
            width, height = 1 / columns, 1 / rows
            trace.colorbar |= {
                "x": (column + 0.5) * width,
                "y": 1 - (row + 1) * height + (0.06 if rows > 1 else 0) * height - 0.02,
                "len": 0.7 * width,
            }
        figure.add_trace(trace, row=row + 1, col=column + 1)
    figure.update_xaxes(visible=False, constrain="domain", range=[-0.5, size[0] - 0.5])
    figure.update_yaxes(
        visible=False, constrain="domain", range=[size[1] - 0.5, -0.5], scaleanchor="x"
    )
    each = min(900 / columns * size[1] / size[0], 460)
    figure.update_layout(
        template=TEMPLATE,
        height=int(rows * (each + 70)),
        margin={"l": 4, "r": 4, "t": 30, "b": 40},
    )
    return figure


def montage(tiles: Sequence[NDArray[np.uint8]], columns: int) -> NDArray[np.uint8]:
    """Equal grey tiles (h, w) as one (H, W, 3) picture with thin white lines between them."""
    height, width = tiles[0].shape
    rows = -(-len(tiles) // columns)
    sheet = np.full((rows * (height + 1) - 1, columns * (width + 1) - 1), 255, np.uint8)
    for index, tile in enumerate(tiles):
        top, left = (
            n * (s + 1) for n, s in zip(divmod(index, columns), (height, width), strict=True)
        )
        sheet[top : top + height, left : left + width] = tile
    return np.repeat(sheet[..., None], 3, axis=2)


def _heatmap(
    values: NDArray[np.floating], bar: Bar, size: tuple[int, int], longest: int, bar_title: str
) -> go.Heatmap:
    rows, columns = _sampled(values.shape[0], values.shape[1], longest)
    shown = values[np.ix_(rows, columns)].astype(np.float32)
    step_x, step_y = size[0] / len(columns), size[1] / len(rows)
    return go.Heatmap(
        z=shown,
        x0=step_x / 2 - 0.5,
        dx=step_x,
        y0=step_y / 2 - 0.5,
        dy=step_y,
        zmin=bar.low,
        zmax=bar.high,
        colorscale=colour_stops(bar.colours),
        colorbar=_colorbar(bar, bar_title),
        hovertemplate=(
            f"x %{{x:.0f}}, y %{{y:.0f}}<br>%{{z:.{bar.digits}f}} {bar.unit}<extra></extra>"
        ),
    )


def _sampled(height: int, width: int, longest: int) -> tuple[NDArray[np.intp], ...]:
    """Rows and columns that a figure shows, spread evenly: a number shown is a pixel's own."""
    scale = min(1.0, longest / max(height, width))
    counts = (max(1, round(height * scale)), max(1, round(width * scale)))
    return tuple(
        ((np.arange(count) + 0.5) * full / count).astype(np.intp)
        for count, full in zip(counts, (height, width), strict=True)
    )


def _colorbar(bar: Bar, title: str) -> dict[str, Any]:
    text = f"{title} ({bar.unit})" if title else bar.unit
    return {
        "title": {"text": text, "side": "bottom", "font": {"size": 11}},
        "orientation": "h",
        "thickness": 9,
        "len": 0.9,
        "x": 0.5,
        "y": 0,
        "yanchor": "top",
        "tickfont": {"size": 10},
        "nticks": 5,
        "outlinewidth": 0,
    }


def _picture(rgb: NDArray[np.uint8], size: tuple[int, int], longest: int) -> go.Image:
    height, width = rgb.shape[:2]
    scale = min(1.0, longest / max(height, width))
    small = (max(1, round(width * scale)), max(1, round(height * scale)))
    picture = Image.fromarray(rgb)
    picture = picture if small == picture.size else picture.resize(small, Image.Resampling.BOX)
    data = io.BytesIO()
    # A photo as PNG would be the largest part of a figure; a small map must stay exact.
    if max(small) > 128:
        picture.save(data, "JPEG", quality=88)
        kind = "jpeg"
    else:
        picture.save(data, "PNG")
        kind = "png"
    step_x, step_y = size[0] / small[0], size[1] / small[1]
    return go.Image(
        source=f"data:image/{kind};base64,{base64.b64encode(data.getvalue()).decode()}",
        x0=step_x / 2 - 0.5,
        dx=step_x,
        y0=step_y / 2 - 0.5,
        dy=step_y,
        hoverinfo="skip",
    )


def _framed(
    traces: list[Any], size: tuple[int, int], title: str, longest: int, *, locked: bool = False
) -> go.Figure:
    """No axes, square pixels, row 0 at the top, and a height that suits the photo's shape.

    Args:
        traces: what is drawn.
        size: width and height of the photo.
        title: above.
        longest: which decides the height.
        locked: show just the photo's area, wherever the traces lie.
    """
    wide = {SMALL: 250, MEDIUM: 430, LARGE: 760}.get(longest, 430)
    high = {SMALL: 300, MEDIUM: 430, LARGE: 600}.get(longest, 430)
    across: dict[str, Any] = {"visible": False, "constrain": "domain"}
    down: dict[str, Any] = {**across, "scaleanchor": "x", "autorange": "reversed"}
    if locked:
        across["range"] = [-0.5, size[0] - 0.5]
        down |= {"autorange": False, "range": [size[1] - 0.5, -0.5]}
    layout = {
        "template": TEMPLATE,
        "title": {"text": title, "font": {"size": 13}, "x": 0.01, "y": 0.99},
        "height": int(min(wide * size[1] / size[0], high)) + 78,
        "margin": {"l": 4, "r": 4, "t": 28, "b": 46},
        "dragmode": "zoom",
        "xaxis": across,
        "yaxis": down,
    }
    return go.Figure(traces, layout)
