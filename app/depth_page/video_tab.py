"""The tab for clips and for a live camera: layout, wiring, and what its controls do."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Any

import gradio as gr

from app.common.checks import number
from app.common.runs import run_video
from app.common.service import Studio
from app.common.storage import Storage
from app.common.summary import metres
from app.common.translations import of_core, t
from app.depth_page.elements import (
    PRIVATE,
    camera_note,
    cleared_on_failure,
    label,
    stop_button,
    typed_number,
)
from app.depth_page.form import (
    COLOURS,
    FOR_ANY_PHOTO,
    PROGRESS,
    PageHandlers,
    by_labels,
    counted,
    form_request,
    language,
    nothing,
)
from app.depth_page.live import LiveDepth, LiveView
from app.depth_page.summary_html import picture_html
from core.errors import VideoError
from core.geometry.stereo import LAYOUTS, LEAST_EYES, MOST_EYES, StereoSettings
from core.video.settings import QUALITIES

LIVE_EVERY = 0.1  # seconds between two pictures that a page sends
LIVE_SECONDS = 120  # then the camera has to be started again, and others get their turn
_NOTHING_MADE = (None, nothing(), "")
NO_STEREO = "none"


class VideoHandlers(PageHandlers):
    """The tab's functions over one studio and its storage."""

    def __init__(self, studio: Studio, storage: Storage) -> None:
        super().__init__(studio, storage)
        self._live = LiveDepth(studio)

    def clip(
        self, request: gr.Request, progress: gr.Progress = PROGRESS, *values: Any
    ) -> tuple[Any, ...]:
        """A clip to its depth video, its files and a sentence about both.

        Values: the clip, whether it is smoothed over time, the quality, the layout of a stereo film
        or "none", metres between its eyes, the controls for any photo.
        """
        clip, steady, quality, layout, eyes, *settings = values
        lang = language(request)
        if clip is None:
            raise VideoError(t("studio.no_video"))
        asked = form_request(FOR_ANY_PHOTO, settings)
        stereo = None
        if layout != NO_STEREO:
            with by_labels():
                apart = number("video_eyes", eyes, LEAST_EYES, MOST_EYES, "metres")
            stereo = StereoSettings(layout, apart)
        files, about = run_video(
            self._studio,
            self._storage.uploaded(clip),
            asked,
            self._storage.folder(request.session_hash),
            _teller(progress, lang),
            steady=bool(steady),
            quality=quality,
            stereo=stereo,
        )
        shown = gr.update(value=[str(file) for file in files], visible=True)
        return str(files[0]), shown, f"<p>{html.escape(_sentence(about, lang))}</p>"

    def live(self, request: gr.Request, picture: Any, *values: Any) -> Any:
        """A camera's picture to its depth, as HTML; values: model, resolution, profile, colours."""
        if picture is None:  # the camera was closed
            return gr.skip()
        asked = form_request(("model", "resolution", "profile", *COLOURS), values)
        view = self._live(request.session_hash or "", picture, asked)
        return live_html(view, language(request))

    def leave(self, request: gr.Request) -> None:
        """Forgets a session's camera."""
        self._live.forget(request.session_hash)


def video_tab(studio: Studio, storage: Storage, controls: list[Any]) -> VideoHandlers:
    """Lays the tab out inside the page that is being built.

    Args:
        controls: in the order of `app.depth_page.form.FOR_ANY_PHOTO`.
    """
    handlers = VideoHandlers(studio, storage)
    model, resolution, _flip, _fov, profile, *display = controls
    gr.Markdown(label("video_lead"))
    with gr.Row():
        with gr.Column():
            clip = gr.File(label=label("video_file"), elem_id="video-file")  # told by content
            steady = gr.Checkbox(True, label=label("video_steady"), info=label("video_steady_info"))
            quality = gr.Radio(
                [(label(f"video_quality_{name}"), name) for name in QUALITIES], value="full",
                label=label("video_quality"), info=label("video_quality_info"),
                elem_id="video-quality",
            )  # fmt: skip
            stereo = gr.Radio(
                [(label(f"video_stereo_{name}"), name) for name in (NO_STEREO, *LAYOUTS)],
                value=NO_STEREO, label=label("video_stereo"), info=label("video_stereo_info"),
                elem_id="video-stereo",
            )  # fmt: skip
            eyes = typed_number("video_eyes", info=label("video_eyes_info"), visible=False)
            stereo.change(
                None, stereo, eyes, api_visibility="private",
                js=f"layout => ({{__type__: 'update', visible: layout !== '{NO_STEREO}'}})",
            )  # fmt: skip
            run = gr.Button(label("video_run"), variant="primary", elem_id="video-run")
            running = stop_button([run.click], "stop-video")
        with gr.Column():
            result = gr.Video(
                label=label("video_result"), interactive=False, elem_id="video-result"
            )
            told = gr.HTML(elem_id="video-told")
            files = gr.File(
                label=label("video_files"), file_count="multiple", interactive=False,
                visible=False, elem_id="video-files",
            )  # fmt: skip
    ran = run.click(
        handlers.clip,
        [clip, steady, quality, stereo, eyes, *controls],
        [result, files, told],
        concurrency_id="video",  # minutes long: photos do not wait for it
        concurrency_limit=1,
        show_progress_on=[result],
        **PRIVATE,
    )
    cleared_on_failure(ran, [result, files, told], _NOTHING_MADE)
    running(ran)
    gr.Markdown(label("live_lead"))
    camera_note()  # above the box: below it, it would be off the screen
    with gr.Row():
        camera = gr.Image(
            label=label("live_camera"), sources=["webcam"], streaming=True, type="filepath",
            image_mode=None, webcam_options=gr.WebcamOptions(mirror=False), elem_id="live-camera",
        )  # fmt: skip
        shown = gr.HTML(elem_id="live-depth")
    camera.stream(
        handlers.live,
        [camera, model, resolution, profile, *display],
        shown,
        stream_every=LIVE_EVERY,
        time_limit=LIVE_SECONDS,
        concurrency_id="live",
        concurrency_limit=2,
        show_progress="hidden",
        **PRIVATE,
    )
    return handlers


def live_html(view: LiveView, lang: str) -> str:
    """The picture, and what is said of it."""
    words = t(
        "studio.live_told",
        lang,
        rate="–" if view.rate is None else f"{view.rate:.1f}",
        ms=f"{view.milliseconds:.0f}",
        near=metres(view.near, metric=view.metric),
        far=metres(view.far, metric=view.metric),
        model=view.model,
    )
    words = " ".join([words, *(of_core(note, lang) for note in view.notes)])
    picture = picture_html(view.jpeg, alt=t("studio.live_alt", lang))
    return f'<figure class="live">{picture}<figcaption>{html.escape(words)}</figcaption></figure>'


def _teller(progress: gr.Progress, lang: str) -> Callable[[str, int, int | None], None]:
    stages: dict[str, Callable[[int, int | None], None]] = {}

    def tell(stage: str, done: int, total: int | None) -> None:
        name = f"progress_video_{stage}"
        stages.setdefault(stage, counted(progress, name, lang))(done, total)

    return tell


def _sentence(about: dict[str, Any], lang: str) -> str:
    flicker = about["flicker"]
    unknown = t("studio.video_no_static", lang)
    before, after = (
        unknown if flicker[key] is None else f"{flicker[key]:.4f} m"
        for key in ("before_m", "after_m")
    )
    drawn = about["files"]["video"]
    told = t(
        "studio.video_told",
        lang,
        frames=about["frames"],
        cuts=len(about["cuts"]),
        before=before,
        after=after,
        near=metres(drawn["near_m"], metric=about["model"]["metric"]),
        far=metres(drawn["far_m"], metric=about["model"]["metric"]),
    )
    # The first note of a clip that was cut short says that; here it comes in the page's language.
    cut = [] if about["complete"] else [t("studio.video_cut_short", lang)]
    seen = about["network_frames"]
    fast = [] if seen is None else [t("studio.video_seen", lang, seen=len(seen))]
    notes = (of_core(note, lang) for note in about["notes"][len(cut) :])
    return ". ".join([told, *fast, *cut, *notes])
