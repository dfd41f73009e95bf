"""The 3D tab: the viewer, its files, what is shown, and the filters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from app.depth_page.elements import kept_by_browser, typed_number
from app.depth_page.elements import label as _
from core.geometry.three_d import SHAPES


@dataclass(frozen=True)
class SpaceControls:
    """The 3D tab.

    Attributes:
        options: in the order of `app.depth_page.three_d_handlers.SPACE`.
        build, ply, glb: buttons.
        stopping: where the button that stops them belongs.
        viewer: of the scene.
        built: what it was built of.
        delivered: a file on its way to the browser's downloads.
    """

    options: list[Any]
    build: gr.Button
    ply: gr.Button
    glb: gr.Button
    stopping: gr.Column
    viewer: gr.Model3D
    built: gr.JSON
    delivered: gr.File

    @property
    def shape(self) -> gr.Radio:
        return self.options[0]  # type: ignore[no-any-return]


def three_d() -> SpaceControls:
    """The viewer and its files, what is shown, and the filters."""
    viewer = gr.Model3D(
        label=_("viewer"), interactive=False, height=520, camera_position=(90, 90, None),
        elem_id="viewer",
    )  # fmt: skip
    with gr.Row():
        ply = gr.Button(_("save_ply"), variant="primary", elem_id="save-ply")
        glb = gr.Button(_("save_glb"), variant="primary", elem_id="save-glb")
    stopping = gr.Column()
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
    return SpaceControls(options, build, ply, glb, stopping, viewer, kept_by_browser(), delivered)
