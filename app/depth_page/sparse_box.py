"""The Measure tab's box for measured depth: a file whose points the photo's depth is bent to.

The points are kept by the browser together with the photo that they belong to, thinned to what a
call can carry: no file of a visitor's is looked for again, and another photo does not get them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr
import numpy as np

from app.common.measurement_inputs import checked_sparse
from app.depth_page.elements import kept_by_browser
from app.depth_page.elements import label as _
from app.depth_page.form import PageHandlers, by_labels

MOST = 2000  # points that are kept; bending merges them to fewer


@dataclass(frozen=True)
class SparseControls:
    """The box; `kept` is the points and their photo."""

    kept: gr.JSON
    file: gr.File
    scale: gr.Textbox


def sparse_box() -> SparseControls:
    """The file, and its unit where it is a picture."""
    with gr.Accordion(_("sparse"), open=False, elem_id="sparse"):
        gr.Markdown(_("sparse_lead"))
        with gr.Row():
            file = gr.File(label=_("sparse_file"), height=140, elem_id="sparse-file")
            scale = gr.Textbox(
                label=_("sparse_scale"), info=_("sparse_scale_info"), max_lines=1,
                elem_id="sparse-scale",
            )  # fmt: skip
    return SparseControls(kept_by_browser(), file, scale)


class SparseHandlers(PageHandlers):
    """The box's function."""

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


def wire_sparse(
    box: SparseControls, handlers: SparseHandlers, photo: list[Any], options: dict[str, Any]
) -> list[Any]:
    """The box's events; arguments and result as `app.depth_page.profile_box.wire_profile`'s."""
    values = [*photo, box.file, box.scale]
    brought = gr.on(
        [box.file.upload, box.file.clear, box.scale.submit],
        handlers.bring,
        values,
        box.kept,
        **options,
    )
    return [brought.success]
