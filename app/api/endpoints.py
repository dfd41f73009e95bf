"""The functions behind the HTTP endpoints; their docstrings are the API page's text.

Every argument but the picture may be left out; what a client sends can be anything. The signatures
are written out although they repeat each other: Gradio reads the arguments' names from them.
"""

from __future__ import annotations

from typing import Any

import gradio as gr

from app.common.batch import run_batch
from app.common.outputs import save_outputs, save_view
from app.common.request import (
    CLOUD_FORMATS,
    DepthRequest,
    depth_request,
    listed,
    missing,
    one_of,
    outputs_wanted,
    selection,
    space_options,
    view_settings,
)
from app.common.result import Result, measure
from app.common.service import Studio
from app.common.storage import Storage
from app.common.summary import as_json, with_display_range


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
        known_depth: Any = None,
        camera_height: Any = None,
        sparse: Any = None,
        sparse_scale: Any = None,
        profile: Any = None,
    ) -> tuple[str, str, dict[str, Any]]:
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
        asked = self._asked(
            model=model,
            resolution=resolution,
            flip=flip,
            fov=fov,
            intrinsics=intrinsics,
            known_length=known_length,
            known_depth=known_depth,
            camera_height=camera_height,
            sparse=sparse,
            sparse_scale=sparse_scale,
            profile=profile,
            colormap=colormap,
            near=near,
            far=far,
        )
        result = with_display_range(self._result(image, asked))
        folder = self._storage.folder(request.session_hash)
        with self._studio.working():
            saved = save_outputs(result, ("color", "depth16"), folder)
        summary = as_json(result) | {"png_scale": saved.facts["depth16"]["scale"]}
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
        known_depth: Any = None,
        camera_height: Any = None,
        sparse: Any = None,
        sparse_scale: Any = None,
        profile: Any = None,
    ) -> tuple[str, dict[str, Any]]:
        """The photo in metres: points or a surface as .ply (OpenCV axes), .glb or zipped .obj.

        edge_filter: relative distance from both surfaces at which a point between them is dropped
        (true: 0.05, false: keep all); density: share of the pixels that become points, up to 1;
        camera and what is known: as in /predict; shape: points, surface or poisson; near, far:
        metres; confidence: the least, 0 to 1; sky: true drops it; voxel: metres, one point a cell;
        normals: true writes them; outliers: true drops them; faces: at most so many triangles;
        pose: camera-to-world, 16 numbers, for world coordinates.
        """
        kind = format.lower() if isinstance(format, str) else format
        kind = one_of("format", kind, CLOUD_FORMATS, "ply")
        options = space_options(
            edge_filter=edge_filter,
            density=density,
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
        asked = self._asked(
            model=model,
            fov=fov,
            intrinsics=intrinsics,
            known_length=known_length,
            known_depth=known_depth,
            camera_height=camera_height,
            sparse=sparse,
            sparse_scale=sparse_scale,
            profile=profile,
        )
        result = self._result(image, asked)
        folder = self._storage.folder(request.session_hash)
        with self._studio.building():
            saved = save_outputs(result, (kind,), folder, options)
        facts = saved.facts[kind]
        about = {
            "points": facts.get("points", facts.get("vertices")),
            "edge_filter": options.points.edge_tolerance or 0.0,
            "density": 1.0 if missing(density) else float(density),
        }
        return str(saved.files[kind]), as_json(result) | facts | about

    def measure(
        self,
        image: Any,
        model: Any = None,
        points: Any = None,
        fov: Any = None,
        box: Any = None,
        intrinsics: Any = None,
        known_length: Any = None,
        known_depth: Any = None,
        camera_height: Any = None,
        sparse: Any = None,
        sparse_scale: Any = None,
        profile: Any = None,
    ) -> dict[str, Any]:
        """Positions, distances, heights above the floor and areas in metres, from pixels.

        points: [[u, v], ...] gives each one's position and the distance between the first two;
        box: [u0, v0, u1, v1] gives the nearest and the median distance in it (a box may also be
        sent as points); camera and what is known: as in /predict.
        """
        chosen = selection(points, box)
        asked = self._asked(
            model=model,
            fov=fov,
            intrinsics=intrinsics,
            known_length=known_length,
            known_depth=known_depth,
            camera_height=camera_height,
            sparse=sparse,
            sparse_scale=sparse_scale,
            profile=profile,
        )
        return measure(self._result(image, asked), chosen)

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
        known_depth: Any = None,
        camera_height: Any = None,
        sparse: Any = None,
        sparse_scale: Any = None,
        profile: Any = None,
    ) -> tuple[str, dict[str, Any]]:
        """A view of the scene: an .mp4 that starts at the photo's own view, or a .png.

        kind: clip (a short camera move), stereo (side by side), anaglyph (red-cyan glasses) or
        object: a ball or cube (thing) of size metres that stands at a pixel [u, v], moved back by
        so many metres and hidden by what stands nearer; camera and what is known: as in /predict.
        """
        wanted = view_settings(kind, at, thing, size, back)
        asked = self._asked(
            model=model,
            fov=fov,
            intrinsics=intrinsics,
            known_length=known_length,
            known_depth=known_depth,
            camera_height=camera_height,
            sparse=sparse,
            sparse_scale=sparse_scale,
            profile=profile,
        )
        result = self._result(image, asked)
        folder = self._storage.folder(request.session_hash)
        with self._studio.building():
            path, facts = save_view(result, wanted, folder)
        return str(path), as_json(result) | facts

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
        profile: Any = None,
    ) -> tuple[str, dict[str, Any]]:
        """Many photos: one zip with each photo's files and a manifest.

        outputs: a list of color, depth16, npy, npz, exr, levels, normals, points_exr, ply, splat,
        glb, usdz, obj, mcap, stereo, anaglyph, clip; profile: as in /predict. A photo that cannot
        be read is named in the manifest and does not stop the others.
        """
        archive, manifest = run_batch(
            self._studio,
            [self._storage.uploaded(file) for file in listed(files)],
            depth_request(
                model=model,
                resolution=resolution,
                flip=flip,
                fov=fov,
                colormap=colormap,
                near=near,
                far=far,
                profile=profile,
            ),
            outputs_wanted(outputs),
            self._storage.folder(request.session_hash),
        )
        return str(archive), manifest

    def _asked(self, *, sparse: Any, sparse_scale: Any, **values: Any) -> DepthRequest:
        file = None if missing(sparse) else self._storage.uploaded(sparse)
        return depth_request(**values, sparse=file, sparse_scale=sparse_scale)

    def _result(self, image: Any, request: DepthRequest) -> Result:
        return self._studio.result(self._storage.uploaded(image), request)
