"""Long work can be stopped: the button is there meanwhile, the page says so, the next call runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from tests.app.conftest import WINDOW
from tests.conftest import Visit
from tests.core.clips import write_clip
from tests.core.pictures import encode, scene
from tests.tiny_checkpoint import picture

if TYPE_CHECKING:
    from playwright.sync_api import FilePayload, Page

pytestmark = pytest.mark.browser
SAID = "Stopped."
SIDEWAYS = """(place) => {
  const box = document.querySelector(place + " .scroll-x");
  return box.scrollWidth - box.clientWidth;
}"""


def png(height: int, width: int) -> bytes:
    return encode(Image.fromarray(scene(height, width)), "PNG")


def sent(name: str, data: bytes) -> FilePayload:
    return {"name": name, "mimeType": "", "buffer": data}


def stop(page: Page, name: str) -> None:
    """Presses the button of this name, which has to be there, and reads what the page says."""
    button = page.locator(f"#stop-{name}")
    button.wait_for()
    button.dispatch_event("click")  # while work goes on the page moves under a pointer
    page.wait_for_selector(f"#stop-{name}-note:has-text('{SAID}')")
    assert page.locator(f"#stop-{name}").is_hidden()


def test_a_clip_is_stopped_the_next_one_runs_and_a_camera_too(
    opened: Page, tmp_path: Path, console_errors: list[str], shot: Callable[[Page, str], None]
) -> None:
    frame = picture(640, 480, 1)
    long = write_clip(tmp_path / "long.mp4", [frame] * 200)
    short = write_clip(tmp_path / "short.mp4", [picture(128, 96, 1)] * 4)
    opened.click("#tab-video-button")
    opened.set_input_files("#video-file input[type=file]", long)
    opened.wait_for_selector("#video-file .file")
    assert opened.locator("#stop-video").is_hidden()
    opened.click("#video-run")
    opened.wait_for_selector("#video-result :text('of 200')")
    stop(opened, "video")
    opened.click("#video-file [aria-label='Clear']")
    opened.set_input_files(
        "#video-file input[type=file]",
        sent("MY CLIP", short.read_bytes()),  # content decides
    )
    opened.wait_for_selector("#video-file .file:has-text('MY CLIP')")
    opened.click("#video-run")
    opened.wait_for_selector("#video-files a[href*='_frames.zip']")
    assert opened.locator("#stop-video-note").is_hidden()
    assert opened.locator("#stop-video").is_hidden()
    assert "4 frames, 0 cuts; flicker 0." in opened.inner_text("#video-told")
    opened.wait_for_function("document.querySelector('#video-result video').videoWidth == 256")
    camera = opened.locator("#live-camera")
    camera.locator("button:visible").first.click()
    camera.locator(".button-wrap button:visible").first.click()
    opened.wait_for_selector("#live-depth img")
    before = opened.get_attribute("#live-depth img", "src")
    opened.wait_for_function(
        "before => document.querySelector('#live-depth img').src != before", arg=before
    )
    assert " m (dark); tiny" in opened.inner_text("#live-depth figcaption")
    shot(opened, "video-tab")
    assert console_errors == []


def test_a_batch_is_stopped_and_the_next_one_comes_back_as_one_zip(visited: Visit) -> None:
    opened = visited.page
    photos = [sent(f"{number}.png", png(768, 1024 + number)) for number in range(6)]
    opened.click("#tab-batch-button")
    opened.set_input_files("#batch-files input[type=file]", photos)
    opened.wait_for_function("document.querySelectorAll('#batch-files tr.file').length == 6")
    opened.click("#batch-run")
    stop(opened, "batch")
    assert opened.locator("#batch-zip a").count() == 0
    opened.click("#batch-files [aria-label='Clear']")
    photos = [sent("a.png", png(120, 160)), sent("b.mpo", b"broken"), sent("c", png(120, 160))]
    opened.set_input_files("#batch-files input[type=file]", photos)
    opened.wait_for_function("document.querySelectorAll('#batch-files tr.file').length == 3")
    opened.click("#batch-run")
    opened.wait_for_selector("#batch-zip a[href*='depth.zip']")
    told = opened.inner_text("#batch-list")
    assert "2 done, 1 failed" in told
    assert "b.mpo" in told
    opened.set_viewport_size({"width": 390, "height": 844})
    assert opened.evaluate(SIDEWAYS, "#batch-list") <= 0  # a phone shows all of it
    opened.set_viewport_size(WINDOW)


def test_the_work_in_3d_has_its_button(visited: Visit) -> None:
    opened = visited.page
    opened.click("#tab-photo-button")
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
