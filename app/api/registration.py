"""The HTTP endpoints for other programs: /predict, /point_cloud, /measure, /render, /batch.

They belong to no visible control, so the page can change without breaking them. Pictures are
uploaded first (`gradio_client.handle_file`); every other argument may be left out.
"""

from __future__ import annotations

import inspect
from typing import Any, Literal

import gradio as gr

from app.api.endpoints import Endpoints
from app.common.service import MAX_BUILDING, Studio
from app.common.storage import Storage
from core.files.colormap import DEFAULT_COLORMAP

_FILTER = {"anyOf": [{"type": "number"}, {"type": "boolean"}]}
_ROW = {"type": "array", "items": {"type": "number"}}
_NUMBERS_OR_ROWS = {"anyOf": [_ROW, {"type": "array", "items": _ROW}]}
_PROFILE = {"anyOf": [{"type": "string"}, {"type": "object"}]}
_NAMES = {"type": "array", "items": {"type": "string"}}
AT_ONCE = 2  # calls that need the network, of the page and of other programs together
# What takes long has places of its own: photos do not wait for it.
IN_SPACE: dict[str, Any] = {"concurrency_id": "space", "concurrency_limit": MAX_BUILDING}
IN_BATCH: dict[str, Any] = {"concurrency_id": "batch", "concurrency_limit": 1}
_LONG = {"point_cloud": IN_SPACE, "render": IN_SPACE, "batch": IN_BATCH}
WORK: dict[str, Any] = {"concurrency_id": "work", "concurrency_limit": AT_ONCE}


def _upload(
    label: str, file_count: Literal["single", "multiple"] = "single", example: str = "photo.jpg"
) -> gr.File:
    """A picture's place, with an example on the API page that this server does accept."""
    upload = gr.File(file_count=file_count, label=label)
    sent = {"path": example, "url": example, "meta": {"_type": "gradio.FileData"}}
    shown = sent if file_count == "single" else [sent]
    # Gradio asks the component itself; there is no option for it.
    upload.example_payload = lambda: shown  # type: ignore[method-assign]
    return upload


def _numbers(label: str, value: Any = None, nested: bool = False) -> gr.JSON:
    """A list of numbers, or of pairs; what Gradio says of JSON is no schema that MCP takes."""
    numbers = {"type": "array", "items": {"type": "number"}}
    return _json(label, {"type": "array", "items": numbers} if nested else numbers, value)


def _json(label: str, schema: dict[str, Any], value: Any = None) -> gr.JSON:
    component = gr.JSON(value, label=label)
    component.api_info = lambda: schema  # type: ignore[method-assign]
    return component


def _inputs() -> dict[str, Any]:
    """A component for every argument of an endpoint, by the argument's name."""
    numbers = ("resolution", "near", "far", "fov", "voxel", "faces", "size", "back",
               "camera_height", "sparse_scale")  # fmt: skip
    switches = ("flip", "sky", "normals", "outliers")
    texts = {"model": None, "shape": None, "format": "ply", "kind": "clip", "thing": "ball",
             "colormap": DEFAULT_COLORMAP}  # fmt: skip
    return {
        "image": _upload("image"),
        "files": _upload("files", file_count="multiple"),
        **{name: gr.Number(None, label=name) for name in numbers},
        **{name: gr.Checkbox(False, label=name) for name in switches},
        **{name: gr.Textbox(value, label=name) for name, value in texts.items()},
        "density": gr.Number(1, label="density"),
        "confidence": gr.Number(None, label="least confidence"),
        "edge_filter": _json("edge filter", _FILTER),
        "points": _numbers("points", nested=True),
        "box": _numbers("box"),
        "intrinsics": _numbers("intrinsics"),
        "known_length": _json("known length", _NUMBERS_OR_ROWS),
        "known_depth": _json("known depth", _NUMBERS_OR_ROWS),
        "sparse": _upload("sparse depth", example="depth.csv"),
        "profile": _json("scale profile", _PROFILE),
        "at": _numbers("at"),
        "pose": _numbers("pose"),
        "outputs": _json("outputs", _NAMES, ["color", "depth16"]),
    }


def add_endpoints(studio: Studio, storage: Storage) -> None:
    """Declares the endpoints inside the page that is being built, without showing anything.

    Their arguments are those of the functions, in their order.
    """
    endpoints = Endpoints(studio, storage)
    with gr.Group(visible=False):
        inputs, summary = _inputs(), gr.JSON(label="summary")
        coloured, depth16 = gr.File(label="coloured depth"), gr.File(label="16-bit depth PNG")
        results: dict[str, list[Any]] = {
            "predict": [coloured, depth16, summary],
            "point_cloud": [gr.File(label="point cloud"), summary],
            "measure": [gr.JSON(label="measurement")],
            "render": [gr.File(label="picture or film"), summary],
            "batch": [gr.File(label="zip"), gr.JSON(label="manifest")],
        }
        trigger = gr.Button(visible=False)
    for name, filled in results.items():
        function = getattr(endpoints, name)
        arguments = [key for key in inspect.signature(function).parameters if key != "request"]
        trigger.click(
            function,
            [inputs[key] for key in arguments],
            filled,
            api_name=name,
            preprocess=False,
            **_LONG.get(name, WORK),
        )
