"""The tab that adapts a model to a visitor's own frames; there only where the operator allows it.

A kept model is one more file in the server's folder of models, for everybody; only the page that
made it, or the operator, can take it away again.
"""

from __future__ import annotations

import contextlib
import html
import secrets
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr
from PIL import Image

from app.common.adapting import Settings, arranged
from app.common.cancellation import cancelled
from app.common.checks import missing, number
from app.common.service import Studio
from app.common.storage import Storage
from app.common.translations import t
from app.depth_page.elements import PRIVATE, kept_by_browser, stop_button, typed_number
from app.depth_page.elements import label as _
from app.depth_page.form import PROGRESS, PageHandlers, TimeLeft, by_labels, language
from app.depth_page.handlers import model_choices
from app.depth_page.summary_html import jpeg_of, picture_html, table
from core.camera import MAX_FOV, MIN_FOV
from core.data.folder import FolderDataset
from core.errors import DataError, DepthError
from core.files.colormap import auto_range
from core.files.depth_maps import ColorSettings, encode_color
from core.images.decode_worker import decode_isolated
from core.predictor import Predictor
from core.train.adapt_process import adapt_apart
from core.train.held_out import check_enough
from core.weights.choice_table import AUTO

MINUTES = 20  # at most
_WIDTH = 320  # pixels of a picture in the report, about
SHOWN = 3  # held-out frames, with depth before and after


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
    model.focus(*installed, queue=False, **PRIVATE)
    ran = run.click(
        handlers.adapt,
        [files, name, model, minutes, scale, fov],
        results,
        concurrency_id="adapt",  # minutes of every core that is idle: one at a time
        concurrency_limit=1,
        show_progress_on=[told],
        scroll_to_output=True,  # below the fold on a phone
        **PRIVATE,
    )
    ran.success(*installed, queue=False, **PRIVATE)
    watch(ran)
    undone = undo.click(handlers.undo, kept, results, **PRIVATE)
    undone.success(*installed, queue=False, **PRIVATE)


def compared(frame: Any, before: Predictor, after: Predictor, lang: str) -> str:
    """A held-out frame: photo, depth before, depth after, in one range of colours."""
    photo = decode_isolated(frame.rgb_path)
    camera: dict[str, Any] = {}
    if isinstance(frame.camera, tuple):
        camera = {"intrinsics": frame.camera}
    elif frame.camera is not None:
        camera = {"fov": frame.camera}
    depths = [predictor(photo, **camera).depth for predictor in (before, after)]
    near, far = auto_range(depths[1])
    colours = ColorSettings(near=near, far=far)
    step = max(1, photo.rgb.shape[1] // _WIDTH)
    names = [t(f"studio.adapt_{name}", lang) for name in ("photo", "before", "after")]
    pictures = [jpeg_of(Image.fromarray(photo.rgb[::step, ::step]))]
    pictures += [encode_color(depth[::step, ::step], colours) for depth in depths]
    figures = "".join(
        f"<figure>{picture_html(data, alt=said, kind=kind)}"
        f"<figcaption>{html.escape(said)}</figcaption></figure>"
        for data, said, kind in zip(
            pictures, names, ("image/jpeg", "image/png", "image/png"), strict=True
        )
    )
    return f'<div class="adapted">{figures}</div>'


def report_html(report: dict[str, Any], lang: str) -> str:
    """What came of it, for people: the verdict, the figures on held-out frames, the licence."""
    learn, choose, judge = report["frames"]
    key = "adapt_kept" if report["kept"] else "adapt_not_kept"
    verdict = t(f"studio.{key}", lang, **report)
    about = t(
        "studio.adapt_about", lang, learn=learn, choose=choose, judge=judge,
        seconds=report["seconds"], scale=report["scale"], steps=report["steps"],
        mix=report["mix"],
    )  # fmt: skip
    head = ("", "AbsRel", "RMSE (m)", "SILog", "δ<1.25")
    rows = [
        (t(f"studio.adapt_{when}", lang), *(f"{report[when][key]:.3f}" for key in
                                            ("abs_rel", "rmse", "silog", "delta1")))
        for when in ("before", "after")
    ]  # fmt: skip
    frames = [
        (name, f"{was:.3f}", f"{now:.3f}") for name, (was, now) in report["per_frame"].items()
    ]
    frame_head = (t("studio.adapt_frame", lang), "AbsRel " + t("studio.adapt_before", lang),
                  t("studio.adapt_after", lang))  # fmt: skip
    licence = t("studio.adapt_licence", lang, licence=report["licence"], base=report["base"])
    said = "".join(f"<p>{html.escape(each)}</p>" for each in (about, licence, *report["notes"]))
    return (
        f"<p><strong>{html.escape(verdict)}</strong></p>{_figures(head, rows)}{said}"
        f"{_figures(frame_head, frames)}"
    )


def _figures(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return table(head, (map(html.escape, row) for row in rows))
