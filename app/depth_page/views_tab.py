"""The tab of other views: a camera move, stereo pictures, an object in the photo."""

from __future__ import annotations

from typing import Any

import gradio as gr

from app.common.request import VIEWS, selection, view_settings
from app.common.saving import save_view
from app.common.translations import t
from app.depth_page.depth_view import depth_view
from app.depth_page.elements import kept_by_browser
from app.depth_page.elements import label as _
from app.depth_page.form import (
    PHOTO,
    PROGRESS,
    PageHandlers,
    Update,
    by_labels,
    counted,
    language,
    nothing,
    teller,
)
from core.geometry.virtual_object import KINDS


class ViewsHandlers(PageHandlers):
    """The tab's functions; a photo's controls come first in each call."""

    def spot(self, event: gr.EventData) -> list[float]:
        """A clicked pixel to where an object is to stand."""
        chosen = selection(event._data.get("points"), None)
        return list(chosen.points[0])

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
