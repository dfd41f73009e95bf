"""The page's layout and wiring; what its controls do is in `handlers.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from app.api.registration import AT_ONCE, IN_BATCH, IN_SPACE, WORK, add_endpoints
from app.common.blocks import GuardedBlocks
from app.common.environment import ServerLimits
from app.common.monitoring import Metrics
from app.common.request import OUTPUTS
from app.common.service import Studio
from app.common.storage import Storage
from app.common.text import t
from app.depth_page.depth_view import static_text
from app.depth_page.depth_view import translations as _
from app.depth_page.handlers import NOTHING_MADE, Handlers, cleared_on_failure, follow
from app.depth_page.live import is_live_picture
from app.depth_page.profile_box import ProfileHandlers, profile_box, wire_profile
from app.depth_page.sparse_box import SparseHandlers, sparse_box, wire_sparse
from app.depth_page.three_d_handlers import SpaceHandlers
from app.depth_page.three_d_tab import (
    depth_view,
    kept_by_browser,
    measured_results,
    three_d,
    typed_number,
    views_of_scene,
)
from app.depth_page.video_tab import video_tab
from core.files.colormap import COLORMAPS, DEFAULT_COLORMAP
from core.weights.registry import EXAMPLES

_PRIVATE: dict[str, Any] = {"api_visibility": "private", "preprocess": False}
_HEAVY: dict[str, Any] = {**_PRIVATE, **WORK}
_SPACE: dict[str, Any] = {**_PRIVATE, **IN_SPACE}


@dataclass(frozen=True)
class _Controls:
    """The inputs of a photo's page, in the order that the handlers take them."""

    photo: gr.Image
    model: gr.Dropdown
    resolution: gr.Textbox
    flip: gr.Checkbox
    fov: gr.Textbox
    profile: gr.JSON
    intrinsics: gr.Textbox
    known: gr.JSON
    sparse: gr.JSON
    colormap: gr.Dropdown
    ranging: gr.Radio
    near: gr.Textbox
    far: gr.Textbox

    @property
    def prediction(self) -> list[Any]:
        return [*self.network, self.intrinsics, self.known, self.sparse]

    @property
    def network(self) -> list[Any]:
        return [self.photo, self.model, self.resolution, self.flip, self.fov, self.profile]

    @property
    def drawing(self) -> list[Any]:
        return [*self.prediction, *self.colours]

    @property
    def for_any_photo(self) -> list[Any]:
        """Without the intrinsics and the known length, which are those of one photo."""
        return [*self.network[1:], *self.colours]

    @property
    def colours(self) -> list[Any]:
        return [self.colormap, self.ranging, self.near, self.far]


def build_page(
    studio: Studio, storage: Storage, limits: ServerLimits, metrics: Metrics
) -> GuardedBlocks:
    """The whole page and its HTTP endpoints, not yet served."""
    handlers, space = Handlers(studio, storage), SpaceHandlers(studio, storage)
    page = GuardedBlocks(
        lambda value: is_live_picture(value) or storage.uploaded(value),
        limits,
        metrics,
        title="LapDepth Studio",
        analytics_enabled=False,
        fill_width=True,
    )
    with page:
        add_endpoints(studio, storage)  # first, so that their names are theirs
        with gr.Column(elem_id="masthead"):
            gr.Markdown(f"# {t('studio.title')}")
            gr.Markdown(_("lead"))
        with gr.Tabs():
            with gr.Tab(_("tab_photo"), elem_id="tab-photo"):
                controls = _one_photo(handlers, space, studio, storage)
            with gr.Tab(_("tab_batch"), elem_id="tab-batch"):
                _many_photos(handlers, controls)
            with gr.Tab(_("tab_video"), elem_id="tab-video"):
                video = video_tab(studio, storage, controls.for_any_photo, _)
            with gr.Tab(_("tab_about"), elem_id="tab-about"):
                about = gr.HTML(elem_id="about")
        page.load(handlers.arrive, None, [controls.model, about], api_visibility="private")
        page.unload(handlers.leave)
        page.unload(video.leave)
    # Not open: a direct POST to /run or /api would pass the queue and its limits by.
    page.queue(max_size=limits.queue, default_concurrency_limit=AT_ONCE, api_open=False)
    return page


def _one_photo(
    handlers: Handlers, space: SpaceHandlers, studio: Studio, storage: Storage
) -> _Controls:
    models = studio.model_names()
    with gr.Row(elem_id="workbench"):
        with gr.Column(elem_id="photo-side"):
            photo = gr.Image(
                label=_("photo"),
                type="filepath",
                image_mode=None,
                sources=["upload", "clipboard", "webcam"],
                placeholder=t("studio.drop"),
                height=260,
                buttons=["fullscreen"],
                elem_id="photo",
            )
            pictures = sorted(EXAMPLES.glob("*.jpg"))
            if pictures:
                gr.Examples(
                    [[str(path)] for path in pictures],
                    photo,
                    label=_("examples"),
                    cache_examples=False,
                    examples_per_page=12,
                    api_visibility="private",
                    elem_id="examples",
                )
        with gr.Column(elem_id="result-side"), gr.Tabs():
            with gr.Tab(_("tab_depth"), elem_id="tab-depth"):
                view = depth_view("inspect")
                pinned = gr.HTML(elem_id="pinned")
                summary = gr.HTML(apply_default_css=False, elem_id="summary")
            with gr.Tab(_("tab_compare"), elem_id="tab-compare"):
                gr.Markdown(_("compare_info"))
                slider = gr.ImageSlider(
                    label=t("studio.compare"), type="filepath", max_height=640, elem_id="slider"
                )
            with gr.Tab(_("tab_3d"), elem_id="tab-3d"):
                scene = three_d()
            with gr.Tab(_("tab_views"), elem_id="tab-views"):
                views = views_of_scene()
            with gr.Tab(_("tab_measure"), elem_id="tab-measure"):
                gr.Markdown(_("measure_lead"))
                measuring = depth_view("measure")
                ruler = measured_results()
                sparse = sparse_box()
            with gr.Tab(_("tab_files"), elem_id="tab-files"):
                gr.Markdown(_("files_lead"))
                kinds = _kinds("kinds")
                make = gr.Button(_("make_files"), variant="primary", elem_id="make-files")
                files = gr.File(
                    label=_("files"), file_count="multiple", interactive=False, visible=False,
                    elem_id="files",
                )  # fmt: skip
        with gr.Column(elem_id="settings-side"):
            rest = _settings(models)
            profile = profile_box()
    model, resolution, flip, fov, intrinsics, colormap, ranging, near, far = rest
    known, shown = kept_by_browser(), kept_by_browser()
    camera = (model, resolution, flip, fov, profile.kept, intrinsics, known, sparse.kept)
    controls = _Controls(photo, *camera, colormap, ranging, near, far)
    outputs = [view, measuring, slider, summary, known, ruler.scale, shown]
    outputs += [pinned, scene.viewer, *ruler.results, *views.results, files]
    options = {
        "show_progress_on": [view, measuring, slider],
        "trigger_mode": "always_last",
        **_HEAVY,
    }
    changes = [control.change for control in (photo, model, flip, colormap, ranging)]
    # A number counts when it is finished, not at every key.
    typed = (resolution, fov, intrinsics, near, far)
    changes += [event for box in typed for event in (box.submit, box.blur)]
    showing = (handlers.show, [*controls.drawing, shown], outputs)
    follow(gr.on(changes, *showing, **options), photo, shown, outputs)
    asked = controls.prediction
    view.select(space.pin, asked, pinned, **_HEAVY)
    measuring.select(space.measure, asked, ruler.results, **_HEAVY)
    length = [*asked, ruler.ends, ruler.metres]
    apply = [ruler.apply.click, ruler.metres.submit]
    calibrated = gr.on(apply, space.calibrate, length, known, **_HEAVY)
    undone = ruler.undo.click(lambda: None, None, known, **_PRIVATE)
    used = wire_profile(profile, ProfileHandlers(studio, storage), asked, _HEAVY)
    used += wire_sparse(sparse, SparseHandlers(studio, storage), asked, _HEAVY)
    for rescaled in (calibrated.success, undone.success, *used):
        rescaled(*showing, **options)
    built = scene.build.click(space.cloud, [*asked, *scene.options], scene.viewer, **_SPACE)
    built.then(None, js=static_text("wake_viewer.js"), api_visibility="private")
    views.make.click(space.view, [*asked, *views.options], views.results, **_SPACE)
    make.click(handlers.files, [*controls.drawing, kinds, *scene.options], files, **_SPACE)
    return controls


def _settings(models: list[str]) -> tuple[Any, ...]:
    """Model, resolution, flip, field of view, intrinsics, colour map, range mode, near, far."""
    with gr.Accordion(_("settings"), open=True):
        model = gr.Dropdown(
            models, value=models[0] if models else None, label=_("model"), elem_id="model"
        )
        colormap = gr.Dropdown(
            list(COLORMAPS), value=DEFAULT_COLORMAP, label=_("colormap"), elem_id="colormap"
        )
        ranging = gr.Radio(
            [(_("range_auto"), "auto"), (_("range_fixed"), "fixed")],
            value="auto",
            label=_("range"),
            elem_id="range",
        )
        with gr.Row(visible=False) as bounds:
            near = typed_number("near", min_width=90)
            far = typed_number("far", min_width=90)
        fov = typed_number("fov", info=_("fov_info"))
        intrinsics = typed_number("intrinsics", info=_("intrinsics_info"))
        resolution = typed_number("resolution", info=_("resolution_info"))
        flip = gr.Checkbox(False, label=_("flip"), info=_("flip_info"), elem_id="flip")
    ranging.change(
        lambda mode: gr.Row(visible=mode == "fixed"),
        ranging,
        bounds,
        queue=False,
        api_visibility="private",
    )
    return model, resolution, flip, fov, intrinsics, colormap, ranging, near, far


def _many_photos(handlers: Handlers, controls: _Controls) -> None:
    gr.Markdown(_("batch_lead"))
    photos = gr.File(
        label=_("batch_files"), file_count="multiple", elem_id="batch-files"
    )  # of any type: the content decides
    kinds = _kinds("batch-kinds")
    run = gr.Button(_("batch_run"), variant="primary", elem_id="batch-run")
    archive = gr.File(label=_("batch_zip"), interactive=False, visible=False, elem_id="batch-zip")
    listing = gr.HTML(elem_id="batch-list")
    inputs = [photos, *controls.for_any_photo, kinds]
    ran = run.click(handlers.batch, inputs, [archive, listing], **_PRIVATE, **IN_BATCH)
    cleared_on_failure(ran, [archive, listing], NOTHING_MADE)


def _kinds(name: str) -> gr.CheckboxGroup:
    choices = [(_(f"kind_{kind}"), kind) for kind in OUTPUTS]
    return gr.CheckboxGroup(choices, value=["color", "depth16"], label=_("kinds"), elem_id=name)
