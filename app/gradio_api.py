"""The HTTP endpoints for other programs: /predict, /point_cloud, /measure, /batch.

They belong to no visible control, so the page can change without breaking them. Pictures are
uploaded first (`gradio_client.handle_file`); every other argument may be left out.
"""

from __future__ import annotations

from typing import Any

import gradio as gr

from app.batch import run_batch
from app.gradio_handlers import listed
from app.measurement import measure
from app.outputs import save_cloud, save_outputs, stem_of
from app.service import Studio
from app.settings import (
    DEFAULT_COLORMAP,
    cloud_settings,
    display_settings,
    outputs_wanted,
    predict_settings,
    selection,
)
from app.storage import Storage
from app.summary import as_json, display_range
from core.colormap import COLORMAPS

_MAX_FILES = 500  # photos of one batch


class Endpoints:
    """The functions behind the endpoints; their docstrings are the API page's text."""

    def __init__(self, studio: Studio, storage: Storage) -> None:
        self._studio = studio
        self._storage = storage

    def predict(
        self,
        image: Any,
        model: Any = None,
        resolution: Any = None,
        flip: Any = None,
        colormap: Any = None,
        near: Any = None,
        far: Any = None,
        fov: Any = None,
        request: gr.Request = None,  # type: ignore[assignment]
    ) -> tuple[str, str, dict[str, Any]]:
        """Depth of one photo: a coloured PNG, a 16-bit PNG and a summary.

        The 16-bit PNG holds depth times `png_scale` of the summary, 0 where there is none.
        resolution: working height in pixels; colormap: a name; near, far: ends of the colours in
        metres; fov: horizontal field of view in degrees. What is left out is chosen for you.
        """
        display = display_settings(colormap, near, far, colormaps=COLORMAPS)
        settings = predict_settings(model, resolution, flip, fov)
        scene = self._studio.scene(self._storage.uploaded(image), settings)
        folder = self._storage.folder(request.session_hash)
        with self._studio.working():
            saved = save_outputs(scene, display, ("color", "depth16"), folder)
        summary = as_json(scene, *display_range(scene, display)) | {"png_scale": saved.png_scale}
        return str(saved.files["color"]), str(saved.files["depth16"]), summary
'''
