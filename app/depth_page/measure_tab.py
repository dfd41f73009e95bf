"""The tab to measure in: the picture, what was measured, the known length that gives the scale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from app.depth_page.depth_view import depth_view
from app.depth_page.elements import kept_by_browser
from app.depth_page.elements import label as _


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
