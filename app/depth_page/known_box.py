"""The Measure tab's box for a known distance of a point and the camera's height.

They are kept by the browser together with the photo that they belong to, as sparse depth is:
another photo does not get them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from app.common.checks import missing
from app.common.measurement_inputs import checked_depths, checked_height
from app.common.translations import t
from app.depth_page.elements import kept_by_browser
from app.depth_page.elements import label as _
from app.depth_page.form import PageHandlers, by_labels
from core.errors import ConfigError, ImageError


@dataclass(frozen=True)
class KnownControls:
    """The box; `kept` is what is known and its photo."""

    kept: gr.JSON
    depth: gr.Textbox
    height: gr.Textbox
    apply: gr.Button
    undo: gr.Button


def known_box() -> KnownControls:
    """A line for pixels with their distance, one for the height."""
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
    return KnownControls(kept_by_browser(), depth, height, apply, undo)


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
    """What was typed, checked, with the photo that it belongs to.

    Raises:
        DepthError: no photo, or a value that cannot be used.
    """
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
    """The box's function."""

    def use(self, *values: Any) -> dict[str, Any] | None:
        """What was typed, where the photo can have it; values: its controls, distance, height."""
        *asked, depth, height = values
        kept = bring(asked[0], depth, height)
        if kept is not None:
            self._usable(asked, "measured", kept)
        return kept


def wire_known(
    box: KnownControls, handlers: KnownHandlers, photo: list[Any], options: dict[str, Any]
) -> list[Any]:
    """The box's events; arguments and result as `app.depth_page.profile_box.wire_profile`'s."""
    values = [*photo, box.depth, box.height]
    typed = [box.apply.click, box.depth.submit, box.height.submit]
    brought = gr.on(typed, handlers.use, values, box.kept, **options)
    undone = box.undo.click(
        lambda: (None, "", ""), None, [box.kept, box.depth, box.height],
        api_visibility="private",
    )  # fmt: skip
    return [brought.success, undone.success]
