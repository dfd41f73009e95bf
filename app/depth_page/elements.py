"""What all tabs are made of: labels, scripts, inputs, files, the photo, and chains of events.

The chains draw at once, stop long work, and save downloads by themselves.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Literal

import gradio as gr

from app.api.endpoints import WORK
from app.common.translations import LANGUAGES, table
from core.weights.registry import EXAMPLES

STATIC = Path(__file__).parent / "static"
FIRST = EXAMPLES / "room.jpg"  # what the shipped model knows best

_KEEP = "{__type__: 'update'}"
_BROWSER: dict[str, Any] = {"api_visibility": "private"}
PRIVATE: dict[str, Any] = {**_BROWSER, "preprocess": False}
HEAVY: dict[str, Any] = {**PRIVATE, **WORK}
Wire = Callable[[list[Any]], list[Any]]
"""Connects a box with the photo's controls, in the order of `app.depth_page.form.PHOTO`.

It gives the events after which the photo is drawn anew.
"""

# Gradio translates a component's value too, where that is the name of a sentence ("auto") and the
# component's script comes late: no value begins like this.
_SAY = "say/"
translations = gr.I18n(
    **{
        lang: {_SAY + name: sentence for name, sentence in table("studio", lang).items()}
        for lang in LANGUAGES
    }
)


def label(name: str) -> Any:
    """A sentence of the page's, which the browser says in its language."""
    return translations(_SAY + name)


def typed_number(name: str, **options: Any) -> gr.Textbox:
    """A number that may be left empty; gr.Number shows an empty one as 0."""
    options |= {"label": label(name), "placeholder": label("auto"), "elem_id": name}
    return gr.Textbox(max_lines=1, **options)


def kept_by_browser() -> gr.JSON:
    """A value that is set on the page and sent with every call, as a typed one is.

    Gradio's own state lies in the server, which forgets sessions where there are many, and all of
    them when it starts anew.
    """
    return gr.JSON(visible="hidden")


def gradio_words() -> gr.HTML:
    """Says in the page's language what Gradio says in English only."""
    theirs = table("gradio", "en")
    words = {
        lang: {theirs[name]: ours for name, ours in table("gradio", lang).items()}
        for lang in LANGUAGES
        if lang != "en"
    }
    return gr.HTML(None, js_on_load=script("gradio_words.js", words=words), elem_id="gradio-words")


def file_data(path: Path) -> dict[str, Any]:
    """How Gradio names a file that it may send to this client."""
    return {
        "path": str(path),
        "orig_name": path.name,
        "size": path.stat().st_size,
        "meta": {"_type": "gradio.FileData"},
    }


def script(name: str, **constants: Any) -> str:
    """A component's script with what never changes in it, as `constants`.

    As properties they may be lost: Gradio forgets them where a component is drawn, a tab is opened
    for instance, while an answer that fills it is on its way.
    """
    return f"const constants = {json.dumps(constants)};\n{static_text(name)}"


@cache
def static_text(name: str) -> str:
    """A file that is sent with the page."""
    return (STATIC / name).read_text(encoding="utf-8")


def photo_box() -> tuple[gr.HTML, list[dict[str, Any]]]:
    """The place of the photo: dropped or pasted anywhere, chosen, taken, or an example.

    Its value is the description of an uploaded file, as Gradio has it, or None. What is a photo is
    decided by the server, from the content: the browser would go by the name. It is not laid out
    yet, and may hand out the files of the examples.

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


def follow(
    drawn: Any, photo: Any, shown: Any, outputs: Sequence[Any], empty: Sequence[Any]
) -> None:
    """After each drawing: no refused photo in the box but why, no other photo's results beside it.

    Args:
        photo, shown: the photo's box, and what the page shows (`Handlers.show`).
        empty: their values where there is no photo.
    """
    drawn.then(
        None,
        [photo, shown],
        photo,
        js=(
            f"(photo, shown) => {{ if (!photo || shown?.refused !== photo.path) return {_KEEP};"
            " const why = document.querySelector('#photo .pb-say'); why.textContent = shown.why;"
            " why.scrollIntoView({block: 'nearest'}); return null; }"
        ),
        **_BROWSER,
    )
    drawn.failure(
        None,
        [photo, shown],
        list(outputs),
        js=(
            f"(photo, shown) => photo && shown?.photo === photo.path"
            f" ? Array({len(outputs)}).fill({_KEEP}) : {json.dumps(empty)}"
        ),
        **_BROWSER,
    )


def cleared_on_failure(event: Any, outputs: Sequence[Any], cleared: Sequence[Any]) -> None:
    """An event that failed leaves nothing of an earlier one."""
    js = f"() => {json.dumps(cleared)}"
    event.failure(None, None, list(outputs), js=js, **_BROWSER)


def stop_button(starts: Sequence[Any], name: str) -> Callable[..., None]:
    """A button that stops long work; it is there while the work goes on.

    Call it before the work is wired: Gradio's page takes what an event starts one after the other,
    and would show the button when the work is done.

    Args:
        starts: the events that begin the work, as functions (`button.click`).
    """
    # One that is not drawn with the page would not be drawn by a script's answer either.
    stop = gr.Button(label("stop"), variant="stop", visible="hidden", elem_id=name)
    note = gr.HTML(label("stopped"), visible="hidden", elem_id=f"{name}-note")
    hide, show = _visible("hidden"), _visible(True)
    begun = (
        f"() => {{ (window.stopping ??= new Set()).delete('{name}'); return [{show}, {hide}]; }}"
    )
    pressed = f"() => {{ window.stopping.add('{name}'); return {hide}; }}"
    # Work that is stopped ends for the page when the server has answered: only then may it be said,
    # and the next one be started.
    ended = f"() => [{hide}, window.stopping?.has('{name}') ? {show} : {hide}]"
    for start in starts:
        start(None, None, [stop, note], js=begun, **_BROWSER)

    def watch(*works: Any) -> None:
        for work in works:
            work.then(None, None, [stop, note], js=ended, **_BROWSER)
        stop.click(None, None, stop, js=pressed, cancels=list(works), **_BROWSER)

    return watch


def save_at_once(event: Any, delivered: Any) -> None:
    """Hands a file that was made to the browser's downloads, without another click."""
    event.success(None, delivered, None, js=static_text("save_file.js"), **_BROWSER)


def _visible(shown: bool | Literal["hidden"]) -> str:
    return f"{{__type__: 'update', visible: {json.dumps(shown)}}}"
