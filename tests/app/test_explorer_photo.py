"""The explorer takes a photo that is pasted, or dropped anywhere, and says what becomes of it."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from tests.core.pictures import encode, scene

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser
PATIENCE = 120_000  # milliseconds; the machine may be busy
# Whether the page kept the file from the browser, which would leave the page for it.
BRING = """([kind, name, data]) => {
  const carried = new DataTransfer();
  const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
  carried.items.add(new File([bytes], name, {type: "image/png"}));
  const event = kind === "paste"
    ? new ClipboardEvent("paste", {clipboardData: carried, bubbles: true, cancelable: true})
    : new DragEvent("drop", {dataTransfer: carried, bubbles: true, cancelable: true});
  document.querySelector("h1").dispatchEvent(event);
  return event.defaultPrevented;
}"""


def test_a_photo_pasted_or_dropped_anywhere_is_shown(explorer_url: str, page: Page) -> None:
    page.goto(explorer_url)
    field = ".st-key-photo_file input[type=file]"
    page.wait_for_selector(field, state="attached", timeout=PATIENCE)
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for(
        timeout=PATIENCE
    )
    side = page.locator("[data-testid=stSidebar]")
    for number, kind in enumerate(("paste", "drop")):
        picture = encode(Image.fromarray(scene(120, 160 + number)), "PNG")
        name = f"{kind}.png"
        assert page.evaluate(BRING, [kind, name, base64.b64encode(picture).decode()])
        side.get_by_text(f"{name} ·").wait_for(timeout=PATIENCE)
