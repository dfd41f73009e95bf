"""Both pages in a real browser: they load, complain of nothing, and ask no other machine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

SETTLE_MS = 3000


@pytest.mark.parametrize("fixture", ["gradio_url", "explorer_url"])
def test_loads_quietly_and_from_this_machine_alone(
    fixture: str,
    request: pytest.FixtureRequest,
    page: Page,
    console_errors: list[str],
    foreign_requests: list[str],
    shot: Callable[[Page, str], Path],
) -> None:
    page.goto(request.getfixturevalue(fixture))
    page.locator("h1:visible, h2:visible").first.wait_for()
    page.wait_for_timeout(SETTLE_MS)  # Gradio's heartbeat stays open, so the network is never idle
    assert shot(page, f"{fixture}-first-look").stat().st_size > 10_000
    assert foreign_requests == []
    assert console_errors == []
