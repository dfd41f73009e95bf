"""The tab of other views: a camera move, stereo pictures, an object in the photo."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from app.common.request import VIEWS
from app.depth_page.depth_view import depth_view
from app.depth_page.elements import kept_by_browser
from app.depth_page.elements import label as _
from core.geometry.virtual_object import KINDS


@dataclass(frozen=True)
class ViewControls:
    """The tab of other views.

    Attributes:
        kind: what to make.
        placing: the object's controls.
        picture: that an object is placed in.
        options: `kind`, the object's form, size and distance, and the pixel that it stands on.
        make: the button.
        results: film, picture and a note.
    """

    kind: gr.Radio
    placing: gr.Group
    picture: gr.HTML
    options: list[Any]
    make: gr.Button
    results: list[Any]

    @property
    def spot(self) -> Any:
        return self.options[-1]


def views_of_scene() -> ViewControls:
    """A camera move, stereo pictures, an object in the photo."""
    gr.Markdown(_("views_lead"))
    kind = gr.Radio(
        [(_(f"view_{name}"), name) for name in VIEWS],
        value="clip",
        label=_("view_kind"),
        elem_id="view-kind",
    )
    with gr.Group(visible=False) as placing, gr.Row():
        thing = gr.Radio(
            [(_(f"thing_{name}"), name) for name in KINDS], value="ball", label=_("thing")
        )
        size = gr.Slider(0.05, 3, 0.3, step=0.05, label=_("object_size"))
        back = gr.Slider(-3, 5, 0, step=0.1, label=_("object_back"))
    where = depth_view("place", visible="hidden")
    make = gr.Button(_("make_clip"), variant="primary", elem_id="make-view")
    film = gr.Video(
        label=_("view_clip"), interactive=False, autoplay=True, loop=True, visible=False,
        elem_id="film",
    )  # fmt: skip
    picture = gr.Image(
        show_label=False, interactive=False, visible=False, type="filepath", format="png",
        buttons=["download", "fullscreen"], elem_id="rendered",
    )  # fmt: skip
    note = gr.HTML(elem_id="view-note")
    options = [kind, thing, size, back, kept_by_browser()]
    return ViewControls(kind, placing, where, options, make, [film, picture, note])
