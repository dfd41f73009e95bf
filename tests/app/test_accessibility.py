"""Neither page has a serious fault that axe-core finds: contrast, names, roles, keyboard."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from core.weights.registry import EXAMPLES

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser
GRADIO_OWN = 'aria-label="Empty value"'  # a role that Gradio's empty fields lack


def lasting(page: Page) -> list[str]:
    """Serious faults that are still there when nothing fades in any more."""
    for _ in range(20):
        if not (found := serious(page)):
            break
        page.wait_for_timeout(1000)
    return found


def serious(page: Page) -> list[str]:
    """What axe-core calls serious or critical, each with the element's beginning."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    return [
        f"{fault['id']}: {node['html'][:120]}"
        for fault in axe.run(page).response["violations"]
        if fault["impact"] in ("serious", "critical")
        for node in fault["nodes"]
        if GRADIO_OWN not in node["html"]
    ]


def test_the_depth_page(studio_url: str, page: Page) -> None:
    page.goto(studio_url)
    page.locator("input[type=file]").first.set_input_files(EXAMPLES / "room.jpg")
    page.locator(".dv-has-depth").wait_for()
    assert lasting(page) == []
    for name in ("3D", "Measure", "Files", "Video"):
        page.get_by_role("tab", name=name, exact=True).click()
        page.wait_for_timeout(500)
        assert lasting(page) == [], name


def test_the_explorer(explorer_url: str, page: Page) -> None:
    for key in ("", "coarse_to_fine", "measure"):
        page.goto(f"{explorer_url}/{key}")
        page.locator("[data-testid=stApp][data-test-script-state=notRunning] h1").wait_for(
            timeout=120_000  # milliseconds; the machine may be busy
        )
        assert lasting(page) == [], key
