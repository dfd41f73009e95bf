"""The page's parts for three dimensions: the picture to measure in, the 3D view, other views."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import gradio as gr

from app.common.canvas import canvas_script
from app.common.request import VIEWS
from app.depth_page.depth_view import label as _
from app.depth_page.depth_view import script, static_text, words
from core.geometry.build import SHAPES
from core.geometry.virtual_object import KINDS


@dataclass(frozen=True)
class SpaceControls:
    """The 3D tab.

    Attributes:
        options: in the order of `app.depth_page.three_d_handlers.SPACE`.
        build, ply, glb: buttons.
        viewer: of the scene.
        built: what it was built of.
        delivered: a file on its way to the browser's downloads.
    """

    options: list[Any]
    build: gr.Button
    ply: gr.Button
    glb: gr.Button
    viewer: gr.Model3D
    built: gr.JSON
    delivered: gr.File

    @property
    def shape(self) -> gr.Radio:
        return self.options[0]  # type: ignore[no-any-return]


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


@dataclass(frozen=True)
class MeasureControls:
    """The tab to measure in; `results` are sentence, numbers, table and marked ends."""

    picture: gr.HTML
    results: list[Any]
    ends: gr.JSON
    metres: gr.Textbox
    apply: gr.Button
    undo: gr.Button
    scale: gr.HTML


def three_d() -> SpaceControls:
    """The viewer and its files, what is shown, and the filters."""
    viewer = gr.Model3D(
        label=_("viewer"), interactive=False, height=520, camera_position=(90, 90, None),
        elem_id="viewer",
    )  # fmt: skip
    with gr.Row():
        ply = gr.Button(_("save_ply"), variant="primary", elem_id="save-ply")
        glb = gr.Button(_("save_glb"), variant="primary", elem_id="save-glb")
    with gr.Row():
        shape = gr.Radio(
            [(_(f"shape_{name}"), name) for name in SHAPES],
            value="surface",
            label=_("cloud_kind"),
            elem_id="shape",
        )
        edges = gr.Slider(
            0, 0.2, 0.05, step=0.01, label=_("edge_filter"), info=_("edge_filter_info")
        )
    with gr.Accordion(_("space_more"), open=False, elem_id="space-more"):
        with gr.Row():
            far = typed_number("far_limit", min_width=120)
            voxel = typed_number("voxel", min_width=120)
            faces = typed_number("faces", min_width=120)
        confidence = gr.Slider(0, 1, 0, step=0.01, label=_("confidence"), info=_("confidence_info"))
        with gr.Row():
            sky = gr.Checkbox(False, label=_("sky"), info=_("sky_info"))
            outliers = gr.Checkbox(False, label=_("outliers"))
            normals = gr.Checkbox(False, label=_("normals"))
        pose = typed_number("pose", info=_("pose_info"))
    build = gr.Button(_("build_3d"), elem_id="build-3d")
    options = [shape, edges, far, confidence, sky, voxel, normals, outliers, faces, pose]
    delivered = gr.File(visible="hidden", interactive=False)
    return SpaceControls(options, build, ply, glb, viewer, kept_by_browser(), delivered)


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


def measuring() -> MeasureControls:
    """The result as a sentence, the picture below it, the calibration, and all numbers to copy."""
    sentence = gr.HTML(elem_id="measured")
    picture = depth_view("measure")
    scale = gr.HTML(elem_id="scale")
    with gr.Accordion(_("calibrate"), open=False, elem_id="calibrate"):
        gr.Markdown(_("calibrate_lead"))
        with gr.Row():
            metres = gr.Textbox(label=_("true_metres"), max_lines=1, elem_id="true-metres")
            apply = gr.Button(_("calibrate_apply"), variant="primary", elem_id="calibrate-apply")
            undo = gr.Button(_("calibrate_undo"), elem_id="calibrate-undo")
    with gr.Accordion(_("numbers"), open=False, elem_id="numbers"):
        numbers = gr.JSON(label="JSON", buttons=["copy"], elem_id="measured-json")
        table = gr.Textbox(
            label="CSV", buttons=["copy"], lines=3, interactive=False, elem_id="measured-csv"
        )
    ends = kept_by_browser()
    results = [sentence, numbers, table, ends]
    return MeasureControls(picture, results, ends, metres, apply, undo, scale)


def depth_view(mode: str, visible: bool | Literal["hidden"] = True) -> gr.HTML:
    """The picture with metres under the cursor, to "inspect", "measure" or "place" something.

    One that is not drawn with the page would lose its properties; it is hidden instead.
    """
    return gr.HTML(
        None,
        html_template=static_text("depth_view.html"),
        js_on_load=canvas_script()
        + script("depth_view.js", labels=words(), preview="#photo .pb-photo", mode=mode),
        apply_default_css=False,
        elem_classes=[f"dv-{mode}"],
        elem_id=f"view-{mode}",
        measured="",
        visible=visible,
    )


def typed_number(name: str, **options: Any) -> gr.Textbox:
    """A number that may be left empty; gr.Number shows an empty one as 0."""
    return gr.Textbox(label=_(name), placeholder=_("auto"), max_lines=1, elem_id=name, **options)


def kept_by_browser() -> gr.JSON:
    """A value that is set on the page and sent with every call, as a typed one is.

    Gradio's own state lies in the server, which forgets sessions where there are many, and all of
    them when it starts anew.
    """
    return gr.JSON(visible="hidden")
