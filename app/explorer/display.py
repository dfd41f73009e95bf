"""What surrounds a page's figures: numbers, notes, errors, files, parts that run again alone."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar, cast

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app.common.translations import error_sentence, keys, t
from app.explorer import controls
from app.explorer.page_head import newly_done
from app.explorer.session_view import SessionView
from core.errors import DepthError

LANGUAGE = "language drawn"
"""What the session's state calls the language of the page."""
Function = TypeVar("Function", bound=Callable[..., None])


def numbers(items: Sequence[tuple[str, str, str | None]]) -> None:
    """Figures in a row: name, value with its unit, explanation or None."""
    with st.container(horizontal=True):
        for label, value, help_ in items:
            st.metric(label, value, help=help_, width="content")


def named(lang: str, page: str, **values: str) -> list[tuple[str, str, str | None]]:
    """Figures for `numbers`, their names and explanations from a page's texts: NAME, NAME_hint."""
    hints = {name: f"{page}.{name}_hint" for name in values}
    return [
        (t(f"{page}.{name}", lang), value, t(hints[name], lang) if hints[name] in keys() else None)
        for name, value in values.items()
    ]


def truth_note(view: SessionView) -> None:
    """Where the measured depth of the photo comes from, or how to bring it."""
    known = view.truth
    if known is None:
        st.caption(t("explorer.truth_missing", view.lang))
    else:
        st.caption(t("explorer.truth_from", view.lang, name=known.name))


@contextmanager
def guarded() -> Iterator[None]:
    """The one place where an error meant for the user becomes a sentence on a page.

    What stands behind the block goes on.
    """
    try:
        yield
    except (DepthError, MemoryError) as error:
        st.error(
            error_sentence(error, st.session_state.get(LANGUAGE, "en")), icon=":material/error:"
        )


def fragment(function: Function) -> Function:
    """A part of a page that runs again alone when one of its controls moves."""

    def run(*arguments: Any, **keywords: Any) -> None:
        if newly_done(controls.page_shown()):
            st.rerun()  # the tick and the tour's progress stand outside this part
        with guarded():
            function(*arguments, **keywords)

    run.__name__, run.__qualname__ = function.__name__, function.__qualname__
    run.__module__ = function.__module__
    return cast(Function, st.fragment(run))


def download(
    label: str,
    content: bytes | Callable[[], bytes | str],
    name: str,
    media_type: str,
    hint: str | None = None,
) -> None:
    """A button for a file, which is made when it is pressed; its name is also the button's key."""
    st.download_button(
        label,
        content,
        name,
        media_type,
        key=f"save {name}",
        on_click="ignore",
        icon=":material/download:",
        help=hint,
    )


def npz(data: Mapping[str, NDArray[Any]]) -> bytes:
    """Arrays as a compressed .npz."""
    stream = io.BytesIO()
    np.savez_compressed(stream, **cast(Any, dict(data)))
    return stream.getvalue()
