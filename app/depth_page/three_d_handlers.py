"""What the page's measuring and 3D controls do; raw values in, as in `gradio_handlers`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import gradio as gr

from app.common.limits import geometry_limits
from app.common.measurement import measure, measured_csv
from app.common.outputs import first_look, save_view
from app.common.request import number, selection
from app.common.service import Studio
from app.common.storage import Storage
from app.common.text import language_of, t
from app.common.three_d import checked_length, view_settings
from app.depth_page.form_inputs import Asked, SpaceAsked
from app.depth_page.summary_html import measured_html
from core.errors import CameraError
from core.files.geometry_process import build_apart
from core.geometry.build import save
from core.geometry.point_cloud import PointCloud

Update = dict[str, Any]  # what gr.update gives
ON_SCREEN = 120_000  # points, or faces, that the 3D viewer gets
_ASKED = len(fields(Asked))


class SpaceHandlers:
    """Measuring, calibrating, the 3D view, and views from elsewhere.

    The values of a photo's controls come first in each call, then those named.
    """

    def __init__(self, studio: Studio, storage: Storage) -> None:
        self._studio = studio
        self._storage = storage

    def measure(
        self, request: gr.Request, event: gr.EventData, *values: Any
    ) -> tuple[str, dict[str, Any], str, Any]:
        """A selection on the picture to a sentence, its numbers, a table, and its two ends."""
        points = event._data.get("points")
        chosen = selection(points, event._data.get("box"))
        scene = Asked(*values).scene(self._studio, self._storage)
        result = measure(scene, chosen)
        return measured_html(result, _lang(request)), result, measured_csv(scene, chosen), points

    def pin(self, request: gr.Request, event: gr.EventData, *values: Any) -> str:
        """A clicked pixel to its depth at full precision and its place in space."""
        return self.measure(request, event, *values)[0]

    def calibrate(self, *values: Any) -> list[float]:
        """The two marked points, and the true distance between them, to a known length."""
        *asked, ends, metres = values
        if not isinstance(ends, list) or len(ends) != 2:
            raise CameraError(
                "No two points are marked, expected both ends of a known length: click them on "
                "the picture first."
            )
        true = number("known length", metres, 0, 1e6, "metres") or 0.0
        known = [*map(float, ends[0]), *map(float, ends[1]), true]
        checked_length(known)
        # Says what is wrong with the points, if anything, before the page is drawn anew.
        replace(Asked(*asked), known=known).scene(self._studio, self._storage)
        return known

    def cloud(
        self,
        request: gr.Request,
        progress: gr.Progress = gr.Progress(),  # noqa: B008 - how Gradio finds it
        *values: Any,
    ) -> Update:
        """The photo as points or a surface, thinned for the screen, as a .glb file."""
        tell = teller(progress, _lang(request))
        asked, space = Asked(*values[:_ASKED]), SpaceAsked(*values[_ASKED:])
        # The viewer starts at the photo's own place, so it gets the camera's frame.
        wanted = replace(space.options().for_file(".glb").thinned(ON_SCREEN), pose=None)
        scene = asked.scene(self._studio, self._storage, tell)
        tell("progress_cloud")
        path = self._storage.folder(request.session_hash) / "scene.glb"
        with self._studio.building():
            built = build_apart(scene.prediction, scene.photo.rgb, wanted, geometry_limits())
            save(built, path)
        vertices = built.points if isinstance(built, PointCloud) else built.vertices
        return gr.update(value=str(path), camera_position=first_look(vertices))

    def view(
        self,
        request: gr.Request,
        progress: gr.Progress = gr.Progress(),  # noqa: B008 - as above
        *values: Any,
    ) -> tuple[Update, Update, str]:
        """A film, or a picture, and what there is to say about it.

        Named: kind, across and down (per cent of the photo), thing, size and back (metres).
        """
        lang = _lang(request)
        tell = teller(progress, lang)
        kind, across, down, thing, size, back = values[_ASKED:]
        scene = Asked(*values[:_ASKED]).scene(self._studio, self._storage, tell)
        width, height = scene.prediction.photo_size
        share = [number(name, value, 0, 100, "per cent") or 0.0
                 for name, value in (("across", across), ("down", down))]  # fmt: skip
        at = [share[0] / 100 * (width - 1), share[1] / 100 * (height - 1)]
        wanted = view_settings(kind, at, thing, size, back)
        tell("progress_view")
        with self._studio.building():
            path, facts = save_view(scene, wanted, self._storage.folder(request.session_hash))
        film, note = path.suffix == ".mp4", ""
        if wanted.kind == "object":
            note = t("studio.object_note", lang, distance=facts["distance"], share=facts["visible"])
        return (
            gr.update(value=str(path) if film else None, visible=film),
            gr.update(value=None if film else str(path), visible=not film),
            note,
        )


def teller(progress: gr.Progress, lang: str) -> Callable[[str], None]:
    """Shows a step of the work, by the name of its sentence, on the page."""
    shares = {"progress_read": 0.1, "progress_depth": 0.3}

    def tell(step: str) -> None:
        progress(shares.get(step, 0.8), desc=t(f"studio.{step}", lang))

    return tell


def _lang(request: gr.Request) -> str:
    return language_of(request.headers.get("accept-language"))
