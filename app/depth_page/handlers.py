"""What the page's controls do: values of components in, values of components out.

Every function takes raw component values (the events run with preprocess=False, so that no
picture is opened by Gradio in this process) and lets `DepthError` through: the guard turns it into
one sentence.

The server may be the one that refuses (it is busy, the call took too long), and only the browser
knows which photo is in its box by now.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
from PIL import Image

from app.common.batch import run_batch
from app.common.outputs import save_outputs
from app.common.request import listed, outputs_wanted
from app.common.result import Result
from app.common.service import Studio
from app.common.storage import Storage
from app.common.summary import as_html, display_range
from app.common.text import error_sentence, language_of, t
from app.depth_page.depth_view import packed_depth, sampled, view_value
from app.depth_page.summary_html import about_html, listing_html, scale_html
from app.depth_page.three_d_handlers import (
    COLOURS,
    NETWORK,
    PHOTO,
    form_request,
    form_space,
    teller,
)
from core.errors import ImageError
from core.files.colormap import colorize


class TimeLeft:
    """Tells the time left from the pace since it was made.

    Args:
        clock: seconds, never going back.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._started = clock()
        self._first: int | None = None

    def words(self, done: int, total: int | None) -> str:
        """Time left as "m:ss" or "h:mm:ss"; "?" while nothing is known.

        Args:
            done: pieces that are done; those of the first call are not counted into the pace.
            total: pieces in all.
        """
        if self._first is None:
            self._first, self._started = done, self._clock()
        made = done - self._first
        if total is None or made <= 0 or total < done:
            return "?" if total != done else "0:00"
        seconds = math.ceil((self._clock() - self._started) / made * (total - done))
        minutes, seconds = divmod(seconds, 60)
        hours, minutes = divmod(minutes, 60)
        return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"


_KEEP = "{__type__: 'update'}"


def follow(drawn: Any, photo: Any, shown: Any, outputs: Sequence[Any]) -> None:
    """After each drawing: no refused photo in the box, no other photo's results beside it.

    Args:
        drawn: the event that draws the page.
        photo, shown: the photo's box, and what the page shows (`Handlers.show`).
        outputs: what the drawing fills.
    """
    drawn.then(
        None,
        [photo, shown],
        photo,
        js=f"(photo, shown) => photo && shown?.refused === photo.path ? null : {_KEEP}",
        api_visibility="private",
    )
    drawn.failure(
        None,
        [photo, shown],
        list(outputs),
        js=(
            f"(photo, shown) => photo && shown?.photo === photo.path"
            f" ? Array({len(outputs)}).fill({_KEEP}) : {json.dumps(EMPTY)}"
        ),
        api_visibility="private",
    )


def cleared_on_failure(event: Any, outputs: Sequence[Any], cleared: Sequence[Any]) -> None:
    """An event that failed leaves nothing of an earlier one.

    Args:
        event: of the page.
        outputs: what it fills.
        cleared: their values where there is no result.
    """
    js = f"() => {json.dumps(cleared)}"
    event.failure(None, None, list(outputs), js=js, api_visibility="private")


Update = dict[str, Any]  # what gr.update gives
COMPARED = 1400  # pixels of the longer side of the two pictures under the slider
# An old photo's pinned point, 3D view, measurement with its numbers, table and ends, film, picture
# and note, files.
_CLEARED = ("", None, "", None, "", None, None, None, "", gr.update(value=None, visible=False))
# Of the views, slider, summary, known length, its note and what is shown, where there is no photo.
EMPTY = (None, None, None, "", None, "", None, *_CLEARED)
_SHOWN = 6  # the place of the last
NOTHING_MADE = (gr.update(value=None, visible=False), "")  # of a batch: its zip and its table
FOR_ANY_PHOTO = (*NETWORK, *COLOURS)  # without what is one photo's
_DRAWING = (*PHOTO, *COLOURS)
_KNOWN = PHOTO.index("known_length") - 1  # its place after the photo


class Handlers:
    """The page's functions over one studio and its storage."""

    def __init__(self, studio: Studio, storage: Storage) -> None:
        self._studio = studio
        self._storage = storage

    def show(
        self,
        request: gr.Request,
        progress: gr.Progress = gr.Progress(),  # noqa: B008 - how Gradio finds it
        *values: Any,
    ) -> tuple[Any, ...]:
        """To both views, slider, summary, known length, its note, what is shown, and `_CLEARED`.

        The last value is what `shown` was after the last call: leaving a field without a change
        must not throw away the pins, the 3D view and the files. A photo that is refused leaves
        nothing of the one before, and its name in `shown`: its box is emptied by that.
        """
        *wanted, before = values
        photo, *settings = wanted
        if photo is None:
            return EMPTY
        path = str(photo.get("path")) if isinstance(photo, dict) else str(photo)
        same = isinstance(before, dict) and before.get("photo") == path
        known: Any = gr.skip()
        if settings[_KNOWN] and isinstance(before, dict) and not same:
            # It was a length in another photo.
            settings[_KNOWN] = known = None
        shown: dict[str, Any] = {"photo": path, "settings": settings}
        if shown == before:
            return (gr.skip(),) * len(EMPTY)
        lang = language_of(request.headers.get("accept-language"))
        tell = teller(progress, lang)
        asked = form_request(_DRAWING, [photo, *settings])
        try:
            result = self._studio.result(self._storage.uploaded(photo), asked, tell)
        except ImageError as error:
            if same:  # what is shown is of this photo
                raise
            gr.Warning(error_sentence(error, lang), duration=None)
            return (*EMPTY[:_SHOWN], {"refused": path}, *_CLEARED)
        tell("progress_draw")
        low, high = display_range(result)
        folder = self._storage.folder(request.session_hash)
        value = self._view(result, low, high, folder)
        height, width = result.prediction.depth.shape
        depth = result.prediction.depth[np.ix_(*sampled(height, width, COMPARED))]
        drawn = folder / "depth.jpg"
        colormap = asked.colors.colormap
        Image.fromarray(colorize(depth, colormap, low, high)).save(drawn, quality=92)
        pair = (str(folder / "photo.jpg"), str(drawn))
        note = scale_html(result, lang)
        return (value, value, pair, as_html(result, lang), known, note, shown, *_CLEARED)

    def files(
        self,
        request: gr.Request,
        progress: gr.Progress = gr.Progress(),  # noqa: B008 - as above
        *values: Any,
    ) -> Update:
        """The chosen files of the photo, at its full size, with the page's 3D settings."""
        tell = teller(progress, language_of(request.headers.get("accept-language")))
        wanted, (kinds, *space) = values[: len(_DRAWING)], values[len(_DRAWING) :]
        if wanted[0] is None:
            raise ImageError(t("studio.no_photo"))
        asked, outputs = form_request(_DRAWING, wanted), outputs_wanted(kinds)
        options = form_space(space)
        result = self._studio.result(self._storage.uploaded(wanted[0]), asked, tell)
        tell("progress_files")
        folder = self._storage.folder(request.session_hash)
        with self._studio.building():
            saved = save_outputs(result, outputs, folder, options)
        paths = [str(path) for path in (*saved.files.values(), saved.sidecar)]
        return gr.update(value=paths, visible=True)

    def batch(
        self,
        request: gr.Request,
        progress: gr.Progress = gr.Progress(),  # noqa: B008 - as above
        *values: Any,
    ) -> tuple[Update, str]:
        """Many photos to one zip and a table of what became of each.

        Values: the photos, the controls for any photo, the kinds of files.
        """
        photos, *settings, kinds = values
        lang = language_of(request.headers.get("accept-language"))
        clock = TimeLeft(time.monotonic)

        def step(done: int, total: int) -> None:
            left = clock.words(done, total)
            words = t("studio.progress_batch", lang, done=done, total=total, left=left)
            progress((done, total), desc=words)

        archive, manifest = run_batch(
            self._studio,
            [self._storage.uploaded(photo) for photo in listed(photos)],
            form_request(FOR_ANY_PHOTO, settings),
            outputs_wanted(kinds),
            self._storage.folder(request.session_hash),
            step,
        )
        return gr.update(value=str(archive), visible=True), listing_html(manifest, lang)

    def arrive(self, request: gr.Request) -> tuple[Update, str]:
        """What a new visitor sees of the models: they may have changed since the start."""
        lang = language_of(request.headers.get("accept-language"))
        about = about_html(self._studio.models(), lang)
        return gr.update(choices=self._studio.model_names()), about

    def leave(self, request: gr.Request) -> None:
        """Deletes what a session made."""
        self._storage.end_session(request.session_hash)

    def _view(self, result: Result, near: float, far: float, folder: Path) -> dict[str, Any]:
        packed, geometry = packed_depth(result.prediction.depth)
        (folder / "depth.bin").write_bytes(packed)
        preview = Image.fromarray(result.photo.rgb)
        preview.thumbnail((COMPARED, COMPARED), Image.Resampling.BOX, reducing_gap=2.0)
        preview.save(folder / "photo.jpg", quality=90)
        palette = colorize(
            np.linspace(near, far, 256)[None], result.request.colors.colormap, near, far
        )[0]
        return view_value(
            folder / "depth.bin",
            folder / "photo.jpg",
            geometry,
            palette,
            near,
            far,
            metric=result.prediction.metric,
        )
