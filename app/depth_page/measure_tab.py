"""The Measure tab: the picture, what was measured, and boxes for what is known of the photo.

One box takes the distance of points and the camera's height, one a file of measured depth that the
photo's depth is bent to. What is known is kept by the browser together with the photo that it
belongs to, a file's points thinned to what a call can carry: no file of a visitor's is looked for
again, and another photo does not get them.
"""

from __future__ import annotations

from typing import Any

import gradio as gr
import numpy as np

from app.common.checks import checked_depths, checked_height, checked_sparse, missing, number
from app.common.request import selection
from app.common.result import measure, measured_csv
from app.common.translations import t
from app.depth_page.depth_view import depth_view
from app.depth_page.elements import HEAVY, Wire, kept_by_browser
from app.depth_page.elements import label as _
from app.depth_page.form import PageHandlers, Update, by_labels, language
from app.depth_page.summary_html import headline, measured_html
from core.errors import CameraError, ConfigError, ImageError
from core.scale.measurements import MAX_METRES, MIN_METRES

MOST = 2000  # points that are kept; bending merges them to fewer


class MeasureTab:
    """The result as a sentence, the picture below it, the calibration, and all numbers to copy.

    `results` are sentence, numbers, table and marked ends.
    """

    def __init__(self) -> None:
        sentence = gr.HTML(elem_id="measured")
        self.picture = depth_view("measure")
        self.scale = gr.HTML(elem_id="scale")
        with gr.Accordion(_("calibrate"), open=False, elem_id="calibrate"):
            gr.Markdown(_("calibrate_lead"))
            with gr.Row():
                self.metres = gr.Textbox(label=_("true_metres"), max_lines=1, elem_id="true-metres")
                self.apply = gr.Button(
                    _("calibrate_apply"), variant="primary", elem_id="calibrate-apply"
                )
                self.undo = gr.Button(_("calibrate_undo"), elem_id="calibrate-undo")
        with gr.Accordion(_("numbers"), open=False, elem_id="numbers"):
            numbers = gr.JSON(label="JSON", buttons=["copy"], elem_id="measured-json")
            table = gr.Textbox(
                label="CSV", buttons=["copy"], lines=3, interactive=False, elem_id="measured-csv"
            )
        self.ends = kept_by_browser()
        self.results = [sentence, numbers, table, self.ends]


def known_points(text: str) -> list[list[float]] | None:
    """The numbers u, v, metres of one or more points, written `u, v = m; u, v = m`.

    Raises:
        ConfigError: anything else.
    """
    parts = [part for part in text.replace("=", ",").split(";") if part.strip()]
    try:
        rows = [[float(number) for number in part.split(",")] for part in parts]
    except ValueError:
        rows = [[]]
    if any(len(row) != 3 for row in rows):
        raise ConfigError(t("studio.known_depth_wrong", got=text[:40]))
    return rows or None


def bring(photo: Any, depth: Any, height: Any) -> dict[str, Any] | None:
    """What was typed, checked, with the photo that it belongs to."""
    points = known_points(str(depth or ""))
    if points is None and missing(height):
        return None
    if missing(photo):
        raise ImageError(t("studio.no_photo"))
    with by_labels():
        checked_depths(points)
        checked_height(height)
    return {"photo": photo.get("path"), "known_depth": points, "camera_height": height or None}


class KnownHandlers(PageHandlers):
    """The tab's functions; a photo's controls come first in each call."""

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

    def use(self, *values: Any) -> dict[str, Any] | None:
        """What was typed, where the photo can have it; values: its controls, distance, height."""
        *asked, depth, height = values
        kept = bring(asked[0], depth, height)
        if kept is not None:
            self._usable(asked, "measured", kept)
        return kept

    def bring(self, *values: Any) -> dict[str, Any] | None:
        """A file to the points of the photo; values: the photo's controls, the file, its unit."""
        *photo, file, scale = values
        if file is None:
            return None
        found = self._result(photo)
        with by_labels():
            (sparse,) = checked_sparse(self._storage.uploaded(file), scale)
        points = np.stack(sparse.on_photo(*found.prediction.photo_size), axis=1)
        if len(points) > MOST:
            chosen = np.random.default_rng(0).choice(len(points), MOST, replace=False)
            points = points[np.sort(chosen)]
        kept = {"photo": photo[0].get("path"), "points": np.round(points, 4).tolist()}
        self._usable(photo, "sparse", kept)
        return kept


def known_box(handlers: KnownHandlers) -> tuple[gr.JSON, Wire]:
    """A line for pixels with their distance, one for the height; what holds both."""
    with gr.Accordion(_("known"), open=False, elem_id="known"):
        gr.Markdown(_("known_lead"))
        with gr.Row():
            depth = gr.Textbox(
                label=_("known_depth"), info=_("known_depth_info"), max_lines=1,
                elem_id="known-depth", min_width=240,
            )  # fmt: skip
            height = gr.Textbox(
                label=_("camera_height"), info=_("camera_height_info"), max_lines=1,
                elem_id="camera-height", min_width=240,
            )  # fmt: skip
        with gr.Row():
            apply = gr.Button(_("known_apply"), variant="primary", elem_id="known-apply")
            undo = gr.Button(_("known_undo"), elem_id="known-undo")
    kept = kept_by_browser()

    def wire(photo: list[Any]) -> list[Any]:
        typed = [apply.click, depth.submit, height.submit]
        brought = gr.on(typed, handlers.use, [*photo, depth, height], kept, **HEAVY)
        undone = undo.click(
            lambda: (None, "", ""), None, [kept, depth, height], api_visibility="private"
        )
        return [brought.success, undone.success]

    return kept, wire


def sparse_box(handlers: KnownHandlers) -> tuple[gr.JSON, Wire]:
    """The file of measured depth, and its unit where it is a picture; what holds its points."""
    with gr.Accordion(_("sparse"), open=False, elem_id="sparse"):
        gr.Markdown(_("sparse_lead"))
        with gr.Row():
            file = gr.File(label=_("sparse_file"), height=140, elem_id="sparse-file")
            scale = gr.Textbox(
                label=_("sparse_scale"), info=_("sparse_scale_info"), max_lines=1,
                elem_id="sparse-scale",
            )  # fmt: skip
    kept = kept_by_browser()

    def wire(photo: list[Any]) -> list[Any]:
        events = [file.upload, file.clear, scale.submit]
        return [gr.on(events, handlers.bring, [*photo, file, scale], kept, **HEAVY).success]

    return kept, wire
