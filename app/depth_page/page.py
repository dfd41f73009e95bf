"""The page's layout and wiring; what its controls do is in `handlers.py`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr

from app.api.endpoints import AT_ONCE, IN_BATCH, IN_SPACE, add_endpoints
from app.common.blocks import GuardedBlocks
from app.common.environment import ServerLimits, value
from app.common.handoff import GO, HandoffFolder
from app.common.monitoring import Metrics
from app.common.request import OUTPUTS
from app.common.service import Studio
from app.common.storage import Storage
from app.common.translations import t
from app.depth_page.adapt_tab import adapt_tab
from app.depth_page.depth_view import depth_view
from app.depth_page.elements import (
    HEAVY,
    PRIVATE,
    cleared_on_failure,
    follow,
    gradio_words,
    kept_by_browser,
    photo_box,
    save_at_once,
    static_text,
    stop_button,
    typed_number,
)
from app.depth_page.elements import label as _
from app.depth_page.form import DRAWING, FOR_ANY_PHOTO, PHOTO
from app.depth_page.handlers import EMPTY, NOTHING_MADE, Handlers, model_choices
from app.depth_page.live import is_live_picture
from app.depth_page.measure_tab import KnownHandlers, MeasureTab, known_box, sparse_box
from app.depth_page.profile_box import ProfileHandlers, profile_box
from app.depth_page.three_d_tab import SpaceHandlers, ThreeDTab, phone_box
from app.depth_page.video_tab import video_tab
from app.depth_page.views_tab import ViewsHandlers, ViewsTab
from core.files.colormap import COLORMAPS, DEFAULT_COLORMAP

_SPACE: dict[str, Any] = {**PRIVATE, **IN_SPACE}


def build_page(
    studio: Studio, storage: Storage, limits: ServerLimits, metrics: Metrics
) -> GuardedBlocks:
    """The whole page and its HTTP endpoints, not yet served."""
    between = HandoffFolder.from_environment()
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
        with gr.Row(elem_id="masthead"):
            with gr.Column(scale=1, min_width=240):
                gr.Markdown(f"# {t('studio.title')}")
                gr.Markdown(_("lead"))
            with gr.Row(elem_id="ways"):
                if between is not None:
                    onward = gr.Button(_("to_explorer"), size="md", scale=0, elem_id="to-explorer")
                spoken = gr.Button(_("other_language"), size="md", scale=0, elem_id="to-language")
                theme = gr.Button(_("theme"), size="md", scale=0, elem_id="turn-theme")
        gradio_words()
        with gr.Tabs():
            with gr.Tab(_("tab_photo"), elem_id="tab-photo"):
                photo, examples = photo_box()
                own = between or HandoffFolder(storage.root / "handoff")
                handlers = Handlers(studio, storage, examples, own)
                one = _PhotoTab(photo, studio, storage)
                one.wire(handlers, page)
            with gr.Tab(_("tab_batch"), elem_id="tab-batch"):
                _many_photos(handlers, one.named(FOR_ANY_PHOTO))
            with gr.Tab(_("tab_video"), elem_id="tab-video"):
                video = video_tab(studio, storage, one.named(FOR_ANY_PHOTO))
            if value("LAPDEPTH_ADAPT") == "on":
                with gr.Tab(_("tab_adapt"), elem_id="tab-adapt"):
                    adapt_tab(studio, storage, one.controls["model"])
            with gr.Tab(_("tab_about"), elem_id="tab-about"):
                about = gr.HTML(elem_id="about")
        page.load(handlers.arrive, None, [one.controls["model"], about], api_visibility="private")
        theme.click(None, js=static_text("turn_theme.js"), api_visibility="private")
        way = kept_by_browser()
        leaving = [spoken.click(handlers.reopen, one.named(DRAWING), way, **PRIVATE)]
        if between is not None:
            leaving.append(onward.click(handlers.explore, one.named(DRAWING), way, **PRIVATE))
        for left in leaving:
            left.success(None, way, None, js=GO, api_visibility="private")
        page.unload(handlers.leave)
        page.unload(video.leave)
    # Not open: a direct POST to /run or /api would pass the queue and its limits by.
    page.queue(max_size=limits.queue, default_concurrency_limit=AT_ONCE, api_open=False)
    return page


class _PhotoTab:
    """One photo: its box, everything that is made of it, and the settings."""

    def __init__(self, photo: gr.HTML, studio: Studio, storage: Storage) -> None:
        self.known, self.space = KnownHandlers(studio, storage), SpaceHandlers(studio, storage)
        self.elsewhere = ViewsHandlers(studio, storage)
        with gr.Row(elem_id="workbench"):
            with gr.Column(elem_id="photo-side"):
                photo.render()  # type: ignore[no-untyped-call]
            with gr.Column(elem_id="result-side"), gr.Tabs():
                with gr.Tab(_("tab_depth"), elem_id="tab-depth"):
                    self.view = depth_view("inspect")
                    self.pinned = gr.HTML(elem_id="pinned")
                    self.summary = gr.HTML(apply_default_css=False, elem_id="summary")
                with gr.Tab(_("tab_compare"), elem_id="tab-compare"):
                    gr.Markdown(_("compare_info"))
                    self.slider = gr.ImageSlider(
                        label=_("compare"), type="filepath", max_height=640, elem_id="slider"
                    )
                with gr.Tab(_("tab_3d"), elem_id="tab-3d") as self.tab_3d:
                    self.scene = ThreeDTab()
                    phone_box()
                with gr.Tab(_("tab_views"), elem_id="tab-views") as self.tab_views:
                    self.views = ViewsTab()
                with gr.Tab(_("tab_measure"), elem_id="tab-measure"):
                    self.ruler = MeasureTab()
                    measured, wire_known = known_box(self.known)
                    sparse, wire_sparse = sparse_box(self.known)
                with gr.Tab(_("tab_files"), elem_id="tab-files") as self.tab_files:
                    gr.Markdown(_("files_lead"))
                    self.kinds = _kinds("kinds")
                    with gr.Row():
                        self.make = gr.Button(_("make_files"), elem_id="make-files")
                        self.make_zip = gr.Button(
                            _("make_zip"), variant="primary", elem_id="make-zip"
                        )
                    self.files = gr.File(
                        label=_("files"), file_count="multiple", interactive=False, visible=False,
                        elem_id="files",
                    )  # fmt: skip
            with gr.Column(elem_id="settings-side"):
                self.controls = _settings(studio.model_names())
                profile, wire_profile = profile_box(ProfileHandlers(studio, storage))
        self.boxes = (wire_profile, wire_known, wire_sparse)
        self.controls |= {"photo": photo, "profile": profile, "known_length": kept_by_browser()}
        self.controls |= {"sparse": sparse, "measured": measured}

    def named(self, names: Sequence[str]) -> list[Any]:
        """The controls of these names."""
        return [self.controls[name] for name in names]

    def wire(self, handlers: Handlers, page: gr.Blocks) -> None:
        """Connects the controls with what they do."""
        scene, views, ruler = self.scene, self.views, self.ruler
        reader, space, elsewhere = self.known, self.space, self.elsewhere
        photo, known = self.named(("photo", "known_length"))
        asked, drawing, shown = self.named(PHOTO), self.named(DRAWING), kept_by_browser()
        pictures = [self.view, ruler.picture, views.picture]
        outputs = [*pictures, self.slider, self.summary, known, ruler.scale, shown, self.pinned]
        outputs += [scene.viewer, scene.built, *ruler.results, *views.results, self.files]
        options = {
            "show_progress_on": [*pictures, self.slider],
            "trigger_mode": "always_last",
            **HEAVY,
        }
        arriving = kept_by_browser()
        page.load(
            handlers.first,
            [arriving, *drawing[1:]],
            [*(control for control in drawing if control is not known), *outputs],
            js=static_text("arrive.js"),
            **{**options, "trigger_mode": "once"},
        )
        settings = ("photo", "model", "flip", "colormap", "ranging")
        changes = [control.change for control in self.named(settings)]
        # A number counts when it is finished, not at every key.
        typed = self.named(("resolution", "fov", "intrinsics", "near", "far"))
        changes += [event for box in typed for event in (box.submit, box.blur)]
        showing = (handlers.show, [*drawing, shown], outputs)
        drawn = [gr.on(changes, *showing, **options)]
        self.view.select(reader.pin, asked, self.pinned, show_progress_on=[self.pinned], **HEAVY)
        measured = [*ruler.results, ruler.picture]
        ruler.picture.select(
            reader.measure, asked, measured, show_progress_on=ruler.results[:1], **HEAVY
        )
        length = [*asked, ruler.ends, ruler.metres]
        apply = [ruler.apply.click, ruler.metres.submit]
        calibrated = gr.on(apply, reader.calibrate, length, known, **HEAVY)
        undone = ruler.undo.click(lambda: None, None, known, **PRIVATE)
        used = [event for wire in self.boxes for event in wire(asked)]
        drawn += [done(*showing, **options) for done in (calibrated.success, undone.success, *used)]
        for event in drawn:
            follow(event, photo, shown, outputs, EMPTY)
        in_space = [*asked, *scene.options]
        opened = (scene.build.click, self.tab_3d.select, scene.shape.change)
        with scene.stopping:
            building = stop_button([*opened, scene.ply.click, scene.glb.click], "stop-3d")
        built = gr.on(
            list(opened), space.cloud, [*in_space, scene.built], [scene.viewer, scene.built],
            show_progress_on=[scene.viewer], **_SPACE,
        )  # fmt: skip
        page.load(None, js=static_text("wake_viewer.js"), api_visibility="private")
        for done in drawn:  # an open 3D tab shows the new photo as one that is opened does
            done.then(
                None, scene.built, None, js=static_text("build_again.js"), api_visibility="private"
            )
        files = [
            button.click(
                handler, in_space, scene.delivered, show_progress_on=[scene.viewer], **_SPACE
            )
            for button, handler in ((scene.ply, space.ply), (scene.glb, space.glb))
        ]
        for saved in files:
            save_at_once(saved, scene.delivered)
        building(built, *files)
        placed = views.picture.select(elsewhere.spot, None, views.spot, **PRIVATE)
        rendering = (elsewhere.view, [*asked, *views.options], views.results)
        with self.tab_views:
            making = stop_button([placed.success, views.make.click], "stop-view")
        making(placed.success(*rendering, **_SPACE), views.make.click(*rendering, **_SPACE))
        views.kind.change(
            elsewhere.new_kind,
            views.kind,
            [views.placing, views.picture, views.make, *views.results],
            **PRIVATE,
        )
        saving = [*drawing, self.kinds]
        # What is made is not on the page yet: it is said over what was asked for.
        told = {"show_progress_on": [self.kinds], **_SPACE}
        with self.tab_files:
            writing = stop_button([self.make.click, self.make_zip.click], "stop-files")
        made = self.make.click(handlers.files, saving, self.files, **told)
        zipped = self.make_zip.click(handlers.zipped, saving, scene.delivered, **told)
        save_at_once(zipped, scene.delivered)
        writing(made, zipped)


def _settings(models: list[str]) -> dict[str, Any]:
    """The controls by the names of `app.depth_page.form.DRAWING`."""
    with gr.Accordion(_("settings"), open=True):
        model = gr.Dropdown(
            model_choices(models), value=models[0] if models else None, label=_("model"),
            elem_id="model",
        )  # fmt: skip
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
    return {
        "model": model,
        "resolution": resolution,
        "flip": flip,
        "fov": fov,
        "intrinsics": intrinsics,
        "colormap": colormap,
        "ranging": ranging,
        "near": near,
        "far": far,
    }


def _many_photos(handlers: Handlers, controls: list[Any]) -> None:
    gr.Markdown(_("batch_lead"))
    photos = gr.File(
        label=_("batch_files"), file_count="multiple", elem_id="batch-files"
    )  # of any type: the content decides
    kinds = _kinds("batch-kinds")
    run = gr.Button(_("batch_run"), variant="primary", elem_id="batch-run")
    running = stop_button([run.click], "stop-batch")
    archive = gr.File(label=_("batch_zip"), interactive=False, visible=False, elem_id="batch-zip")
    listing = gr.HTML(elem_id="batch-list")
    inputs = [photos, *controls, kinds]
    ran = run.click(handlers.batch, inputs, [archive, listing], **PRIVATE, **IN_BATCH)
    running(ran)
    cleared_on_failure(ran, [archive, listing], NOTHING_MADE)


def _kinds(name: str) -> gr.CheckboxGroup:
    choices = [(_(f"kind_{kind}"), kind) for kind in OUTPUTS]
    return gr.CheckboxGroup(choices, value=["color", "depth16"], label=_("kinds"), elem_id=name)
