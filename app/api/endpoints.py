"""The functions behind the HTTP endpoints; their docstrings are the API page's text.

Every argument but the picture may be left out; what a client sends can be anything. The signatures
are written out although they repeat each other: Gradio reads the arguments' names from them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import gradio as gr

from app.common.batch import run_batch
from app.common.measurement import measure
from app.common.outputs import save_outputs, save_view
from app.common.request import (
    PredictSettings,
    cloud_settings,
    display_settings,
    listed,
    outputs_wanted,
    predict_settings,
    selection,
)
from app.common.result import Scene
from app.common.service import Studio
from app.common.storage import Storage
from app.common.summary import as_json, display_range
from app.common.three_d import checked_length, space_options, view_settings


class Endpoints:
    """What each endpoint does, over one studio and its storage."""

    def __init__(self, studio: Studio, storage: Storage) -> None:
        self._studio = studio
        self._storage = storage

    def predict(
        self,
        request: gr.Request,
        image: Any,
        model: Any = None,
        resolution: Any = None,
        flip: Any = None,
        colormap: Any = None,
        near: Any = None,
        far: Any = None,
        fov: Any = None,
        intrinsics: Any = None,
        known_length: Any = None,
    ) -> tuple[str, str, dict[str, Any]]:
        """Depth of one photo: a coloured PNG, a 16-bit PNG and a summary.

        The 16-bit PNG holds depth times `png_scale` of the summary, 0 where there is none.
        resolution: working height in pixels; colormap: a name; near, far: ends of the colours in
        metres; fov: horizontal field of view in degrees, or intrinsics: [fx, fy, cx, cy] in pixels;
        known_length: [u0, v0, u1, v1, metres], two pixels and the true distance between them, by
        which the depth is rescaled. What is left out is chosen for you.
        """
        display = display_settings(colormap, near, far)
        settings = predict_settings(model, resolution, flip, fov, intrinsics)
        scene = self._scene(image, settings, known_length)
        folder = self._storage.folder(request.session_hash)
        near, far = display_range(scene, display)
        drawn = replace(display, near=near, far=far)
        with self._studio.working():
            saved = save_outputs(scene, drawn, ("color", "depth16"), folder)
        summary = as_json(scene, near, far) | {"png_scale": saved.facts["depth16"]["scale"]}
        return str(saved.files["color"]), str(saved.files["depth16"]), summary

    def point_cloud(
        self,
        request: gr.Request,
        image: Any,
        model: Any = None,
        format: Any = None,  # noqa: A002 - the documented name
        fov: Any = None,
        edge_filter: Any = None,
        density: Any = None,
        intrinsics: Any = None,
        known_length: Any = None,
        shape: Any = None,
        near: Any = None,
        far: Any = None,
        confidence: Any = None,
        sky: Any = None,
        voxel: Any = None,
        normals: Any = None,
        outliers: Any = None,
        faces: Any = None,
        pose: Any = None,
    ) -> tuple[str, dict[str, Any]]:
        """The photo in metres: points or a surface as .ply (OpenCV axes), .glb or zipped .obj.

        edge_filter: relative distance from both surfaces at which a point between them is dropped
        (true: 0.05, false: keep all); density: share of the pixels that become points, up to 1;
        intrinsics, known_length: as in /predict; shape: points, surface or poisson; near, far:
        metres; confidence: the least, 0 to 1; sky: true drops it; voxel: metres, one point a cell;
        normals: true writes them; outliers: true drops them; faces: at most so many triangles;
        pose: camera-to-world, 16 numbers, for world coordinates.
        """
        wanted = cloud_settings(format, edge_filter, density)
        space = space_options(
            wanted,
            shape=shape,
            near=near,
            far=far,
            confidence=confidence,
            sky=sky,
            voxel=voxel,
            normals=normals,
            outliers=outliers,
            faces=faces,
            pose=pose,
        )
        settings = predict_settings(model, fov=fov, intrinsics=intrinsics)
        scene = self._scene(image, settings, known_length)
        folder = self._storage.folder(request.session_hash)
        with self._studio.building():
            saved = save_outputs(scene, display_settings(), (wanted.format,), folder, space)
        summary = as_json(scene, *display_range(scene, display_settings()))
        facts = saved.facts[wanted.format]
        about = {
            "points": facts.get("points", facts.get("vertices")),
            "edge_filter": wanted.edge_filter,
            "density": wanted.density,
        }
        return str(saved.files[wanted.format]), summary | facts | about

    def measure(
        self,
        image: Any,
        model: Any = None,
        points: Any = None,
        fov: Any = None,
        box: Any = None,
        intrinsics: Any = None,
        known_length: Any = None,
    ) -> dict[str, Any]:
        """Positions, distances, heights above the floor and areas in metres, from pixels.

        points: [[u, v], ...] gives each one's position and the distance between the first two;
        box: [u0, v0, u1, v1] gives the nearest and the median distance in it (a box may also be
        sent as points); intrinsics, known_length: as in /predict.
        """
        chosen = selection(points, box)
        settings = predict_settings(model, fov=fov, intrinsics=intrinsics)
        return measure(self._scene(image, settings, known_length), chosen)

    def render(
        self,
        request: gr.Request,
        image: Any,
        kind: Any = None,
        model: Any = None,
        fov: Any = None,
        intrinsics: Any = None,
        known_length: Any = None,
        at: Any = None,
        thing: Any = None,
        size: Any = None,
        back: Any = None,
    ) -> tuple[str, dict[str, Any]]:
        """A view of the scene: an .mp4 that starts at the photo's own view, or a .png.

        kind: clip (a short camera move), stereo (side by side), anaglyph (red-cyan glasses) or
        object: a ball or cube (thing) of size metres that stands at a pixel [u, v], moved back by
        so many metres and hidden by what stands nearer; intrinsics, known_length: as in /predict.
        """
        wanted = view_settings(kind, at, thing, size, back)
        settings = predict_settings(model, fov=fov, intrinsics=intrinsics)
        scene = self._scene(image, settings, known_length)
        folder = self._storage.folder(request.session_hash)
        with self._studio.building():
            path, facts = save_view(scene, wanted, folder)
        return str(path), as_json(scene, *display_range(scene, display_settings())) | facts

    def batch(
        self,
        request: gr.Request,
        files: Any,
        model: Any = None,
        resolution: Any = None,
        flip: Any = None,
        colormap: Any = None,
        near: Any = None,
        far: Any = None,
        fov: Any = None,
        outputs: Any = None,
    ) -> tuple[str, dict[str, Any]]:
        """Many photos: one zip with each photo's files and a manifest.

        outputs: a list of color, depth16, npy, npz, exr, levels, ply, glb, obj, stereo, anaglyph,
        clip. A photo that cannot be read is named in the manifest and does not stop the others.
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

    def _scene(self, image: Any, settings: PredictSettings, known: Any) -> Scene:
        """The photo's depth, rescaled where a length is known."""
        length = checked_length(known)
        return self._studio.scene(self._storage.uploaded(image), settings).calibrated(length)
