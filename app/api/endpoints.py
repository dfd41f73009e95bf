"""The HTTP endpoints for other programs: /predict, /point_cloud, /measure, /render, /batch.

They belong to no visible control, so the page can change without breaking them. Pictures are
uploaded first (`gradio_client.handle_file`); every other argument may be left out, and what a
client sends can be anything. The functions' docstrings are the API page's text.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any, Literal

import gradio as gr

from app.common.checks import missing, one_of
from app.common.request import (
    CLOUD_FORMATS,
    depth_request,
    listed,
    outputs_wanted,
    selection,
    space_options,
    view_settings,
)
from app.common.result import Result, measure
from app.common.runs import run_batch
from app.common.saving import save_outputs, save_view
from app.common.service import MAX_BUILDING, Studio
from app.common.storage import Storage
from app.common.summary import as_json, with_display_range
from core.files.colormap import DEFAULT_COLORMAP

_DISPLAY = ("colormap", "near", "far")
_CAMERA = ("intrinsics", "known_length")
_KNOWN = ("known_depth", "camera_height", "sparse", "sparse_scale", "profile")
_SPACE = ("shape", "near", "far", "confidence", "sky", "voxel", "normals", "outliers", "faces",
          "pose")  # fmt: skip
ARGUMENTS = {
    "predict": ("image", "model", "resolution", "flip", *_DISPLAY, "fov", *_CAMERA, *_KNOWN),
    "point_cloud": ("image", "model", "format", "fov", "edge_filter", "density", *_CAMERA, *_SPACE,
                    *_KNOWN),
    "measure": ("image", "model", "points", "fov", "box", *_CAMERA, *_KNOWN),
    "render": ("image", "kind", "model", "fov", *_CAMERA, "at", "thing", "size", "back", *_KNOWN),
    "batch": ("files", "model", "resolution", "flip", *_DISPLAY, "fov", "outputs", "profile"),
}  # fmt: skip
"""The arguments of every endpoint, in the order of a call without names: new ones come last."""


class Endpoints:
    """What each endpoint does, over one studio and its storage.

    Every function takes the request and the values of `ARGUMENTS` by name.
    """

    def __init__(self, studio: Studio, storage: Storage) -> None:
        self._studio = studio
        self._storage = storage

    def predict(self, request: gr.Request, **values: Any) -> tuple[str, str, dict[str, Any]]:
        """Depth of one photo: a coloured PNG, a 16-bit PNG and a summary.

        The 16-bit PNG holds depth times `png_scale` of the summary, 0 where there is none.
        resolution: working height in pixels; colormap: a name; near, far: ends of the colours in
        metres; fov: horizontal field of view in degrees, or intrinsics: [fx, fy, cx, cy] in pixels;
        known_length: [u0, v0, u1, v1, metres], two pixels and the true distance between them, by
        which the depth is rescaled, or a list of such; known_depth: [u, v, metres] likewise;
        camera_height: metres above the floor; sparse: a file of u,v,metres (CSV) or a 16-bit PNG
        with sparse_scale steps per metre, to which the depth is bent; profile: the name of a scale
        profile of the server's, or a profile's JSON. What is left out is chosen for you.
        """
        result = with_display_range(self._result(values))
        folder = self._storage.folder(request.session_hash)
        with self._studio.working:
            saved = save_outputs(result, ("color", "depth16"), folder)
        summary = as_json(result) | {"png_scale": saved.facts["depth16"]["scale"]}
        return str(saved.files["color"]), str(saved.files["depth16"]), summary

    def point_cloud(self, request: gr.Request, **values: Any) -> tuple[str, dict[str, Any]]:
        """The photo in metres: points or a surface as .ply (OpenCV axes), .glb or zipped .obj.

        edge_filter: relative distance from both surfaces at which a point between them is dropped
        (true: 0.05, false: keep all); density: share of the pixels that become points, up to 1;
        camera and what is known: as in /predict; shape: points, surface or poisson; near, far:
        metres; confidence: the least, 0 to 1; sky: true drops it; voxel: metres, one point a cell;
        normals: true writes them; outliers: true drops them; faces: at most so many triangles;
        pose: camera-to-world, 16 numbers, for world coordinates.
        """
        kind, density = values.pop("format"), values["density"]
        kind = kind.lower() if isinstance(kind, str) else kind
        kind = one_of("format", kind, CLOUD_FORMATS, "ply")
        options = _called(space_options, values)
        result = self._result(values)
        folder = self._storage.folder(request.session_hash)
        with self._studio.building:
            saved = save_outputs(result, (kind,), folder, options)
        facts = saved.facts[kind]
        about = {
            "points": facts.get("points", facts.get("vertices")),
            "edge_filter": options.points.edge_tolerance or 0.0,
            "density": 1.0 if missing(density) else float(density),
        }
        return str(saved.files[kind]), as_json(result) | facts | about

    def measure(self, _: gr.Request, **values: Any) -> dict[str, Any]:
        """Positions, distances, heights above the floor and areas in metres, from pixels.

        points: [[u, v], ...] gives each one's position and the distance between the first two;
        box: [u0, v0, u1, v1] gives the nearest and the median distance in it (a box may also be
        sent as points); camera and what is known: as in /predict.
        """
        chosen = _called(selection, values)
        return measure(self._result(values), chosen)

    def render(self, request: gr.Request, **values: Any) -> tuple[str, dict[str, Any]]:
        """A view of the scene: an .mp4 that starts at the photo's own view, or a .png.

        kind: clip (a short camera move), stereo (side by side), anaglyph (red-cyan glasses) or
        object: a ball or cube (thing) of size metres that stands at a pixel [u, v], moved back by
        so many metres and hidden by what stands nearer; camera and what is known: as in /predict.
        """
        wanted = _called(view_settings, values)
        result = self._result(values)
        folder = self._storage.folder(request.session_hash)
        with self._studio.building:
            path, facts = save_view(result, wanted, folder)
        return str(path), as_json(result) | facts

    def batch(self, request: gr.Request, **values: Any) -> tuple[str, dict[str, Any]]:
        """Many photos: one zip with each photo's files and a manifest.

        outputs: a list of color, depth16, npy, npz, exr, levels, normals, points_exr, ply, splat,
        glb, usdz, obj, mcap, stereo, anaglyph, clip; profile: as in /predict. A photo that cannot
        be read is named in the manifest and does not stop the others.
        """
        files, outputs = listed(values.pop("files")), values.pop("outputs")
        archive, manifest = run_batch(
            self._studio,
            [self._storage.uploaded(file) for file in files],
            depth_request(**values),
            outputs_wanted(outputs),
            self._storage.folder(request.session_hash),
        )
        return str(archive), manifest

    def _result(self, values: dict[str, Any]) -> Result:
        """The photo's depth, by the values that are left."""
        image, sparse = values.pop("image"), values["sparse"]
        values["sparse"] = None if missing(sparse) else self._storage.uploaded(sparse)
        asked = depth_request(**values)
        return self._studio.result(self._storage.uploaded(image), asked)


def _called(parse: Callable[..., Any], values: dict[str, Any]) -> Any:
    """What a function makes of the values of its arguments' names, which are taken away."""
    names = inspect.signature(parse).parameters
    return parse(**{name: values.pop(name) for name in names if name in values})


def _with_arguments(function: Callable[..., Any], names: tuple[str, ...]) -> Callable[..., Any]:
    """The function as Gradio has to see it, which reads the arguments' names from its signature."""

    @wraps(function)
    def call(request: gr.Request, *values: Any) -> Any:
        return function(request, **dict(zip(names, values, strict=True)))

    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    first, *others = (inspect.Parameter(name, kind) for name in names)
    call.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            inspect.Parameter("request", kind, annotation=gr.Request),
            first,
            *(parameter.replace(default=None) for parameter in others),
        ]
    )
    call.__annotations__ = {"request": gr.Request}
    return call


_FILTER = {"anyOf": [{"type": "number"}, {"type": "boolean"}]}
_ROW = {"type": "array", "items": {"type": "number"}}
_ROWS = {"type": "array", "items": _ROW}
_NUMBERS_OR_ROWS = {"anyOf": [_ROW, _ROWS]}
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


def _json(label: str, schema: dict[str, Any], value: Any = None) -> gr.JSON:
    """JSON of one kind; what Gradio says of it is no schema that MCP takes."""
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
        "points": _json("points", _ROWS),
        "box": _json("box", _ROW),
        "intrinsics": _json("intrinsics", _ROW),
        "known_length": _json("known length", _NUMBERS_OR_ROWS),
        "known_depth": _json("known depth", _NUMBERS_OR_ROWS),
        "sparse": _upload("sparse depth", example="depth.csv"),
        "profile": _json("scale profile", _PROFILE),
        "at": _json("at", _ROW),
        "pose": _json("pose", _ROW),
        "outputs": _json("outputs", _NAMES, ["color", "depth16"]),
    }


def add_endpoints(studio: Studio, storage: Storage) -> None:
    """Declares the endpoints inside the page that is being built, without showing anything."""
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
        trigger.click(
            _with_arguments(getattr(endpoints, name), ARGUMENTS[name]),
            [inputs[key] for key in ARGUMENTS[name]],
            filled,
            api_name=name,
            preprocess=False,
            **_LONG.get(name, WORK),
        )
