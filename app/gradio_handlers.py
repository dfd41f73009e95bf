"""What the page's controls do: values of components in, values of components out.

Every function takes raw component values (the events run with preprocess=False, so that no
picture is opened by Gradio in this process) and lets `DepthError` through: the guard turns it into
one sentence.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
from PIL import Image

from app.batch import run_batch
from app.depth_view import packed_depth, sampled, view_value
from app.gradio_html import about_html, listing_html, measured_html
from app.measurement import measure
from app.outputs import cloud_of, first_look, save_outputs
from app.service import Scene, Studio
from app.settings import (
    DisplaySettings,
    PredictSettings,
    cloud_settings,
    display_settings,
    outputs_wanted,
    predict_settings,
    selection,
)
from app.storage import Storage
from app.summary import as_html, display_range
from app.text import language_of, t
from app.timing import TimeLeft
from core.colormap import colorize
from core.errors import ImageError

Update = dict[str, Any]  # what gr.update gives
COMPARED = 1400  # pixels of the longer side of the two pictures under the slider
ON_SCREEN = 120_000  # points, or faces, that the 3D viewer gets
# Pinned point, 3D view, measurement, its numbers, files: what an old photo leaves behind.
_CLEARED = ("", None, "", None, gr.update(value=None, visible=False))


class Handlers:
    """The page's functions over one studio and its storage."""

    def __init__(self, studio: Studio, storage: Storage) -> None:
        self._studio = studio
        self._storage = storage

    def show(
        self,
        photo: Any,
        model: Any,
        resolution: Any,
        flip: Any,
        fov: Any,
        colormap: Any,
        ranging: Any,
        near: Any,
        far: Any,
        shown: Any,
        request: gr.Request,
        progress: gr.Progress = gr.Progress(),  # noqa: B008 - how Gradio finds it
    ) -> tuple[Any, ...]:
        """Photo and settings to both views, slider, summary, what is shown, and `_CLEARED`.

        `shown` is what the last call got: leaving a field without a change must not throw away
        the pins, the 3D view and the files.
        """
        if photo is None:
            return (None, None, None, "", None, *_CLEARED)
        wanted = (photo, model, resolution, flip, fov, colormap, ranging, near, far)
        if wanted == shown:
            return (gr.skip(),) * 10
        lang = language_of(request.headers.get("accept-language"))
        tell = _teller(progress, lang)
        display = chosen_display(colormap, ranging, near, far)
        scene = self._scene(photo, predict_settings(model, resolution, flip, fov), tell)
        tell("progress_draw")
        low, high = display_range(scene, display)
        folder = self._storage.folder(request.session_hash)
        value = self._view(scene, display.colormap, low, high, folder)
        height, width = scene.prediction.depth.shape
        shown = scene.prediction.depth[np.ix_(*sampled(height, width, COMPARED))]
        drawn = folder / "depth.jpg"
        Image.fromarray(colorize(shown, display.colormap, low, high)).save(drawn, quality=92)
        pair = (str(folder / "photo.jpg"), str(drawn))
        return (value, value, pair, as_html(scene, lang), wanted, *_CLEARED)

    def measure(
        self,
        photo: Any,
        model: Any,
        resolution: Any,
        flip: Any,
        fov: Any,
        request: gr.Request,
        event: gr.EventData,
    ) -> tuple[str, dict[str, Any]]:
        """A selection on the picture to a sentence and its numbers."""
        lang = language_of(request.headers.get("accept-language"))
        chosen = selection(event._data.get("points"), event._data.get("box"))
        scene = self._scene(photo, predict_settings(model, resolution, flip, fov))
        result = measure(scene, chosen)
        return measured_html(result, lang), result

    def cloud(
        self,
        photo: Any,
        model: Any,
        resolution: Any,
        flip: Any,
        fov: Any,
        kind: Any,
        edge_filter: Any,
        request: gr.Request,
        progress: gr.Progress = gr.Progress(),  # noqa: B008
    ) -> Update:
        """The photo as a surface or as points, thinned for the screen, as a .glb file."""
        tell = _teller(progress, language_of(request.headers.get("accept-language")))
        scene = self._scene(photo, predict_settings(model, resolution, flip, fov), tell)
        tell("progress_cloud")
        wanted = cloud_settings("glb", edge_filter)
        path = self._storage.folder(request.session_hash) / "scene.glb"
        with self._studio.working():
            cloud = cloud_of(scene, wanted, ON_SCREEN)
            cloud.save(path, surface=kind == "mesh")
        return gr.update(value=str(path), camera_position=first_look(cloud))

    def files(
        self,
        photo: Any,
        model: Any,
        resolution: Any,
        flip: Any,
        fov: Any,
        colormap: Any,
        ranging: Any,
        near: Any,
        far: Any,
        kinds: Any,
        request: gr.Request,
        progress: gr.Progress = gr.Progress(),  # noqa: B008
    ) -> Update:
        """The chosen files of the photo, at its full size."""
        tell = _teller(progress, language_of(request.headers.get("accept-language")))
        display = chosen_display(colormap, ranging, near, far)
        wanted = outputs_wanted(kinds)
        scene = self._scene(photo, predict_settings(model, resolution, flip, fov), tell)
        tell("progress_files")
        folder = self._storage.folder(request.session_hash)
        with self._studio.working():
            saved = save_outputs(scene, display, wanted, folder)
        paths = [str(path) for path in (*saved.files.values(), saved.sidecar)]
        return gr.update(value=paths, visible=True)

    def pin(
        self,
        photo: Any,
        model: Any,
        resolution: Any,
        flip: Any,
        fov: Any,
        request: gr.Request,
        event: gr.EventData,
    ) -> str:
        """A clicked pixel to its depth at full precision and its place in space."""
        settings = (photo, model, resolution, flip, fov)
        return self.measure(*settings, request, event)[0]

    def batch(
        self,
        photos: Any,
        model: Any,
        resolution: Any,
        flip: Any,
        fov: Any,
        colormap: Any,
        ranging: Any,
        near: Any,
        far: Any,
        kinds: Any,
        request: gr.Request,
        progress: gr.Progress = gr.Progress(),  # noqa: B008
    ) -> tuple[Update, str]:
        """Many photos to one zip and a table of what became of each."""
        lang = language_of(request.headers.get("accept-language"))
        display = chosen_display(colormap, ranging, near, far)

        clock = TimeLeft(time.monotonic)

        def step(done: int, total: int) -> None:
            left = clock.words(done, total)
            words = t("studio.progress_batch", lang, done=done, total=total, left=left)
            progress((done, total), desc=words)

        archive, manifest = run_batch(
            self._studio,
            [self._storage.uploaded(photo) for photo in listed(photos)],
            predict_settings(model, resolution, flip, fov),
            display,
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

    def _scene(
        self, photo: Any, settings: PredictSettings, tell: Callable[[str], None] = lambda step: None
    ) -> Scene:
        if photo is None:
            raise ImageError(t("studio.no_photo"))
        return self._studio.scene(self._storage.uploaded(photo), settings, tell)

    def _view(
        self, scene: Scene, colormap: str, near: float, far: float, folder: Path
    ) -> dict[str, Any]:
        packed, geometry = packed_depth(scene.prediction.depth)
        (folder / "depth.bin").write_bytes(packed)
        preview = Image.fromarray(scene.photo.rgb)
        preview.thumbnail((COMPARED, COMPARED), Image.Resampling.BOX, reducing_gap=2.0)
        preview.save(folder / "photo.jpg", quality=90)
        palette = colorize(np.linspace(near, far, 256)[None], colormap, near, far)[0]
        return view_value(folder / "depth.bin", folder / "photo.jpg", geometry, palette, near, far)


def chosen_display(colormap: Any, ranging: Any, near: Any, far: Any) -> DisplaySettings:
    """The two ends count only where the range is fixed: they keep their text when it is not."""
    fixed = ranging == "fixed"
    return display_settings(colormap, near if fixed else None, far if fixed else None)


def listed(photos: Any) -> list[Any]:
    """The uploads of a field that takes several.

    Raises:
        ImageError: there is none.
    """
    uploads: list[Any] = photos if isinstance(photos, list) else [photos]
    if not uploads or uploads == [None]:
        raise ImageError(t("studio.no_photo"))
    return uploads


def _teller(progress: gr.Progress, lang: str) -> Callable[[str], None]:
    shares = {"progress_read": 0.1, "progress_depth": 0.3}

    def tell(step: str) -> None:
        progress(shares.get(step, 0.8), desc=t(f"studio.{step}", lang))

    return tell
