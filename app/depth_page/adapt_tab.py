"""The tab that adapts a model to a visitor's own frames; there only where the operator allows it.

A kept model is one more file in the server's folder of models, for everybody; only the page that
made it, or the operator, can take it away again.
"""

from __future__ import annotations

import contextlib
import html
import secrets
import time
from pathlib import Path
from typing import Any

import gradio as gr

from app.common.adapting import Settings, arranged
from app.common.cancellation import cancelled
from app.common.checks import missing, number
from app.common.service import Studio
from app.common.storage import Storage
from app.common.translations import t
from app.depth_page.adapted_html import compared, report_html
from app.depth_page.elements import kept_by_browser, typed_number
from app.depth_page.elements import label as _
from app.depth_page.events import stop_button
from app.depth_page.form import PROGRESS, PageHandlers, by_labels, language
from app.depth_page.handlers import model_choices
from app.depth_page.progress import TimeLeft
from core.camera import MAX_FOV, MIN_FOV
from core.data.folder import FolderDataset
from core.errors import DataError, DepthError
from core.train.adapt_process import adapt_apart
from core.train.held_out import check_enough
from core.weights.choice_table import AUTO

MINUTES = 20  # at most
SHOWN = 3  # held-out frames, with depth before and after
_PRIVATE: dict[str, Any] = {"api_visibility": "private", "preprocess": False}


class AdaptHandlers(PageHandlers):
    """The tab's functions over one studio and its storage."""

    def __init__(self, studio: Studio, storage: Storage) -> None:
        super().__init__(studio, storage)
        self._made: dict[str, str] = {}  # by a secret that only the page knows

    def adapt(
        self, request: gr.Request, progress: gr.Progress = PROGRESS, *values: Any
    ) -> tuple[Any, ...]:
        """Files to a report, and to a model where held-out frames got better.

        Values: files, name, model to start from, minutes, depth scale, field of view.
        """
        files, name, model, minutes, scale, fov = values
        lang = language(request)
        if missing(files) or not files:
            raise DataError(t("studio.adapt_none"))
        base = None if missing(model) or model == AUTO else str(model)
        if base is not None:
            self._studio.predictor(base)  # a path is no name here
        with by_labels():
            asked = number("adapt_minutes", minutes, 0.05, MINUTES, "minutes") or 5.0
            settings = Settings(
                number("adapt_scale", scale, 1e-6, 1e9, "units per metre"),
                number("fov", fov, MIN_FOV, MAX_FOV, "degrees"),
            )
        folder = self._storage.folder(request.session_hash)
        sent = arranged([self._storage.uploaded(each) for each in files], folder, settings)
        check_enough(sent.frames, sent.notes)  # at once, before a process starts
        job = {
            "data": sent.data,
            "name": "" if missing(name) else str(name).strip(),
            "model": base,
            "minutes": asked,
        }
        clock, is_cancelled = TimeLeft(time.monotonic), cancelled()

        def tell(done: int, total: int) -> None:
            key = "adapt_step" if done < total else "adapt_judging"
            words = t(f"studio.{key}", lang, done=done, total=total,
                      left=clock.words(done, total))  # fmt: skip
            progress((done, total), desc=words)

        progress(0, desc=t("studio.adapt_reading", lang))
        models = self._studio.models_folder
        report = adapt_apart(job, folder, models, lambda: not is_cancelled(), tell)
        report["notes"] = [*sent.notes, *report["notes"]]
        pictures, kept = "", None
        if report["kept"]:
            secret = secrets.token_urlsafe(18)
            self._made[secret] = report["name"]
            kept = {"secret": secret}  # an object: Gradio reads a bare text as JSON
            with contextlib.suppress(DepthError):  # the model is there, pictures or not
                pictures = self._pictures(report, sent.data, lang)
        undo = gr.update(visible=report["kept"])
        return report_html(report, lang) + pictures, kept, undo

    def undo(self, request: gr.Request, kept: Any) -> tuple[Any, ...]:
        """Takes away what this page made."""
        from core.train.adapt import undo

        secret = kept.get("secret") if isinstance(kept, dict) else None
        name = self._made.pop(secret, None) if isinstance(secret, str) else None
        if name is None:
            raise DataError(t("studio.adapt_no_undo", language(request)))
        undo(name, self._studio.models_folder)
        said = t("studio.adapt_undone", language(request), name=name)
        return f"<p>{html.escape(said)}</p>", None, gr.update(visible=False)

    def models(self, chosen: Any) -> tuple[Any, ...]:
        """What is installed now: to start from, and to choose for a photo (a gone one no more)."""
        names = self._studio.model_names()
        photo: dict[str, Any] = {"choices": model_choices(names)}
        if chosen not in names:
            photo["value"] = next(iter(names), None)
        return gr.update(choices=model_choices(names)), gr.update(**photo)

    def _pictures(self, report: dict[str, Any], data: Path, lang: str) -> str:
        """A few held-out frames: photo, depth before, depth after, in one range of colours."""
        before, after = (self._studio.predictor(report[key]) for key in ("base", "name"))
        frames = [f for f in FolderDataset(data).frames if f.name in report["per_frame"]][:SHOWN]
        return "".join(compared(frame, before, after, lang) for frame in frames)


def adapt_tab(studio: Studio, storage: Storage, for_photo: gr.Dropdown) -> None:
    """Lays the tab out inside the page that is being built.

    Args:
        for_photo: the list of models for photos; a kept one is in it at once.
    """
    handlers, names = AdaptHandlers(studio, storage), studio.model_names()
    gr.Markdown(_("adapt_lead"))
    with gr.Row():
        with gr.Column():
            files = gr.File(
                label=_("adapt_files"), file_count="multiple", height=220, elem_id="adapt-files"
            )  # of any type: the content decides
            name = gr.Textbox(label=_("adapt_name"), max_lines=1, elem_id="adapt-name")
            model = gr.Dropdown(
                model_choices(names), value=AUTO if AUTO in names else next(iter(names), None),
                label=_("adapt_model"), allow_custom_value=True, elem_id="adapt-model",
            )  # fmt: skip
            with gr.Row():
                minutes = gr.Textbox("5", label=_("adapt_minutes"), max_lines=1,
                                     elem_id="adapt-minutes")  # fmt: skip
                scale = typed_number("adapt_scale", info=_("adapt_scale_info"))
                fov = typed_number("adapt_fov", info=_("adapt_fov_info"))
            run = gr.Button(_("adapt_run"), variant="primary", elem_id="adapt-run")
            watch = stop_button([run.click], "stop-adapt")
        with gr.Column():
            told = gr.HTML(elem_id="adapt-told")
            undo = gr.Button(_("adapt_undo"), visible=False, elem_id="adapt-undo")
    kept = kept_by_browser()
    results = [told, kept, undo]
    installed = (handlers.models, for_photo, [model, for_photo])
    model.focus(*installed, queue=False, **_PRIVATE)
    ran = run.click(
        handlers.adapt,
        [files, name, model, minutes, scale, fov],
        results,
        concurrency_id="adapt",  # minutes of every core that is idle: one at a time
        concurrency_limit=1,
        show_progress_on=[told],
        scroll_to_output=True,  # below the fold on a phone
        **_PRIVATE,
    )
    ran.success(*installed, queue=False, **_PRIVATE)
    watch(ran)
    undone = undo.click(handlers.undo, kept, results, **_PRIVATE)
    undone.success(*installed, queue=False, **_PRIVATE)
