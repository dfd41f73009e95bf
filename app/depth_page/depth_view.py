"""The picture with metres under the cursor: what the page draws and how its data get there.

The browser receives two files (a JPEG of the photo and the depth as deflated uint16) and a small
JSON value that names them; all drawing is in static/depth_view.js. The depth is sampled, never
averaged, so a number shown is the depth of the pixel shown beside it.
"""

from __future__ import annotations

import base64
import json
import math
import zlib
from functools import cache
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
from numpy.typing import NDArray

from app.common.text import LANGUAGES, t, table

# Gradio translates a component's value too, where that is the name of a sentence ("auto") and the
# component's script comes late: no value begins like this.
_SAY = "say/"
translations = gr.I18n(
    **{
        lang: {_SAY + name: sentence for name, sentence in table("studio", lang).items()}
        for lang in LANGUAGES
    }
)


def label(name: str) -> Any:
    """A sentence of the page's, which the browser says in its language."""
    return translations(_SAY + name)


STATIC = Path(__file__).parent / "static"
MAX_SIDE = 720  # pixels of the longer side that a page receives
_UNITS = 65535  # what the depth is counted in; 0 stands for no depth
_WORDS = (
    "canvas", "empty", "none", "expired", "distance", "box", "depth", "both", "photo",
)  # fmt: skip
_HINTS = ("point", "distance", "box", "place")


def sampled(height: int, width: int, longest: int = MAX_SIDE) -> tuple[NDArray[np.intp], ...]:
    """Rows and columns of a (height, width) map that a screen shows, spread evenly.

    Returns:
        rows (h,), columns (w,): all of them where the map is small enough.
    """
    scale = min(1.0, longest / max(height, width))
    shown = (max(1, round(height * scale)), max(1, round(width * scale)))
    rows, columns = (
        np.floor((np.arange(count) + 0.5) * full / count).astype(np.intp)
        for count, full in zip(shown, (height, width), strict=True)
    )
    return rows, columns


def packed_depth(
    depth: NDArray[np.floating], longest: int = MAX_SIDE
) -> tuple[bytes, dict[str, Any]]:
    """The depth of the pixels that a screen shows, in the form that depth_view.js reads.

    Args:
        depth: (H, W) metres; what is not finite and positive counts as no depth.

    Returns:
        deflated little-endian uint16 (h, w), and the geometry: width, height, fullWidth,
        fullHeight and `step`, the metres of one unit (at most 1/65535 of the farthest depth).
    """
    height, width = depth.shape
    rows, columns = sampled(height, width, longest)
    shown = depth[np.ix_(rows, columns)]
    valid = np.isfinite(shown) & (shown > 0)
    farthest = float(shown.max(initial=0.0, where=valid))
    step = farthest / _UNITS if farthest > 0 else 1.0
    units = np.zeros(shown.shape, "<u2")
    units[valid] = np.clip(np.rint(shown[valid] / step), 1, _UNITS)
    geometry = {
        "width": len(columns),
        "height": len(rows),
        "fullWidth": depth.shape[1],
        "fullHeight": depth.shape[0],
        "step": step,
    }
    return zlib.compress(units.tobytes(), 6), geometry


def view_value(
    depth_file: Path,
    photo_file: Path,
    geometry: dict[str, Any],
    palette: NDArray[np.uint8],
    near: float,
    far: float,
    *,
    metric: bool,
    source: str = "",
) -> dict[str, Any]:
    """The JSON value of the component.

    Args:
        depth_file, photo_file: files that the server may hand out.
        geometry: of `packed_depth`.
        palette: (256, 3) colours from near to far.
        near, far: ends of the colour bar in metres.
        metric: whether these are metres; else the numbers get no unit.
        source: names the photo: what is marked on it stays while it is the same.
    """
    return {
        **geometry,
        "depth": file_data(depth_file),
        "photo": file_data(photo_file),
        "lut": base64.b64encode(palette.tobytes()).decode(),
        "near": near,
        "far": far,
        "metric": metric,
        "source": source,
        "ticks": [{"metres": value, "label": label} for value, label in bar_ticks(near, far)],
    }


def bar_ticks(near: float, far: float, wanted: int = 5) -> list[tuple[float, str]]:
    """Round values between near and far for a colour bar, with their labels (without the unit)."""
    raw = (far - near) / wanted
    magnitude = 10.0 ** math.floor(math.log10(raw))
    step = next(magnitude * m for m in (1, 2, 2.5, 5, 10) if magnitude * m >= raw * 0.75)
    digits = max(0, -math.floor(math.log10(step) + 1e-9), len(f"{step:.6g}".partition(".")[2]))
    first, last = math.ceil(near / step - 1e-6), math.floor(far / step + 1e-6)
    return [(k * step, f"{k * step:.{digits}f}") for k in range(first, last + 1)]


def file_data(path: Path) -> dict[str, Any]:
    """How Gradio names a file that it may send to this client."""
    return {
        "path": str(path),
        "orig_name": path.name,
        "size": path.stat().st_size,
        "meta": {"_type": "gradio.FileData"},
    }


def words() -> dict[str, dict[str, Any]]:
    """The component's own words in every language; the browser chooses."""
    return {
        lang: {
            **{name: t(f"view.{name}", lang) for name in _WORDS},
            "hint": {tool: t(f"view.hint_{tool}", lang) for tool in _HINTS},
            "touch": {tool: t(f"view.touch_{tool}", lang) for tool in ("point", "distance")},
        }
        for lang in LANGUAGES
    }


def script(name: str, **constants: Any) -> str:
    """A component's script with what never changes in it, as `constants`.

    As properties they may be lost: Gradio forgets them where a component is drawn, a tab is opened
    for instance, while an answer that fills it is on its way.
    """
    return f"const constants = {json.dumps(constants)};\n{static_text(name)}"


@cache
def static_text(name: str) -> str:
    """A file that is sent with the page."""
    return (STATIC / name).read_text(encoding="utf-8")
