"""Neither page has a serious fault that axe-core finds: contrast, names, roles, keyboard."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from app.explorer.page_table import PAGES
from core.weights.registry import EXAMPLES

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser
READERS = ("en-light", "zh-dark")
# A role that Gradio's empty fields lack.
GRADIO_OWN = ('aria-label="Empty value"', 'aria-label="空"')


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
        if not any(own in node["html"] for own in GRADIO_OWN)
    ]


@pytest.fixture(
    params=[("en-US", "light"), ("zh-CN", "dark")],
    ids=READERS,
)
def reader(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    """A tab as two readers have it."""
    locale, scheme = request.param
    context = browser.new_context(
        viewport={"width": 1280, "height": 900}, locale=locale, color_scheme=scheme
    )
    tab = context.new_page()
    tab.set_default_timeout(60_000)
    yield tab
    context.close()


def test_the_depth_page(studio_url: str, reader: Page) -> None:
    reader.goto(studio_url)
    reader.locator("input[type=file]").first.set_input_files(EXAMPLES / "room.jpg")
    reader.wait_for_selector("#summary .summary")
    assert lasting(reader) == []
    for name in ("compare", "3d", "measure", "views", "files"):
        reader.click(f"#tab-{name}-button")
        reader.wait_for_timeout(500)
        assert lasting(reader) == [], name
    reader.set_viewport_size({"width": 390, "height": 844})
    for name in ("batch", "video", "about"):
        reader.click(f"#tab-{name}-button")
        reader.wait_for_timeout(500)
        assert lasting(reader) == [], name


# The readers share the pages: each looks at every second one, and both at the start.
EXPLORED = ("", *(page.key for page in PAGES[1:]), "levels?tour=1")


def test_the_explorer(explorer_url: str, reader: Page, request: pytest.FixtureRequest) -> None:
    turn = READERS.index(request.node.callspec.id)
    for key in dict.fromkeys(("", *EXPLORED[turn :: len(READERS)])):
        reader.goto(f"{explorer_url}/{key}")
        reader.locator("[data-testid=stApp][data-test-script-state=notRunning] h1").wait_for(
            timeout=120_000  # milliseconds; the machine may be busy
        )
        assert lasting(reader) == [], key
