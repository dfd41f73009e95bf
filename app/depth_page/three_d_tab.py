"""The 3D tab: the viewer, its files, what is shown, the filters, and the page on a phone.

The page's own address is shown as a QR code, for a phone that is to open it.
"""

from __future__ import annotations

import html
import ipaddress
from typing import Any
from urllib.parse import urlsplit

import gradio as gr

from app.common.translations import t
from app.depth_page.elements import kept_by_browser, typed_number
from app.depth_page.elements import label as _
from app.depth_page.form import language
from core.errors import ConfigError
from core.geometry.three_d import SHAPES

_MOST_LETTERS = 500  # of an address
_ADDRESS = "() => window.location.origin + window.location.pathname"


class ThreeDTab:
    """The viewer and its files, what is shown, and the filters.

    `options` are in the order of `app.depth_page.three_d_handlers.SPACE`; `stopping` is where the
    button belongs that stops the others; `built` is what the view was built of, `delivered` a file
    on its way to the browser's downloads.
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
