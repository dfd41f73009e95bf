"""What the page's controls do: values of components in, values of components out.

Every function takes raw component values (the events run with preprocess=False, so that no
picture is opened by Gradio in this process) and lets `DepthError` through: the guard turns it into
one sentence.

The server may be the one that refuses (it is busy, the call took too long), and only the browser
knows which photo is in its box by now.
"""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
from PIL import Image

from app.common.blocks import TOLD_SECONDS
from app.common.canvas import sampled
from app.common.checks import missing
from app.common.handoff import Handoff, HandoffFolder, other_page
from app.common.request import DepthRequest, listed, outputs_wanted
from app.common.runs import run_batch
from app.common.saving import save_outputs, stem_of
from app.common.service import Studio
from app.common.storage import Storage
from app.common.summary import as_html, display_range
from app.common.translations import LANGUAGES, error_sentence, t
from app.depth_page.depth_view import COMPARED, view_value
from app.depth_page.elements import file_data, label
from app.depth_page.form import (
    DRAWING,
    FOR_ANY_PHOTO,
    PHOTO,
    PROGRESS,
    PageHandlers,
    Update,
    counted,
    form_request,
    language,
    nothing,
    raw_settings,
    require_photo,
    teller,
)
from app.depth_page.summary_html import about_html, listing_html, looked_at, scale_html
from core.errors import DepthError, ImageError
from core.files.colormap import colorize
from core.weights.choice_table import AUTO

# An old photo's pinned point, 3D view and what it was built of, measurement with its numbers, table
# and ends, film, picture and note, files.
_CLEARED = ("", None, None, "", None, "", None, nothing(), nothing(), "", nothing())
# Of the views, slider, summary, known length, its note and what is shown, where there is no photo.
EMPTY = (None, None, None, None, "", None, "", None, *_CLEARED)
_SHOWN = 7  # the place of the last
NOTHING_MADE = (nothing(), "")  # of a batch: its zip and its table
_KNOWN = PHOTO.index("known_length") - 1  # its place after the photo
_KNOWN_SHOWN = 5  # its place in what `show` gives


def model_choices(names: Sequence[str]) -> list[tuple[Any, str]]:
    """What the list of models shows for each name."""
    return [(label("auto") if name == AUTO else name, name) for name in names]


class Handlers(PageHandlers):
    """The page's functions over one studio and its storage.

    Args:
        examples: the photos that come with the page; a new visitor sees the first.
        between: the way to the explorer, and to this page in the other language.
    """

    def __init__(
        self,
        studio: Studio,
        storage: Storage,
        examples: list[dict[str, Any]],
        between: HandoffFolder,
    ) -> None:
        super().__init__(studio, storage)
        self._examples = examples
        self._between = between

    def show(
        self, request: gr.Request, progress: gr.Progress = PROGRESS, *values: Any
    ) -> tuple[Any, ...]:
        """To the views, slider, summary, known length, its note, what is shown, and `_CLEARED`.

        The last value is what `shown` was after the last call: leaving a field without a change
        must not throw away the 3D view and the files, nor say twice what is wrong with it. A photo
        that is refused leaves nothing of the one before, and its name and the reason in `shown`:
        by that its box is emptied, and keeps the reason.
        """
        *wanted, before = values
        photo, *settings = wanted
        if missing(photo):
            return EMPTY
        path = str(photo.get("path")) if isinstance(photo, dict) else str(photo)
        before = before if isinstance(before, dict) else {}
        same = before.get("photo") == path
        known: Any = gr.skip()
        if settings[_KNOWN] and before and not same:
            # It was a length in another photo.
            settings[_KNOWN] = known = None
        shown: dict[str, Any] = {"photo": path, "settings": settings}
        kept = [gr.skip()] * len(EMPTY)
        if same and settings == before.get("failed"):
            return tuple(kept)
        if same and settings == before.get("settings"):
            kept[_SHOWN] = shown
            return tuple(kept)
        lang = language(request)
        tell = teller(progress, lang)
        try:
            asked = form_request(DRAWING, [photo, *settings])
            result = self._studio.result(self._storage.uploaded(photo), asked, tell)
            low, high = display_range(result)
        except DepthError as error:
            why = error_sentence(error, lang)
            gr.Warning(why, duration=TOLD_SECONDS)
            if not same:
                kept = list(EMPTY)
            refused = isinstance(error, ImageError) and not same
            failed = {**(before if same else {"photo": path}), "failed": settings}
            kept[_SHOWN] = {"refused": path, "why": why} if refused else failed
            return tuple(kept)
        tell("progress_draw")
        folder = self._storage.folder(request.session_hash)
        value = view_value(result, low, high, folder)
        height, width = result.prediction.depth.shape
        depth = result.prediction.depth[np.ix_(*sampled(height, width, COMPARED))]
        drawn = folder / "depth.jpg"
        colormap = asked.colors.colormap
        Image.fromarray(colorize(depth, colormap, low, high)).save(drawn, quality=92)
        pair = (str(folder / "photo.jpg"), str(drawn))
        note = scale_html(result, lang)
        views = (value, value, value, pair)
        return (*views, as_html(result, lang), known, note, shown, *_CLEARED)

    def first(
        self, request: gr.Request, progress: gr.Progress = PROGRESS, *values: Any
    ) -> tuple[Any, ...]:
        """To a new visitor's photo, its settings but the known length, and what `show` gives.

        Values: a word from the address, for what the explorer sent, and the controls after the
        photo as they are.
        """
        token, *settings = values
        sent = self._between.take(token) if token else None
        photo, changed = next(iter(self._examples), None), [gr.skip()] * len(settings)
        if sent is not None:
            photo = self._example(sent) or file_data(self._storage.keep(sent.name, sent.data))
            settings = changed = raw_settings(sent.request, photo["path"])
        elif token:
            lang = language(request)
            gr.Info(t("studio.handoff_gone", lang), duration=TOLD_SECONDS)
        drawn = list(self.show(request, progress, photo, *settings, None))
        if sent is not None:
            drawn[_KNOWN_SHOWN] = settings[_KNOWN]
        return (photo, *changed[:_KNOWN], *changed[_KNOWN + 1 :], *drawn)

    def _example(self, sent: Handoff) -> dict[str, Any] | None:
        """The example that was sent, None for any other photo."""
        named = (file for file in self._examples if file["orig_name"] == sent.name)
        return next((file for file in named if Path(file["path"]).read_bytes() == sent.data), None)

    def explore(self, request: gr.Request, *values: Any) -> dict[str, Any]:
        """Hands the photo and its settings to the explorer; to where the browser has to go."""
        token = self._sent(values, form_request(DRAWING, values))
        return {**other_page("explorer"), "lang": language(request), "token": token}

    def reopen(self, request: gr.Request, *values: Any) -> dict[str, Any]:
        """The same for this page in the other language; settings that cannot be used are left."""
        try:
            asked = form_request(DRAWING, values)
        except DepthError:
            asked = DepthRequest()
        other = next(lang for lang in LANGUAGES if lang != language(request))
        return {"lang": other, "token": self._sent(values, asked)}

    def _sent(self, values: Sequence[Any], asked: DepthRequest) -> str | None:
        """The word for the photo and how its depth is wanted; None where there is no photo."""
        if missing(values[0]):
            return None
        path = self._storage.uploaded(values[0])
        return self._between.put(Handoff(path.name, path.read_bytes(), asked))

    def files(self, request: gr.Request, progress: gr.Progress = PROGRESS, *values: Any) -> Update:
        """The chosen files of the photo, at its full size, each as its name says."""
        _, paths = self._saved(request, progress, values)
        return gr.update(value=[str(path) for path in paths], visible=True)

    def zipped(self, request: gr.Request, progress: gr.Progress = PROGRESS, *values: Any) -> str:
        """The same files in one zip."""
        stem, paths = self._saved(request, progress, values)
        archive = paths[0].with_name(f"{stem}.zip")
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as target:
            for path in paths:
                target.write(path, path.name)
        return str(archive)

    def _saved(
        self, request: gr.Request, progress: gr.Progress, values: Sequence[Any]
    ) -> tuple[str, list[Path]]:
        tell = teller(progress, language(request))
        *wanted, kinds = values
        require_photo(wanted[0])
        outputs = outputs_wanted(kinds)
        result = self._result(wanted, tell, DRAWING)
        tell("progress_files")
        folder = self._storage.folder(request.session_hash)
        with self._studio.building:
            saved = save_outputs(result, outputs, folder)
        return stem_of(result.photo), [*saved.files.values(), saved.sidecar]

    def batch(
        self, request: gr.Request, progress: gr.Progress = PROGRESS, *values: Any
    ) -> tuple[Update, str]:
        """Many photos to one zip and a table of what became of each.

        Values: the photos, the controls for any photo, the kinds of files.
        """
        photos, *settings, kinds = values
        lang = language(request)
        looks: dict[str, tuple[str, str, str]] = {}
        archive, manifest = run_batch(
            self._studio,
            [self._storage.uploaded(photo) for photo in listed(photos)],
            form_request(FOR_ANY_PHOTO, settings),
            outputs_wanted(kinds),
            self._storage.folder(request.session_hash),
            counted(progress, "progress_batch", lang),
            lambda entry, stem: looks.update({entry.stem: looked_at(stem)}),
        )
        return gr.update(value=str(archive), visible=True), listing_html(manifest, looks, lang)

    def arrive(self, request: gr.Request) -> tuple[Update, str]:
        """What a new visitor sees of the models: they may have changed since the start."""
        lang = language(request)
        about = about_html(self._studio.models(), lang)
        return gr.update(choices=model_choices(self._studio.model_names())), about

    def leave(self, request: gr.Request) -> None:
        """Deletes what a session made."""
        self._storage.end_session(request.session_hash)
