"""The depth page has no serious fault that axe-core finds: contrast, names, roles, keyboard.

The explorer's pages are looked at in `test_explorer_browser.py`, which opens them anyhow. What
structure has is the same in every language and theme.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from core.weights.registry import EXAMPLES

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser
# A role that Gradio's empty fields lack.
GRADIO_OWN = ('aria-label="Empty value"', 'aria-label="空"')
CONTRAST = {"runOnly": ["color-contrast"]}
# What passed is not listed, and no film is loaded for the one (moderate) rule about its sound.
FAULTS_ALONE = {"resultTypes": ["violations"], "preload": False}


def lasting(page: Page, rules: dict[str, Any] | None = None) -> list[str]:
    """Serious faults that are still there when nothing fades in any more."""
    for _ in range(20):
        if not (found := serious(page, rules or {})):
            break
        page.wait_for_timeout(1000)
    return found


def serious(page: Page, rules: dict[str, Any]) -> list[str]:
    """What axe-core calls serious or critical, each with the element's beginning."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    return [
        f"{fault['id']}: {node['html'][:120]}"
        for fault in axe.run(page, options=FAULTS_ALONE | rules).response["violations"]
        if fault["impact"] in ("serious", "critical")
        for node in fault["nodes"]
        if not any(own in node["html"] for own in GRADIO_OWN)
    ]


@pytest.mark.parametrize(
    ("reader", "rules"),
    [(("en-US", "light"), {}), (("zh-CN", "dark"), CONTRAST)],
    indirect=["reader"],
    ids=["en-light", "zh-dark"],
)
def test_the_depth_page(studio_url: str, reader: Page, rules: dict[str, Any]) -> None:
    reader.goto(studio_url)
    reader.locator("input[type=file]").first.set_input_files(EXAMPLES / "room.jpg")
    reader.wait_for_selector("#summary .summary")
    assert lasting(reader, rules) == []
    for name in ("compare", "3d", "measure", "views", "files"):
        reader.click(f"#tab-{name}-button")
        reader.wait_for_timeout(500)
        assert lasting(reader, rules) == [], name
    reader.set_viewport_size({"width": 390, "height": 844})
    for name in ("batch", "video", "about"):
        reader.click(f"#tab-{name}-button")
        reader.wait_for_timeout(500)
        assert lasting(reader, rules) == [], name
