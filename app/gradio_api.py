"""The HTTP endpoints for other programs: /predict, /point_cloud, /measure, /batch.

They belong to no visible control, so the page can change without breaking them. Pictures are
uploaded first (`gradio_client.handle_file`); every other argument may be left out.
"""

from __future__ import annotations

from typing import Any, Literal

import gradio as gr

from app.batch import run_batch
from app.gradio_handlers import listed
from app.measurement import measure
from app.outputs import cloud_of, save_outputs, stem_of
from app.service import Studio
from app.settings import (
    cloud_settings,
    display_settings,
    outputs_wanted,
    predict_settings,
    selection,
)
from app.storage import Storage
from app.summary import as_json, display_range
from core.colormap import DEFAULT_COLORMAP

AT_ONCE = 2  # heavy calls, of the page and of other programs together, that run at a time


class Endpoints:
    """The functions behind the endpoints; their docstrings are the API page's text."""

    def __init__(self, studio: Studio, storage: Storage) -> None:
        self._studio = studio
        self._storage = storage

    def predict(
        self,
        image: Any,
        model: Any = None,
        resolution: Any = None,
        flip: Any = None,
        colormap: Any = None,
        near: Any = None,
        far: Any = None,
        fov: Any = None,
        request: gr.Request = None,  # type: ignore[assignment]
    ) -> tuple[str, str, dict[str, Any]]:
        """Depth of one photo: a coloured PNG, a 16-bit PNG and a summary.

        The 16-bit PNG holds depth times `png_scale` of the summary, 0 where there is none.
        resolution: working height in pixels; colormap: a name; near, far: ends of the colours in
        metres; fov: horizontal field of view in degrees. What is left out is chosen for you.
        """
        display = display_settings(colormap, near, far)
        settings = predict_settings(model, resolution, flip, fov)
        scene = self._studio.scene(self._storage.uploaded(image), settings)
        folder = self._storage.folder(request.session_hash)
        with self._studio.working():
            saved = save_outputs(scene, display, ("color", "depth16"), folder)
        summary = as_json(scene, *display_range(scene, display)) | {
            "png_scale": saved.facts["depth16"]["scale"]
        }
        return str(saved.files["color"]), str(saved.files["depth16"]), summary

    def point_cloud(
        self,
        image: Any,
        model: Any = None,
        format: Any = None,  # noqa: A002 - the documented name
        fov: Any = None,
        edge_filter: Any = None,
        density: Any = None,
        request: gr.Request = None,  # type: ignore[assignment]
    ) -> tuple[str, dict[str, Any]]:
        """The photo as coloured points in metres: a .ply (OpenCV axes) or .glb (glTF axes).

        edge_filter: relative distance from both surfaces at which a point between them is dropped
        (true: 0.05, false: keep all); density: share of the pixels that become points, up to 1.
        """
        wanted = cloud_settings(format, edge_filter, density)
        scene = self._studio.scene(self._storage.uploaded(image), predict_settings(model, fov=fov))
        folder = self._storage.folder(request.session_hash)
        path = folder / f"{stem_of(scene.photo)}.{wanted.format}"
        with self._studio.working():
            cloud = cloud_of(scene, wanted)
            cloud.save(path)
        summary = as_json(scene, *display_range(scene, display_settings()))
        about = {
            "points": len(cloud),
            "dropped": dict(cloud.dropped),
            "edge_filter": wanted.edge_filter,
            "density": wanted.density,
        }
        return str(path), summary | about

    def measure(
        self,
        image: Any,
        model: Any = None,
        points: Any = None,
        fov: Any = None,
        box: Any = None,
    ) -> dict[str, Any]:
        """Positions and distances in metres, from pixels of the photo.

        points: [[u, v], ...] gives each one's position and the distance between the first two;
        box: [u0, v0, u1, v1] gives the nearest and the median distance in it (a box may also be
        sent as points).
        """
        chosen = selection(points, box)
        scene = self._studio.scene(self._storage.uploaded(image), predict_settings(model, fov=fov))
        return measure(scene, chosen)

    def batch(
        self,
        files: Any,
        model: Any = None,
        resolution: Any = None,
        flip: Any = None,
        colormap: Any = None,
        near: Any = None,
        far: Any = None,
        fov: Any = None,
        outputs: Any = None,
        request: gr.Request = None,  # type: ignore[assignment]
    ) -> tuple[str, dict[str, Any]]:
        """Many photos: one zip with each photo's files and a manifest.

        outputs: a list of color, depth16, npy, npz, exr, levels, ply, glb. A photo that cannot be
        read is named in the manifest and does not stop the others.
        """
        archive, manifest = run_batch(
            self._studio,
            [self._storage.uploaded(file) for file in listed(files)],
            predict_settings(model, resolution, flip, fov),
            display_settings(colormap, near, far),
            outputs_wanted(outputs),
            self._storage.folder(request.session_hash),
        )
        return str(archive), manifest


def _upload(label: str, file_count: Literal["single", "multiple"] = "single") -> gr.File:
    """A picture's place, with an example on the API page that this server does accept."""
    upload = gr.File(file_count=file_count, label=label)
    example = {"path": "photo.jpg", "url": "photo.jpg", "meta": {"_type": "gradio.FileData"}}
    shown = example if file_count == "single" else [example]
    upload.example_payload = lambda: shown  # type: ignore[method-assign]
    return upload


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
        edge_filter, density = gr.JSON(None, label="edge filter"), gr.Number(1, label="density")
        points, box = gr.JSON(None, label="points"), gr.JSON(None, label="box")
        outputs = gr.JSON(["color", "depth16"], label="outputs")
        coloured, depth16 = gr.File(label="coloured depth"), gr.File(label="16-bit depth PNG")
        cloud, archive = gr.File(label="point cloud"), gr.File(label="zip")
        summary, result = gr.JSON(label="summary"), gr.JSON(label="measurement")
        manifest = gr.JSON(label="manifest")
        trigger = gr.Button(visible=False)
    display = [colormap, near, far]
    declared: tuple[tuple[str, Any, list[Any], list[Any]], ...] = (
        (
            "predict",
            endpoints.predict,
            [image, model, resolution, flip, *display, fov],
            [coloured, depth16, summary],
        ),
        (
            "point_cloud",
            endpoints.point_cloud,
            [image, model, cloud_format, fov, edge_filter, density],
            [cloud, summary],
        ),
        ("measure", endpoints.measure, [image, model, points, fov, box], [result]),
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
            concurrency_id="work",
            concurrency_limit=AT_ONCE,
        )
