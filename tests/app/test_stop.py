"""Long work can be stopped: the button is there meanwhile, the page says so, the next call runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from tests.core.clips import write_clip
from tests.core.pictures import encode, scene
from tests.tiny_checkpoint import picture

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser
SAID = "Stopped."


def stop(page: Page, name: str) -> None:
    """Presses the button of this name, which has to be there, and reads what the page says."""
    button = page.locator(f"#stop-{name}")
    button.wait_for()
    button.dispatch_event("click")  # while work goes on the page moves under a pointer
    page.wait_for_selector(f"#stop-{name}-note:has-text('{SAID}')")
    assert page.locator(f"#stop-{name}").is_hidden()


def test_a_clip_is_stopped_and_the_next_one_runs(opened: Page, tmp_path: Path) -> None:
    frame = picture(640, 480, 1)
    long = write_clip(tmp_path / "long.mp4", [frame] * 200)
    short = write_clip(tmp_path / "short.mp4", [frame] * 2)
    opened.click("#tab-video-button")
    opened.set_input_files("#video-file input[type=file]", long)
    opened.wait_for_selector("#video-file .file")
    assert opened.locator("#stop-video").is_hidden()
    opened.click("#video-run")
    opened.wait_for_selector("#video-result :text('of 200')")
    stop(opened, "video")
    opened.click("#video-file [aria-label='Clear']")
    opened.set_input_files("#video-file input[type=file]", short)
    opened.wait_for_selector("#video-file .file:has-text('short')")
    opened.click("#video-run")
    opened.wait_for_selector("#video-files a[href*='_frames.zip']")
    assert opened.locator("#stop-video-note").is_hidden()
    assert opened.locator("#stop-video").is_hidden()


def test_a_batch_is_stopped_and_the_next_one_runs(opened: Page) -> None:
    photos = [
        {"name": f"{number}.png", "mimeType": "", "buffer": encode(Image.fromarray(rgb), "PNG")}
        for number, rgb in enumerate(scene(768, 1024 + number) for number in range(6))
    ]
    opened.click("#tab-batch-button")
    opened.set_input_files("#batch-files input[type=file]", photos)
    opened.wait_for_function("document.querySelectorAll('#batch-files tr.file').length == 6")
    opened.click("#batch-run")
    stop(opened, "batch")
    assert opened.locator("#batch-zip a").count() == 0
    opened.click("#batch-run")
    opened.wait_for_selector("#batch-zip a[href*='depth.zip']")
    assert "6 done" in opened.inner_text("#batch-list")


def test_the_work_in_3d_has_its_button(opened: Page) -> None:
    opened.click("#tab-3d-button")
    opened.wait_for_selector("#viewer canvas")
    opened.click("#shape label:has(input[value=poisson])")
    stop(opened, "3d")
    opened.click("#shape label:has(input[value=points])")
    with opened.expect_response(lambda reply: "scene.glb" in reply.url):
        pass
    with opened.expect_download() as saved:
        opened.click("#save-ply")
    assert saved.value.suggested_filename == "room.ply"
    # Drawn without a graphics card, the 3D view leaves the page no time to hold still.
    opened.dispatch_event("#tab-views-button", "click")
    opened.dispatch_event("#make-view", "click")
    opened.wait_for_selector("#view-note :text('Picture')")  # how many there are, and the time left
    stop(opened, "view")  # a second Stop in one visit
