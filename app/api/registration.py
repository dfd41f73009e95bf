"""The HTTP endpoints for other programs: /predict, /point_cloud, /measure, /render, /batch.

They belong to no visible control, so the page can change without breaking them. Pictures are
uploaded first (`gradio_client.handle_file`); every other argument may be left out.
"""

from __future__ import annotations

from typing import Any, Literal

import gradio as gr

from app.api.endpoints import Endpoints
from app.common.service import MAX_BUILDING, Studio
from app.common.storage import Storage
from core.files.colormap import DEFAULT_COLORMAP

_FILTER = {"anyOf": [{"type": "number"}, {"type": "boolean"}]}
_NAMES = {"type": "array", "items": {"type": "string"}}
AT_ONCE = 2  # calls that need the network, of the page and of other programs together
# What takes long has places of its own: photos do not wait for it.
IN_SPACE: dict[str, Any] = {"concurrency_id": "space", "concurrency_limit": MAX_BUILDING}
IN_BATCH: dict[str, Any] = {"concurrency_id": "batch", "concurrency_limit": 1}
_LONG = {"point_cloud": IN_SPACE, "render": IN_SPACE, "batch": IN_BATCH}
WORK: dict[str, Any] = {"concurrency_id": "work", "concurrency_limit": AT_ONCE}


def _upload(label: str, file_count: Literal["single", "multiple"] = "single") -> gr.File:
    """A picture's place, with an example on the API page that this server does accept."""
    upload = gr.File(file_count=file_count, label=label)
    example = {"path": "photo.jpg", "url": "photo.jpg", "meta": {"_type": "gradio.FileData"}}
    shown = example if file_count == "single" else [example]
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


def _space_inputs() -> list[Any]:
    """shape, near, far, confidence, sky, voxel, normals, outliers, faces, pose."""
    return [
        gr.Textbox(None, label="shape"),
        gr.Number(None, label="near"),
        gr.Number(None, label="far"),
        gr.Number(None, label="least confidence"),
        gr.Checkbox(False, label="sky"),
        gr.Number(None, label="voxel"),
        gr.Checkbox(False, label="normals"),
        gr.Checkbox(False, label="outliers"),
        gr.Number(None, label="faces"),
        _numbers("pose"),
    ]


def _view_inputs() -> list[Any]:
    """kind, at, thing, size, back."""
    return [
        gr.Textbox("clip", label="kind"),
        _numbers("at"),
        gr.Textbox("ball", label="thing"),
        gr.Number(None, label="size"),
        gr.Number(None, label="back"),
    ]


def add_endpoints(studio: Studio, storage: Storage) -> None:
    """Declares the endpoints inside the page that is being built, without showing anything."""
    endpoints = Endpoints(studio, storage)
    with gr.Group(visible=False):
        image = _upload("image")
        files = _upload("files", file_count="multiple")
        model = gr.Textbox(None, label="model")
        resolution = gr.Number(None, label="resolution")
        flip = gr.Checkbox(False, label="flip")
        colormap = gr.Textbox(DEFAULT_COLORMAP, label="colormap")
        near, far = gr.Number(None, label="near"), gr.Number(None, label="far")
        fov = gr.Number(None, label="fov")
        cloud_format = gr.Textbox("ply", label="format")
        edge_filter, density = _json("edge filter", _FILTER), gr.Number(1, label="density")
        points, box = _numbers("points", nested=True), _numbers("box")
        camera, known = _numbers("intrinsics"), _numbers("known length")
        space = _space_inputs()
        view = _view_inputs()
        outputs = _json("outputs", _NAMES, ["color", "depth16"])
        coloured, depth16 = gr.File(label="coloured depth"), gr.File(label="16-bit depth PNG")
        cloud, archive = gr.File(label="point cloud"), gr.File(label="zip")
        rendered = gr.File(label="picture or film")
        summary, result = gr.JSON(label="summary"), gr.JSON(label="measurement")
        manifest = gr.JSON(label="manifest")
        trigger = gr.Button(visible=False)
    display = [colormap, near, far]
    declared: tuple[tuple[str, Any, list[Any], list[Any]], ...] = (
        (
            "predict",
            endpoints.predict,
            [image, model, resolution, flip, *display, fov, camera, known],
            [coloured, depth16, summary],
        ),
        (
            "point_cloud",
            endpoints.point_cloud,
            [image, model, cloud_format, fov, edge_filter, density, camera, known, *space],
            [cloud, summary],
        ),
        (
            "measure",
            endpoints.measure,
            [image, model, points, fov, box, camera, known],
            [result],
        ),
        (
            "render",
            endpoints.render,
            [image, view[0], model, fov, camera, known, *view[1:]],
            [rendered, summary],
        ),
        (
            "batch",
            endpoints.batch,
            [files, model, resolution, flip, *display, fov, outputs],
            [archive, manifest],
        ),
    )
    for name, function, inputs, results in declared:
        trigger.click(
            function,
            inputs,
            results,
            api_name=name,
            preprocess=False,
            **_LONG.get(name, WORK),
        )
