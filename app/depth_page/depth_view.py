"""The picture with metres under the cursor: what the page draws and how its data get there.

The browser receives two files (a JPEG of the photo and the depth as deflated uint16) and a small
JSON value that names them; all drawing is in static/depth_view.js. The depth is sampled, never
averaged, so a number shown is the depth of the pixel shown beside it.
"""

from __future__ import annotations

import base64
import json
from functools import cache
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
from numpy.typing import NDArray

from app.common.canvas import bar_ticks, packed, sampled
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
_WORDS = (
    "canvas", "empty", "none", "expired", "distance", "box", "depth", "both", "photo",
)  # fmt: skip
_HINTS = ("point", "distance", "box", "place")


def packed_depth(
    depth: NDArray[np.floating], longest: int = MAX_SIDE
) -> tuple[bytes, dict[str, Any]]:
    """The depth of the pixels that a screen shows, in the form that canvas.js reads.

    Args:
        depth: (H, W) metres; what is not finite and positive counts as no depth.

    Returns:
        deflated little-endian uint16 (h, w), and the geometry: width, height, fullWidth,
        fullHeight and `step`, the metres of one unit (at most 1/65535 of the farthest depth).
    """
    rows, columns = sampled(depth.shape[0], depth.shape[1], longest)
    shown = depth[np.ix_(rows, columns)]
    valid = np.isfinite(shown) & (shown > 0)
    farthest = float(shown.max(initial=0.0, where=valid))
    data, step = packed(shown, valid, 0.0, farthest)
    geometry = {
        "width": len(columns),
        "height": len(rows),
        "fullWidth": depth.shape[1],
        "fullHeight": depth.shape[0],
        "step": step,
    }
    return data, geometry


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
