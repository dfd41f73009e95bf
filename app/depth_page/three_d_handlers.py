"""What the page's measuring and 3D controls do; raw values of the controls in, new values out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import gradio as gr

from app.common.cancellation import geometry_limits
from app.common.outputs import first_look, save_view
from app.common.request import (
    DepthRequest,
    checked_lengths,
    depth_request,
    number,
    selection,
    space_options,
    view_settings,
)
from app.common.result import Result, measure, measured_csv
from app.common.service import Studio
from app.common.storage import Storage
from app.common.text import language_of, t
from app.depth_page.summary_html import measured_html
from core.errors import CameraError, ImageError
from core.files.geometry_process import build_apart
from core.geometry.build import SpaceOptions, save
from core.geometry.point_cloud import PointCloud

Update = dict[str, Any]  # what gr.update gives
ON_SCREEN = 120_000  # points, or faces, that the 3D viewer gets
# The page's controls in the order in which they are wired, by the names of `depth_request`.
NETWORK = ("model", "resolution", "flip", "fov", "profile")
COLOURS = ("colormap", "ranging", "near", "far")
PHOTO = ("photo", *NETWORK, "intrinsics", "known_length", "sparse")
SPACE = ("shape", "edge_filter", "far", "confidence", "sky", "voxel", "normals", "outliers",
         "faces", "pose")  # fmt: skip


def form_request(names: Sequence[str], values: Sequence[Any]) -> DepthRequest:
    """The request that controls of these names state.

    The two ends of the colours count only where the range is fixed: they keep their text when it
    is not.

    Raises:
        DepthError: a value that cannot be used.
    """
    given = dict(zip(names, values, strict=True))
    photo, sparse = given.pop("photo", None), given.get("sparse")
    if "sparse" in given:  # it may have been brought for another photo
        given["sparse"] = sparse["points"] if sparse and is_of(photo, sparse) else None
    if given.pop("ranging", None) != "fixed":
        given.update(near=None, far=None)
    return depth_request(**given)


def is_of(photo: Any, sparse: Any) -> bool:
    """Whether sparse depth, as the browser keeps it, was brought for a photo."""
    if not (isinstance(sparse, dict) and isinstance(sparse.get("points"), list)):
        return False
    return isinstance(photo, dict) and sparse.get("photo") == photo.get("path")


def form_space(values: Sequence[Any]) -> SpaceOptions:
    """What the 3D controls state: voxels in centimetres, faces in thousands.

    Raises:
        DepthError: a value out of range, or two that exclude each other.
    """
    given = dict(zip(SPACE, values, strict=True))
    cells = number("voxel", given["voxel"], 0, 1e5, "centimetres")
    thousands = number("faces", given["faces"], 0.1, 1e5, "thousand triangles")
    given["voxel"] = None if cells is None else cells / 100
    given["faces"] = None if thousands is None else 1000 * thousands
    return space_options(**given)


class SpaceHandlers:
    """Measuring, calibrating, the 3D view, and views from elsewhere.

    The values of a photo's controls come first in each call, then those named.
    """

    def __init__(self, studio: Studio, storage: Storage) -> None:
        self._studio = studio
        self._storage = storage

    def _result(
        self, values: Sequence[Any], tell: Callable[[str], None] = lambda step: None
    ) -> Result:
        """The photo's depth, rescaled where a length is known.

        Raises:
            DepthError: no photo, or one, or settings, that cannot be used.
        """
        if values[0] is None:
            raise ImageError(t("studio.no_photo"))
        request = form_request(PHOTO, values)
        return self._studio.result(self._storage.uploaded(values[0]), request, tell)

    def measure(
        self, request: gr.Request, event: gr.EventData, *values: Any
    ) -> tuple[str, dict[str, Any], str, Any]:
        """A selection on the picture to a sentence, its numbers, a table, and its two ends."""
        points = event._data.get("points")
        chosen = selection(points, event._data.get("box"))
        result = self._result(values)
        measured = measure(result, chosen)
        table = measured_csv(result, chosen)
        return measured_html(measured, _lang(request)), measured, table, points

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
        checked_lengths(known)
        # Says what is wrong with the points, if anything, before the page is drawn anew.
        self._result([*asked[:-2], known, asked[-1]])
        return known

    def cloud(
        self,
        request: gr.Request,
        progress: gr.Progress = gr.Progress(),  # noqa: B008 - how Gradio finds it
        *values: Any,
    ) -> Update:
        """The photo as points or a surface, thinned for the screen, as a .glb file."""
        tell = teller(progress, _lang(request))
        photo, space = values[: len(PHOTO)], values[len(PHOTO) :]
        # The viewer starts at the photo's own place, so it gets the camera's frame.
        wanted = replace(form_space(space).for_file(".glb").thinned(ON_SCREEN), pose=None)
        result = self._result(photo, tell)
        tell("progress_cloud")
        path = self._storage.folder(request.session_hash) / "scene.glb"
        with self._studio.building():
            built = build_apart(result.prediction, result.photo.rgb, wanted, geometry_limits())
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
        kind, across, down, thing, size, back = values[len(PHOTO) :]
        result = self._result(values[: len(PHOTO)], tell)
        width, height = result.prediction.photo_size
        share = [number(name, value, 0, 100, "per cent") or 0.0
                 for name, value in (("across", across), ("down", down))]  # fmt: skip
        at = [share[0] / 100 * (width - 1), share[1] / 100 * (height - 1)]
        wanted = view_settings(kind, at, thing, size, back)
        tell("progress_view")
        with self._studio.building():
            path, facts = save_view(result, wanted, self._storage.folder(request.session_hash))
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
