"""Chains of events on the page: drawing at once, Stop buttons, downloads that save themselves."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, Literal

import gradio as gr

from app.api.endpoints import WORK
from app.depth_page.elements import label as _
from app.depth_page.elements import static_text

_KEEP = "{__type__: 'update'}"
_BROWSER: dict[str, Any] = {"api_visibility": "private"}
PRIVATE: dict[str, Any] = {**_BROWSER, "preprocess": False}
HEAVY: dict[str, Any] = {**PRIVATE, **WORK}
Wire = Callable[[list[Any]], list[Any]]
"""Connects a box with the photo's controls, in the order of `app.depth_page.form.PHOTO`.

It gives the events after which the photo is drawn anew.
"""


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
    stop = gr.Button(_("stop"), variant="stop", visible="hidden", elem_id=name)
    note = gr.HTML(_("stopped"), visible="hidden", elem_id=f"{name}-note")
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
