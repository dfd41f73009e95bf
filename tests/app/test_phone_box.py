"""The page's address as a QR code: right, and only where another device can use it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from app.depth_page.three_d_tab import is_local, phone_html
from core.errors import ConfigError

REQUEST: Any = SimpleNamespace(headers={"accept-language": "en"})


@pytest.mark.parametrize(
    ("address", "local"),
    [
        ("http://127.0.0.1:7860/", True),
        ("http://127.1.2.3:7860/", True),
        ("http://localhost:7860/", True),
        ("http://studio.localhost/", True),
        ("http://[::1]:7860/", True),
        ("http://0.0.0.0:7860/", True),
        ("http://192.168.1.20:7860/", False),
        ("http://[fd00::20]:7860/", False),
        ("https://depth.example.org/studio/", False),
    ],
)
def test_which_addresses_another_device_can_use(address: str, local: bool) -> None:
    assert is_local(address) == local
    assert ("<svg" in phone_html(REQUEST, address)) != local
    assert ("HOST=0.0.0.0" in phone_html(REQUEST, address)) == local


@pytest.mark.parametrize(
    "address", [None, 3, "", "javascript:alert(1)", "http://", "http://[", "http://x/" + "y" * 600]
)
def test_what_is_no_address_is_refused(address: Any) -> None:
    with pytest.raises(ConfigError, match="own address did not arrive"):
        phone_html(REQUEST, address)


def test_an_address_is_never_markup() -> None:
    assert "<script" not in phone_html(REQUEST, "http://x/<script>alert(1)</script>")
