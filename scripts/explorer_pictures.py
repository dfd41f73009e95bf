"""Takes a picture of every page of the explorer, for docs/explorer.md.

    .venv/bin/python -m scripts.explorer_pictures     # writes docs/images/explorer/PAGE.jpg

Needs playwright and Chromium. The photo is the rendered room, the model the shipped one.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from app import demo
from app.explorer.page_table import PAGES
from benchmarks.explorer import PATIENCE, settle

IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images" / "explorer"
WIDTH, TALLEST, QUALITY = 1280, 1900, 78
PHONE = (390, 1400)


def main() -> int:
    """Writes the pictures; 0."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    server = demo.explorer_page("127.0.0.1", 9346)
    process = demo.start(server, dict(os.environ), subprocess.DEVNULL)
    try:
        while not demo.answers(server):
            time.sleep(0.2)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium") or shutil.which("chromium-browser"),
                args=["--no-sandbox", "--disable-background-networking"],
            )
            page = browser.new_page(viewport={"width": WIDTH, "height": 900})
            page.set_default_timeout(PATIENCE)
            for spec in PAGES:
                if spec.key == "datasets":  # the licences of those photos keep them out of here
                    continue
                page.goto(f"{server.url}/{'' if spec.key == 'start' else spec.key}")
                save(page, spec.key, WIDTH, TALLEST)
            page.goto(f"{server.url}/coarse_to_fine")
            save(page, "phone", *PHONE)
            browser.close()
    finally:
        demo.stop(process)
    return 0


def save(page: Page, name: str, width: int, tallest: int) -> None:
    """One page from its top, as tall as it is up to `tallest` pixels."""
    page.set_viewport_size({"width": width, "height": 900})
    settle(page)
    height = page.evaluate(
        "document.querySelector('[data-testid=stMainBlockContainer]').scrollHeight"
    )
    page.set_viewport_size({"width": width, "height": min(int(height), tallest)})
    settle(page, pause=2500)
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    picture.save(IMAGES / f"{name}.jpg", quality=QUALITY, optimize=True)


if __name__ == "__main__":
    sys.exit(main())
