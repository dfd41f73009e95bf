"""Plotly figures of maps: one value or one colour per pixel, with the unit on every bar.

All maps of a photo share its pixel coordinates, whatever their own size, so that the same place has
the same numbers under the cursor in every figure.
"""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from PIL import Image

from app.explorer.plots.bars import Bar, colour_stops

SMALL, MEDIUM, LARGE = 220, 340, 560  # pixels of the longer side that a figure of this kind shows
BELOW = 68  # pixels for bar, numbers and unit: less, and Plotly would shrink the map to make room
# Pages style figures themselves; Plotly's own template would cost 50 ms for every figure.
TEMPLATE = "none"
GRID = "rgba(128, 128, 128, 0.25)"  # seen on a light page and on a dark one
PHONE = 0  # in place of a number of columns
LINE, TOP = 17, 6  # pixels between the lines of a title, and above it
TITLE = {
    "font": {"size": 13},
    "x": 0.01,
    "xanchor": "left",
    "y": 1,
    "yanchor": "top",
    "pad": {"t": TOP},
}
_WIDE = re.compile(r"[\u2e80-\uffff]|[^\u2e80-\uffff\s]+\s*")  # places where a title may break


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
    return framed([heatmap(values, bar, size, longest, bar_title)], size, title)


def picture_figure(
    rgb: NDArray[np.uint8], *, size: tuple[int, int], title: str = "", longest: int = SMALL
) -> go.Figure:
    """A picture in colours; `size` is that of the photo it belongs to."""
    return framed([picture(rgb, size, longest)], size, title, barred=False)


def heatmap(
    values: NDArray[np.floating], bar: Bar, size: tuple[int, int], longest: int, bar_title: str
) -> go.Heatmap:
    """The trace of `map_figure`, in the photo's pixel coordinates."""
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
        colorbar=colorbar(bar, bar_title),
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


def colorbar(bar: Bar, title: str) -> dict[str, Any]:
    """Plotly's settings of a bar below the map."""
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


def picture(rgb: NDArray[np.uint8], size: tuple[int, int], longest: int) -> go.Image:
    """The trace of `picture_figure`, in the photo's pixel coordinates."""
    height, width = rgb.shape[:2]
    scale = min(1.0, longest / max(height, width))
    small = (max(1, round(width * scale)), max(1, round(height * scale)))
    shown = Image.fromarray(rgb)
    shown = shown if small == shown.size else shown.resize(small, Image.Resampling.BOX)
    data = io.BytesIO()
    # A photo as PNG would be the largest part of a figure; a small map must stay exact.
    if max(small) > 128:
        shown.save(data, "JPEG", quality=88)
        kind = "jpeg"
    else:
        shown.save(data, "PNG")
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


def framed(
    traces: list[Any],
    size: tuple[int, int],
    title: str,
    *,
    barred: bool = True,
    locked: bool = False,
) -> go.Figure:
    """No axes, square pixels, row 0 at the top.

    Args:
        traces: what is drawn.
        size: width and height of the photo; `fit` makes the figure's height of it.
        title: above.
        barred: leave room for a colour bar below.
        locked: show just the photo's area, wherever the traces lie.
    """
    across: dict[str, Any] = {"visible": False, "constrain": "domain"}
    down: dict[str, Any] = {
        **across,
        "scaleanchor": "x",
        "autorange": "reversed",
        "constraintoward": "bottom",
    }
    if locked:
        across["range"] = [-0.5, size[0] - 0.5]
        down |= {"autorange": False, "range": [size[1] - 0.5, -0.5]}
    layout = {
        "template": TEMPLATE,
        "title": {"text": title, **TITLE},
        "height": 460,
        "meta": {"aspect": size[1] / size[0]},
        "margin": {"l": 4, "r": 4, "t": 28, "b": BELOW if barred else 6},
        "dragmode": "zoom",
        "xaxis": across,
        "yaxis": down,
    }
    return go.Figure(traces, layout)


def fit(row: Sequence[go.Figure], columns: int) -> None:
    """Gives the maps of a row the height that suits their photo's shape, and one baseline.

    Curves beside maps take the maps' height. Titles too long for the width go on in another line.

    Args:
        row: figures that stand side by side.
        columns: how many fit into a row; `PHONE` where each has the width of a phone.
    """
    maps = [figure for figure in row if "aspect" in (figure.layout.meta or {})]
    wide, high = {
        PHONE: (350, 460),
        1: (900, 620),
        2: (410, 520),
        3: (272, 400),
        4: (215, 320),
    }.get(columns, (170, 280))
    below = max((figure.layout.margin.b for figure in maps), default=0)
    room = wide - 84  # the tool bar stands beside the title
    titles = [_in_lines(figure.layout.title.text or "", room) for figure in row]
    extra = LINE * max((title.count("<br>") for title in titles), default=0)
    for figure, title in zip(row, titles, strict=True):
        figure.layout.title.text = title
        figure.layout.title.pad.t = TOP + LINE * title.count("<br>") // 2
        if figure.layout.margin.t is not None:
            figure.layout.margin.t += extra
    for figure in maps:
        margin = figure.layout.margin
        margin.b = below
        size = min(wide * figure.layout.meta["aspect"], high)
        figure.layout.height = int(size + margin.t + margin.b)
    tallest = max((figure.layout.height for figure in maps), default=None)
    if tallest is not None:
        for figure in row:
            figure.layout.height = max(tallest, 260) if figure not in maps else tallest


def _in_lines(title: str, pixels: float) -> str:
    """A title with breaks, so that no line is wider; Chinese characters are twice as wide."""
    lines, used = [""], 0.0
    for word in _WIDE.findall(title.replace("<br>", " ")):
        width = 13.0 if len(word) == 1 and ord(word) >= 0x2E80 else 7.3 * len(word.rstrip())
        if lines[-1] and used + width > pixels:
            lines[-1] = lines[-1].rstrip()
            lines.append("")
            used = 0.0
        lines[-1] += word
        used += width + 3.5 * (len(word) - len(word.rstrip()))
    return "<br>".join(lines)
