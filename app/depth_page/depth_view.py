"""The picture with metres under the cursor: the component, and how its data get there.

The browser receives two files (a JPEG of the photo and the depth as deflated uint16) and a small
JSON value that names them; all drawing is in static/depth_view.js. The depth is sampled, never
averaged, so a number shown is the depth of the pixel shown beside it.
"""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any, Literal

import gradio as gr
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from app.common.canvas import bar_ticks, canvas_script, packed, sampled
from app.common.result import Result
from app.common.translations import LANGUAGES, t
from app.depth_page.elements import file_data, script, static_text
from core.files.colormap import colorize

COMPARED = 1400  # pixels of the longer side of the two pictures under the slider
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


def view_value(result: Result, near: float, far: float, folder: Path) -> dict[str, Any]:
    """The JSON value of the component, whose files are made in a folder: depth.bin, photo.jpg.

    What is marked on a photo stays while `source` is the same.

    Args:
        near, far: ends of the colour bar in metres.
    """
    data, geometry = packed_depth(result.prediction.depth)
    (folder / "depth.bin").write_bytes(data)
    preview = Image.fromarray(result.photo.rgb)
    preview.thumbnail((COMPARED, COMPARED), Image.Resampling.BOX, reducing_gap=2.0)
    preview.save(folder / "photo.jpg", quality=90)
    ramp = np.linspace(near, far, 256)[None]
    palette = colorize(ramp, result.request.colors.colormap, near, far)
    return {
        **geometry,
        "depth": file_data(folder / "depth.bin"),
        "photo": file_data(folder / "photo.jpg"),
        "lut": base64.b64encode(palette.tobytes()).decode(),
        "near": near,
        "far": far,
        "metric": result.prediction.metric,
        "source": result.photo.sha256,
        "ticks": [{"metres": value, "label": label} for value, label in bar_ticks(near, far)],
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


def depth_view(mode: str, visible: bool | Literal["hidden"] = True) -> gr.HTML:
    """The picture with metres under the cursor, to "inspect", "measure" or "place" something.

    One that is not drawn with the page would lose its properties; it is hidden instead.
    """
    return gr.HTML(
        None,
        html_template=static_text("depth_view.html"),
        js_on_load=canvas_script()
        + script("depth_view.js", labels=words(), preview="#photo .pb-photo", mode=mode),
        apply_default_css=False,
        elem_classes=[f"dv-{mode}"],
        elem_id=f"view-{mode}",
        measured="",
        visible=visible,
    )
