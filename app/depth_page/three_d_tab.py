"""The 3D tab: its controls and what they do, and the page on a phone.

The page's own address is shown as a QR code, for a phone that is to open it.
"""

from __future__ import annotations

import html
import ipaddress
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import gradio as gr

from app.common.cancellation import geometry_limits
from app.common.checks import missing, number
from app.common.request import space_options
from app.common.saving import first_look, save_outputs
from app.common.translations import t
from app.depth_page.elements import kept_by_browser, typed_number
from app.depth_page.elements import label as _
from app.depth_page.form import PHOTO, PROGRESS, PageHandlers, by_labels, language, teller
from core.errors import ConfigError
from core.files.geometry_process import build_apart
from core.geometry.point_cloud import PointCloud
from core.geometry.three_d import SHAPES, SpaceOptions, save

_MOST_LETTERS = 500  # of an address
_ADDRESS = "() => window.location.origin + window.location.pathname"
ON_SCREEN = 120_000  # points, or faces, that the 3D viewer gets
SPACE = ("shape", "edge_filter", "far", "confidence", "sky", "voxel", "normals", "outliers",
         "faces", "pose")  # fmt: skip


def form_space(values: Sequence[Any]) -> SpaceOptions:
    """What the 3D controls state: voxels in centimetres, faces in thousands."""
    given = dict(zip(SPACE, values, strict=True))
    with by_labels(far="far_limit", shape="cloud_kind"):
        cells = number("voxel", given["voxel"], 0, 1e5, "centimetres")
        thousands = number("faces", given["faces"], 0.1, 1e5, "thousand triangles")
        given["voxel"] = None if cells is None else cells / 100
        given["faces"] = None if thousands is None else 1000 * thousands
        return space_options(**given)


class SpaceHandlers(PageHandlers):
    """The 3D view and its files; a photo's controls come first in each call."""

    def cloud(
        self, request: gr.Request, progress: gr.Progress = PROGRESS, *values: Any
    ) -> tuple[Any, Any]:
        """The photo as points or a surface, thinned for the screen, as a .glb file.

        Values: the photo's controls, those of this tab, and what the view was built of, which is
        the second of the results: it is built again only if something has changed.
        """
        *wanted, built_of = values
        if missing(wanted[0]) or wanted == built_of:
            return gr.skip(), gr.skip()
        tell = teller(progress, language(request))
        photo, space = wanted[: len(PHOTO)], wanted[len(PHOTO) :]
        # The viewer starts at the photo's own place, so it gets the camera's frame.
        options = replace(form_space(space).for_file(".glb").thinned(ON_SCREEN), pose=None)
        result = self._result(photo, tell)
        tell("progress_poisson" if options.shape == "poisson" else "progress_cloud")
        path = self._storage.folder(request.session_hash) / "scene.glb"
        with self._studio.building:
            built = build_apart(result.prediction, result.photo.rgb, options, geometry_limits())
            save(built, path)
        vertices = built.points if isinstance(built, PointCloud) else built.vertices
        return gr.update(value=str(path), camera_position=first_look(vertices)), wanted

    def ply(self, request: gr.Request, progress: gr.Progress = PROGRESS, *values: Any) -> str:
        """The points as a .ply file, filtered as this tab says."""
        return self._file("ply", request, progress, values)

    def glb(self, request: gr.Request, progress: gr.Progress = PROGRESS, *values: Any) -> str:
        """The surface as a .glb file, the smooth one where it is shown."""
        return self._file("glb", request, progress, values)

    def _file(
        self, kind: str, request: gr.Request, progress: gr.Progress, values: Sequence[Any]
    ) -> str:
        tell = teller(progress, language(request))
        photo, (shape, *filters) = values[: len(PHOTO)], values[len(PHOTO) :]
        surface = "poisson" if shape == "poisson" else "surface"
        options = form_space(["points" if kind == "ply" else surface, *filters])
        result = self._result(photo, tell)
        tell("progress_poisson" if options.shape == "poisson" else "progress_files")
        folder = self._storage.folder(request.session_hash)
        with self._studio.building:
            saved = save_outputs(result, (kind,), folder, options)
        return str(saved.files[kind])


class ThreeDTab:
    """The viewer and its files, what is shown, and the filters.

    `options` are in the order of `SPACE`; `stopping` is where the button belongs that stops the
    others; `built` is what the view was built of, `delivered` a file on its way to the browser's
    downloads.
    """

    def __init__(self) -> None:
        self.viewer = gr.Model3D(
            label=_("viewer"), interactive=False, height=520, camera_position=(90, 90, None),
            elem_id="viewer",
        )  # fmt: skip
        with gr.Row():
            self.ply = gr.Button(_("save_ply"), variant="primary", elem_id="save-ply")
            self.glb = gr.Button(_("save_glb"), variant="primary", elem_id="save-glb")
        self.stopping = gr.Column()
        with gr.Row():
            self.shape = gr.Radio(
                [(_(f"shape_{name}"), name) for name in SHAPES],
                value="surface",
                label=_("cloud_kind"),
                elem_id="shape",
            )
            edges = gr.Slider(
                0, 0.2, 0.05, step=0.01, label=_("edge_filter"), info=_("edge_filter_info")
            )
        with gr.Accordion(_("space_more"), open=False, elem_id="space-more"):
            with gr.Row():
                far = typed_number("far_limit", min_width=120)
                voxel = typed_number("voxel", min_width=120)
                faces = typed_number("faces", min_width=120)
            confidence = gr.Slider(
                0, 1, 0, step=0.01, label=_("confidence"), info=_("confidence_info")
            )
            with gr.Row():
                sky = gr.Checkbox(False, label=_("sky"), info=_("sky_info"))
                outliers = gr.Checkbox(False, label=_("outliers"))
                normals = gr.Checkbox(False, label=_("normals"))
            pose = typed_number("pose", info=_("pose_info"))
        self.build = gr.Button(_("build_3d"), elem_id="build-3d")
        filters = [edges, far, confidence, sky, voxel, normals, outliers, faces, pose]
        self.options = [self.shape, *filters]
        self.delivered = gr.File(visible="hidden", interactive=False)
        self.built = kept_by_browser()


def phone_box() -> None:
    """Lays the box out; what is in it is made when it is opened."""
    with gr.Accordion(_("phone"), open=False, elem_id="phone") as box:
        # Only the browser knows by which address the page is reached, past any proxy.
        address = gr.Textbox(visible="hidden")
        shown = gr.HTML(elem_id="phone-code")
    box.expand(None, None, address, js=_ADDRESS, api_visibility="private").then(
        phone_html, address, shown, queue=False, show_progress="hidden",
        api_visibility="private", preprocess=False,
    )  # fmt: skip


def phone_html(request: gr.Request, address: Any) -> str:
    """The QR code of an address, or how to get one where no other device can reach it."""
    lang = language(request)
    local = is_local(address)
    said = html.escape(t("studio.phone_local" if local else "studio.phone_scan", lang,
                         address=address))  # fmt: skip
    if local:
        return f"<p>{said}</p>"
    import segno  # only who opens the box pays for it

    code = segno.make(address, error="m", micro=False).svg_inline(
        scale=5, dark="#000", light="#fff", title=address
    )
    return f"<p>{said}</p>{code}"


def is_local(address: Any) -> bool:
    """Whether a web address is one that only the machine itself can reach."""
    try:
        if not isinstance(address, str) or len(address) > _MOST_LETTERS:
            raise ValueError
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError
    except ValueError:
        raise ConfigError(
            "The page's own address did not arrive, expected one that begins with http: reload "
            "the page and open the box again."
        ) from None
    host = parts.hostname
    try:
        number = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
    return number.is_loopback or number.is_unspecified
