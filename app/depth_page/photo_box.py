"""The place of the photo: dropped or pasted anywhere on the page, chosen, taken, or an example.

Its value is the description of an uploaded file, as Gradio has it, or None. What is a photo is
decided by the server, from the content: the browser would go by the name.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from app.common.translations import LANGUAGES, table
from app.depth_page.elements import file_data, script, static_text
from core.weights.registry import EXAMPLES

FIRST = EXAMPLES / "room.jpg"  # what the shipped model knows best


def photo_box() -> tuple[gr.HTML, list[dict[str, Any]]]:
    """The box, not yet laid out, with the examples, whose files this component may hand out.

    Returns:
        the box; the examples that are installed, the one that a new visitor sees first.
    """
    box = gr.HTML(
        None,
        html_template=static_text("photo_box.html"),
        apply_default_css=False,
        elem_id="photo",
        render=False,
    )
    examples = [_kept(box, path) for path in sorted(EXAMPLES.glob("*.jpg"))]
    names = {lang: table("example", lang) for lang in LANGUAGES}
    box.js_on_load = script("photo_box.js", labels=_words(), names=names, examples=examples)
    return box, sorted(examples, key=lambda file: file["orig_name"] != FIRST.name)


def camera_note() -> gr.HTML:
    """Says why the live camera does not start, where there is none."""
    return gr.HTML(
        None,
        html_template='<p class="quiet" role="status"></p>',
        js_on_load=script("camera_note.js", labels=_words()),
        apply_default_css=False,
        elem_id="camera-note",
    )


def _words() -> dict[str, dict[str, str]]:
    return {lang: table("photo_box", lang) for lang in LANGUAGES}


def _kept(box: gr.HTML, path: Path) -> dict[str, Any]:
    copy = box.move_resource_to_block_cache(path)
    return file_data(Path(copy or path))
