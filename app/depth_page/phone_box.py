"""The page's own address as a QR code, for a phone that is to open it."""

from __future__ import annotations

import html
import ipaddress
from typing import Any
from urllib.parse import urlsplit

import gradio as gr

from app.common.translations import t
from app.depth_page.elements import label as _
from app.depth_page.form import language
from core.errors import ConfigError

_MOST_LETTERS = 500  # of an address
_ADDRESS = "() => window.location.origin + window.location.pathname"


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
    """The QR code of an address, or how to get one where no other device can reach it.

    Raises:
        ConfigError: it is no web address.
    """
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
    """Whether a web address is one that only the machine itself can reach.

    Raises:
        ConfigError: it is no web address.
    """
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
