"""Maps of one photo: one value or one colour per pixel, and the message that draws them.

The canvas (static/maps.js) shows all maps of a page with one pointer and one zoom, whatever their
own size. A number that it shows is a pixel's own: large maps are sampled, never averaged.
"""

from __future__ import annotations

import base64
import io
import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from app.common.canvas import STATIC, bar_ticks, canvas_script, packed, sampled
from app.explorer.plots.charts import MASK, Bar, table_of

LONGEST = 560  # pixels of the longer side that a page receives
EXACT = 128  # a picture no larger stays exact; a photo as PNG would be the largest part of a page
PLACE = '<div class="maps"></div>'
Pixel = tuple[float, float]


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


_OWN = Path(__file__).parents[1] / "static"
SCRIPT = canvas_script() + _text(_OWN / "maps.js")
STYLE = _text(STATIC / "canvas.css") + _text(_OWN / "maps.css")


@dataclass(frozen=True, eq=False)
class Map:
    """One map of a photo.

    Attributes:
        size: width and height of the photo that it belongs to.
        values: (h, w), NaN is left blank; None for a picture alone.
        shown: whether the values are drawn, or only read under the pointer.
        bar: colours and unit of the values.
        rgb: (h, w, 3) uint8, below the values.
        bar_title: what the values are, before the unit.
        linked: whether a place in it is the same place in the others.
        line: pixels of the photo with their names, two of them with a line between them.
        length: beside the middle of the line.
        frame: a box (x0, y0, x1, y1) in the photo's pixels.
        part: "depth", "change" or "error" of a level, which the canvas adds up itself where it has
            the sum; empty for other maps.
        level: place of that level, -1 for the one that is looked at.
    """

    size: tuple[int, int]
    title: str = ""
    values: NDArray[np.floating] | None = None
    bar: Bar | None = None
    rgb: NDArray[np.uint8] | None = None
    bar_title: str = ""
    linked: bool = True
    shown: bool = True
    line: Sequence[tuple[float, float, str]] = ()
    length: str = ""
    frame: tuple[float, float, float, float] | None = None
    part: str = ""
    level: int = -1


@dataclass(frozen=True)
class LevelSum:
    """The coarse-to-fine sum, for the canvas to add up as the sliders stand, and to spell out.

    Attributes:
        residuals: coarse -> fine, each (h, w), twice the size of the one before.
        truth: measured depth at the size of each, 0 = not measured; empty where there is none.
        names, gains: of each.
        scale: what the sigmoid is multiplied by.
        unit: of the product.
        level: place of the level that is shown.
        sliders: keys of the page's sliders for the level and for each gain. Where one is drawn, the
            canvas follows it at once; `level` and `gains` hold where it is not.
    """

    residuals: Sequence[NDArray[np.floating]]
    truth: Sequence[NDArray[np.floating]]
    names: Sequence[str]
    gains: Sequence[float]
    scale: float
    unit: str
    level: int
    sliders: tuple[str, Sequence[str]]


Row = Sequence[tuple[Map, str, Mapping[str, bool]]]
"""Maps, each with one sentence for those who cannot see it, and what it tells the server of
("point", "box")."""


def message(
    *rows: Row,
    columns: int,
    name: str,
    photo: str,
    words: Mapping[str, str],
    total: LevelSum | None = None,
    bare: bool = False,
) -> bytes:
    """What static/maps.js draws.

    Args:
        rows: the maps; with `total`, those of each level.
        name: of the saved picture.
        photo: names the photo; another one begins with the whole picture.
        words: labels of the buttons, the hint below, and what stands where the sum will be.
        total: the sum that the levels are of.
        bare: without buttons and hint.
    """
    parts = _Parts()
    header: dict[str, Any] = {
        "columns": columns,
        "bare": bare,
        "name": name,
        "photo": photo,
        "words": words,
        "size": next((item.size for item, _, _ in rows[0] if item.linked), rows[0][0][0].size),
        "rows": [_row(parts, row, added=total is not None) for row in rows],
    }
    if total is not None:
        truth = [np.where(depth > 0, depth, np.nan) for depth in total.truth]
        header["sum"] = vars(total) | {
            "residuals": [parts.grid(residual) for residual in total.residuals],
            "truth": [parts.grid(depth) for depth in truth],
        }
    told = json.dumps(header).encode()
    return struct.pack("<I", len(told)) + told + parts.data.getvalue()


def _row(parts: _Parts, maps: Row, *, added: bool) -> dict[str, Any]:
    """Maps and their bars; `added`: the canvas adds up the parts of a level itself."""
    bars = list(dict.fromkeys((m.bar, m.bar_title) for m, _, _ in maps if m.bar is not None))
    used = [[m for m, _, _ in maps if (m.bar, m.bar_title) == key] for key in bars]
    shown = []
    for item, alt, asked in maps:
        values = None if added and item.part else item.values
        told = {
            "title": item.title,
            "alt": alt,
            "size": item.size,
            "linked": item.linked,
            "shown": item.shown,
            "part": item.part,
            "level": item.level,
            "bar": None if item.bar is None else bars.index((item.bar, item.bar_title)),
            "values": None if values is None else parts.grid(values, LONGEST),
            "picture": None if item.rgb is None else parts.picture(item.rgb),
            "line": item.line or None,
            "length": item.length,
            "frame": item.frame,
        }
        shown.append(told | dict(asked))
    alone = len(bars) == 1
    return {
        "maps": shown,
        "bars": [_bar(*key, of, alone=alone) for key, of in zip(bars, used, strict=True)],
    }


class _Parts:
    """The binary part of a message; a picture that several maps show goes in once."""

    def __init__(self) -> None:
        self.data = io.BytesIO()
        self._pictures: dict[int, tuple[int, int]] = {}

    def grid(self, values: NDArray[np.floating], longest: int | None = None) -> dict[str, Any]:
        if longest is not None:
            values = values[np.ix_(*sampled(values.shape[0], values.shape[1], longest))]
        valid = np.isfinite(values)
        low = float(values.min(initial=np.inf, where=valid)) if valid.any() else 0.0
        high = float(values.max(initial=-np.inf, where=valid)) if valid.any() else 0.0
        low -= (high - low) / 65534 if high > low else 1.0  # the least value is one step above
        data, step = packed(values, valid, low, high)
        height, width = values.shape
        return {"width": width, "height": height, "low": low, "step": step, "at": self._add(data)}

    def picture(self, rgb: NDArray[np.uint8]) -> tuple[int, int]:
        if id(rgb) not in self._pictures:
            shown, data = Image.fromarray(rgb), io.BytesIO()
            shown.thumbnail((LONGEST, LONGEST), Image.Resampling.BOX)
            if max(shown.size) > EXACT:
                shown.save(data, "JPEG", quality=88)
            else:
                shown.save(data, "PNG")
            self._pictures[id(rgb)] = self._add(data.getvalue())
        return self._pictures[id(rgb)]

    def _add(self, data: bytes) -> tuple[int, int]:
        start = self.data.tell()
        self.data.write(data)
        return start, len(data)


def _bar(bar: Bar, title: str, maps: Sequence[Map], *, alone: bool) -> dict[str, Any]:
    """One bar for each kind of values; where there are several, a shared one names its maps."""
    of = f"{maps[0].title} – {maps[-1].title}" if len(maps) > 1 and not alone else ""
    return {
        "low": bar.low,
        "high": bar.high,
        "unit": bar.unit,
        "digits": bar.digits,
        "title": title or of,
        "shared": len(maps) > 1,
        "silent": bar == MASK,
        "legend": bar != MASK and any(item.shown for item in maps),
        "lut": base64.b64encode(table_of(bar.colours).tobytes()).decode(),
        "ticks": bar_ticks(bar.low, bar.high),
    }
