"""What the page's measuring and 3D controls do; raw values of the controls in, new values out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import gradio as gr

from app.common.cancellation import geometry_limits
from app.common.checks import missing, number
from app.common.request import (
    VIEWS,
    selection,
    space_options,
    view_settings,
)
from app.common.result import measure, measured_csv
from app.common.saving import first_look, save_outputs, save_view
from app.common.translations import t
from app.depth_page.form import PHOTO, PROGRESS, PageHandlers, Update, by_labels, language, nothing
from app.depth_page.progress import counted, teller
from app.depth_page.summary_html import headline, measured_html
from core.errors import CameraError
from core.files.geometry_process import build_apart
from core.geometry.point_cloud import PointCloud
from core.geometry.three_d import SpaceOptions, save
from core.scale.measurements import MAX_METRES, MIN_METRES

ON_SCREEN = 120_000  # points, or faces, that the 3D viewer gets
SPACE = ("shape", "edge_filter", "far", "confidence", "sky", "voxel", "normals", "outliers",
         "faces", "pose")  # fmt: skip


def form_space(values: Sequence[Any]) -> SpaceOptions:
    """What the 3D controls state: voxels in centimetres, faces in thousands."""
    given = dict(zip(SPACE, values, strict=True))
    with by_labels(far="far_limit", shape="cloud_kind"):
        cells = number("voxel", given["voxel"], 0, 1e5, "centimetres")
        thousands = number("faces", given["faces"], 0.1, 1e5, "thousand triangles")
        given["voxel"] = None if cells is None else cells / 100
        given["faces"] = None if thousands is None else 1000 * thousands
        return space_options(**given)


class SpaceHandlers(PageHandlers):
    """Measuring, calibrating, the 3D view, and views from elsewhere.

    The values of a photo's controls come first in each call, then those named.
    """

    def measure(
        self, request: gr.Request, event: gr.EventData, *values: Any
    ) -> tuple[str, dict[str, Any], str, Any, Update]:
        """A selection to a sentence, its numbers, a table, its ends, and the picture's label."""
        points = event._data.get("points")
        chosen = selection(points, event._data.get("box"))
        result = self._result(values)
        measured = measure(result, chosen)
        table = measured_csv(result, chosen)
        sentence = measured_html(measured, language(request))
        label = gr.update(measured=headline(measured))
        return sentence, measured, table, points, label

    def pin(self, request: gr.Request, event: gr.EventData, *values: Any) -> str:
        """A clicked pixel to its depth at full precision and its place in space."""
        return self.measure(request, event, *values)[0]

    def spot(self, event: gr.EventData) -> list[float]:
        """A clicked pixel to where an object is to stand."""
        chosen = selection(event._data.get("points"), None)
        return list(chosen.points[0])

    def calibrate(self, *values: Any) -> list[float]:
        """The two marked points, and the true distance between them, to a known length."""
        *asked, ends, metres = values
        if not isinstance(ends, list) or len(ends) != 2:
            raise CameraError(
                "No two points are marked, expected both ends of a known length: click them on "
                "the picture first."
            )
        if missing(metres):
            raise CameraError(
                "The true distance is empty, expected the metres between the two points: type it."
            )
        with by_labels():
            true = number("true_metres", metres, MIN_METRES, MAX_METRES, "metres") or 0.0
        known = [*map(float, ends[0]), *map(float, ends[1]), true]
        self._usable(asked, "known_length", known)
        return known

    def cloud(
        self, request: gr.Request, progress: gr.Progress = PROGRESS, *values: Any
    ) -> tuple[Any, Any]:
        """The photo as points or a surface, thinned for the screen, as a .glb file.

        Values: the photo's controls, those of this tab, and what the view was built of, which is
        the second of the results: it is built again only if something has changed.
        """
        *wanted, built_of = values
        if missing(wanted[0]) or wanted == built_of:
            return gr.skip(), gr.skip()
        tell = teller(progress, language(request))
        photo, space = wanted[: len(PHOTO)], wanted[len(PHOTO) :]
        # The viewer starts at the photo's own place, so it gets the camera's frame.
        options = replace(form_space(space).for_file(".glb").thinned(ON_SCREEN), pose=None)
        result = self._result(photo, tell)
        tell("progress_poisson" if options.shape == "poisson" else "progress_cloud")
        path = self._storage.folder(request.session_hash) / "scene.glb"
        with self._studio.building:
            built = build_apart(result.prediction, result.photo.rgb, options, geometry_limits())
            save(built, path)
        vertices = built.points if isinstance(built, PointCloud) else built.vertices
        return gr.update(value=str(path), camera_position=first_look(vertices)), wanted

    def ply(self, request: gr.Request, progress: gr.Progress = PROGRESS, *values: Any) -> str:
        """The points as a .ply file, filtered as this tab says."""
        return self._file("ply", request, progress, values)

    def glb(self, request: gr.Request, progress: gr.Progress = PROGRESS, *values: Any) -> str:
        """The surface as a .glb file, the smooth one where it is shown."""
        return self._file("glb", request, progress, values)

    def _file(
        self, kind: str, request: gr.Request, progress: gr.Progress, values: Sequence[Any]
    ) -> str:
        tell = teller(progress, language(request))
        photo, (shape, *filters) = values[: len(PHOTO)], values[len(PHOTO) :]
        surface = "poisson" if shape == "poisson" else "surface"
        options = form_space(["points" if kind == "ply" else surface, *filters])
        result = self._result(photo, tell)
        tell("progress_poisson" if options.shape == "poisson" else "progress_files")
        folder = self._storage.folder(request.session_hash)
        with self._studio.building:
            saved = save_outputs(result, (kind,), folder, options)
        return str(saved.files[kind])

    def new_kind(self, request: gr.Request, kind: Any) -> tuple[Any, ...]:
        """Another kind of view: its controls, its button's name, and no result of the one before.

        In order: the object's controls, the picture to place it in, button, film, picture, note.
        """
        placing = gr.update(visible=kind == "object")
        where = gr.update(visible=True if kind == "object" else "hidden")
        name = t(f"studio.make_{kind}", language(request)) if kind in VIEWS else ""
        return placing, where, gr.update(value=name), nothing(), nothing(), ""

    def view(
        self, request: gr.Request, progress: gr.Progress = PROGRESS, *values: Any
    ) -> tuple[Update, Update, str]:
        """A film, or a picture, and what there is to say about it.

        Named: kind, thing, size and back (metres), and the pixel that the object stands on.
        """
        lang = language(request)
        tell = teller(progress, lang)
        kind, thing, size, back, at = values[len(PHOTO) :]
        result = self._result(values[: len(PHOTO)], tell)
        with by_labels(kind="view_kind", size="object_size", back="object_back"):
            wanted = view_settings(kind, at, thing, size, back)
        tell("progress_view")
        folder = self._storage.folder(request.session_hash)
        with self._studio.building:
            path, facts = save_view(
                result, wanted, folder, counted(progress, "progress_clip", lang)
            )
        film, note = path.suffix == ".mp4", ""
        if wanted.kind == "object":
            note = t("studio.object_note", lang, distance=facts["distance"], share=facts["visible"])
        made = gr.update(value=str(path), visible=True)
        return (made, nothing(), note) if film else (nothing(), made, note)
