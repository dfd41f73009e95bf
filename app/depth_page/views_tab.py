"""The tab of other views: a camera move, stereo pictures, an object in the photo."""

from __future__ import annotations

import gradio as gr

from app.common.request import VIEWS
from app.depth_page.depth_view import depth_view
from app.depth_page.elements import kept_by_browser
from app.depth_page.elements import label as _
from core.geometry.virtual_object import KINDS


class ViewsTab:
    """A camera move, stereo pictures, an object in the photo.

    `options` are what to make, the object's form, size and distance, and the pixel that it stands
    on; `results` film, picture and a note.
    """

    def __init__(self) -> None:
        gr.Markdown(_("views_lead"))
        self.kind = gr.Radio(
            [(_(f"view_{name}"), name) for name in VIEWS],
            value="clip",
            label=_("view_kind"),
            elem_id="view-kind",
        )
        with gr.Group(visible=False) as self.placing, gr.Row():
            thing = gr.Radio(
                [(_(f"thing_{name}"), name) for name in KINDS], value="ball", label=_("thing")
            )
            size = gr.Slider(0.05, 3, 0.3, step=0.05, label=_("object_size"))
            back = gr.Slider(-3, 5, 0, step=0.1, label=_("object_back"))
        self.picture = depth_view("place", visible="hidden")
        self.make = gr.Button(_("make_clip"), variant="primary", elem_id="make-view")
        film = gr.Video(
            label=_("view_clip"), interactive=False, autoplay=True, loop=True, visible=False,
            elem_id="film",
        )  # fmt: skip
        picture = gr.Image(
            show_label=False, interactive=False, visible=False, type="filepath", format="png",
            buttons=["download", "fullscreen"], elem_id="rendered",
        )  # fmt: skip
        self.spot = kept_by_browser()
        self.options = [self.kind, thing, size, back, self.spot]
        self.results = [film, picture, gr.HTML(elem_id="view-note")]
