"""The page in a real headless Chromium: a photo dropped on it, read with the mouse, measured."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np
import pytest
from PIL import Image

from app.server.app import SESSIONS
from benchmarks.plain_client import PlainClient
from core.prediction import Prediction
from core.predictor import load_predictor
from tests.core.pictures import encode, scene

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

WIDTH, HEIGHT = 160, 120
DROP = """([data, name, type]) => {
  const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
  const carried = new DataTransfer();
  carried.items.add(new File([bytes], name, {type}));
  const target = document.querySelector("#photo .upload-container");
  for (const kind of ["dragenter", "dragover", "drop"])
    target.dispatchEvent(new DragEvent(kind, {dataTransfer: carried, bubbles: true}));
}"""


@pytest.fixture(scope="module")
def picture() -> bytes:
    return encode(Image.fromarray(scene(HEIGHT, WIDTH)), "PNG")


@pytest.fixture(scope="module")
def expected(tiny_models: Path, picture: bytes) -> Prediction:
    return load_predictor(tiny_models / "tiny.safetensors")(picture)


@pytest.fixture
def opened(page: Page, studio_url: str) -> Page:
    page.goto(studio_url)
    page.wait_for_selector("#photo input[type=file]", state="attached")
    return page


@dataclass(frozen=True)
class Shown:
    """A page with a photo on it, and what it complained about or asked for elsewhere since."""

    page: Page
    errors: list[str]
    foreign: list[str]


@pytest.fixture(scope="module")
def shown(browser: Browser, studio_url: str, picture: bytes) -> Iterator[Shown]:
    """One page for the tests that only look at a finished result: loading takes longest."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(60_000)
    found = Shown(page, [], [])
    page.on("console", lambda entry: entry.type == "error" and found.errors.append(entry.text))
    page.on("pageerror", lambda error: found.errors.append(str(error)))
    local = re.compile(rf"(data|blob):|{re.escape(studio_url)}")
    page.on("request", lambda r: local.match(r.url) or found.foreign.append(r.url))
    page.goto(studio_url)
    page.wait_for_selector("#photo input[type=file]", state="attached")
    assert "depth appears here" in page.inner_text("#view-inspect .dv-empty")
    drop(page, picture)
    page.wait_for_selector("#view-inspect [data-ready]")
    yield found
    context.close()


def tab(shown: Shown, name: str) -> Page:
    """The page with one of its tabs in front."""
    shown.page.click(f"#tab-{name}-button")
    return shown.page


def drop(page: Page, data: bytes, name: str = "room.png", kind: str = "image/png") -> None:
    page.evaluate(DROP, [base64.b64encode(data).decode(), name, kind])


def show(page: Page, data: bytes) -> None:
    drop(page, data)
    page.wait_for_selector("#view-inspect [data-ready]")


def spot(page: Page, view: str, u: int, v: int) -> tuple[float, float]:
    """Where the middle of a photo's pixel is on the screen."""
    canvas = page.locator(f"#view-{view} .dv-canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box is not None
    return box["x"] + (u + 0.5) / WIDTH * box["width"], box["y"] + (v + 0.5) / HEIGHT * box[
        "height"
    ]


def metres(text: str | None) -> list[float]:
    return [float(number) for number in re.findall(r"(-?\d+\.\d+) m", text or "")]


def test_a_dropped_photo_shows_its_metres_under_the_cursor(
    shown: Shown, expected: Prediction
) -> None:
    opened = tab(shown, "depth")
    for u, v in ((20, 30), (140, 100), (80, 10)):
        opened.mouse.move(*spot(opened, "inspect", u, v))
        readout = opened.inner_text("#view-inspect .dv-readout")
        assert f"x {u}, y {v}" in readout
        assert metres(readout) == [pytest.approx(expected.depth[v, u], abs=0.0051)]
        assert metres(opened.inner_text("#view-inspect .dv-tip")) == metres(readout)
    summary = opened.inner_text("#summary")
    assert "tiny – metric" in summary
    assert "assumed" in summary
    low, high = float(expected.depth.min()), float(expected.depth.max())
    assert metres(summary)[:2] == pytest.approx([low, high], abs=0.0051)
    assert opened.inner_text("#view-inspect .dv-ticks").endswith(" m")
    assert "tab_" not in opened.inner_text("body")  # a label without its sentence
    assert shown.errors == []
    assert shown.foreign == []


def test_a_click_pins_a_point_and_says_where_it_is(shown: Shown, expected: Prediction) -> None:
    opened = tab(shown, "depth")
    opened.mouse.click(*spot(opened, "inspect", 50, 60))
    opened.wait_for_selector("#pinned .measured")
    told = opened.inner_text("#pinned")
    z = float(expected.depth[60, 50])
    x = (50 - expected.intrinsics.cx) / expected.intrinsics.fx * z
    assert metres(told)[0] == pytest.approx(z, abs=0.0051)
    assert f"{x:+.2f} m right" in told


def test_two_clicks_measure_and_a_dragged_box_gives_the_nearest(
    shown: Shown, expected: Prediction
) -> None:
    opened = tab(shown, "measure")
    opened.mouse.click(*spot(opened, "measure", 30, 40))
    opened.mouse.click(*spot(opened, "measure", 120, 90))
    opened.wait_for_selector("#measured .measured")
    ends = [position(expected, 30, 40), position(expected, 120, 90)]
    length = float(np.linalg.norm(ends[0] - ends[1]))
    assert metres(opened.inner_text("#measured"))[0] == pytest.approx(length, abs=0.0051)
    opened.click("#view-measure [data-tool=box]")
    opened.mouse.move(*spot(opened, "measure", 40, 30))
    opened.mouse.down()
    opened.mouse.move(*spot(opened, "measure", 90, 80), steps=3)
    opened.mouse.up()
    opened.wait_for_function("document.querySelector('#measured').innerText.includes('nearest')")
    nearest, median = metres(opened.inner_text("#measured"))[:2]
    inside = expected.depth[30:80, 40:90]
    assert median == pytest.approx(np.median(inside), abs=0.0051)
    assert inside.min() - 0.0051 <= nearest <= median


def test_a_known_length_holds_whatever_others_do_and_can_be_undone(
    opened: Page, picture: bytes, expected: Prediction, studio_url: str
) -> None:
    show(opened, picture)
    opened.click("#tab-measure-button")
    for u, v in ((30, 40), (120, 90)):
        opened.mouse.click(*spot(opened, "measure", u, v))
    opened.wait_for_selector("#measured .measured")
    opened.click("#calibrate > button")
    opened.fill("#true-metres textarea, #true-metres input", "2.5")
    opened.click("#calibrate-apply")
    opened.wait_for_selector("#scale .scale")
    ends = [position(expected, 30, 40), position(expected, 120, 90)]
    factor = 2.5 / float(np.linalg.norm(ends[0] - ends[1]))
    assert f"×{factor:.3f}" in opened.inner_text("#scale")
    opened.mouse.move(*spot(opened, "measure", 80, 10))
    told = metres(opened.inner_text("#view-measure .dv-readout"))
    assert told == [pytest.approx(factor * float(expected.depth[10, 80]), abs=0.0051)]
    others = PlainClient(studio_url)
    with others.http:
        for _ in range(SESSIONS + 4):
            assert others.call("predict", [None] * 8)[0] == "error"  # a session of its own
    opened.click("#tab-files-button")
    opened.click("#make-files")
    url = opened.wait_for_selector("#files a[href*=depth16]").get_attribute("href")
    depth = np.asarray(Image.open(httpx.get(url, timeout=30)))
    np.testing.assert_allclose(depth / 1000, factor * expected.depth, atol=0.0011)
    opened.click("#tab-measure-button")
    opened.click("#calibrate-undo")
    opened.wait_for_selector("#scale .scale", state="detached")


def position(prediction: Prediction, u: int, v: int) -> Any:
    camera, z = prediction.intrinsics, float(prediction.depth[v, u])
    return np.array([(u - camera.cx) / camera.fx * z, (v - camera.cy) / camera.fy * z, z])


def test_a_fixed_range_moves_the_colour_bar(shown: Shown) -> None:
    opened = tab(shown, "depth")
    opened.click("#range label:has(input[value=fixed])")
    for name, value in (("near", "0"), ("far", "50")):
        opened.fill(f"#{name} textarea, #{name} input", value)
        opened.keyboard.press("Enter")
    opened.wait_for_function(
        "document.querySelector('#view-inspect .dv-ticks').innerText.includes('50 m')"
    )
    ticks = opened.inner_text("#view-inspect .dv-ticks").replace(" m", "").split()
    assert ticks == ["0", "10", "20", "30", "40", "50"]


def test_a_file_that_is_no_picture_gets_a_sentence_and_the_page_goes_on(
    opened: Page, picture: bytes
) -> None:
    drop(opened, b"this is text", "text.png")
    toast = opened.wait_for_selector(".toast-body, [data-testid=toast-body]")
    assert toast is not None
    assert "is a text file, expected JPEG" in toast.inner_text()
    assert "Traceback" not in opened.content()
    opened.wait_for_selector("#photo img", state="detached")  # no empty picture is left there
    show(opened, picture)
    opened.fill("#fov textarea, #fov input", "wide")
    opened.keyboard.press("Enter")
    opened.wait_for_selector("text=The setting fov is 'wide'")
    opened.wait_for_timeout(500)
    assert opened.locator("#photo img").count() == 1  # the photo was not what was wrong


@pytest.mark.parametrize("chosen", [False, True])
def test_a_photo_is_told_by_its_content(opened: Page, picture: bytes, chosen: bool) -> None:
    """Browsers give no type to .HEIC or to a name without an ending; Windows to even fewer."""

    def give(name: str, data: bytes) -> None:
        if not chosen:
            drop(opened, data, name, "")
            return
        file = {"name": name, "mimeType": "", "buffer": data}
        opened.set_input_files("#photo input[type=file]", file)

    give("IMG_0002.HEIC", picture)
    opened.wait_for_selector("#view-inspect [data-ready]")
    if chosen:  # a box with a photo in it offers no chooser
        opened.click("#photo [aria-label='Remove Image']")
        opened.wait_for_selector("#photo img", state="detached")
    give("damaged.HEIC", picture[:600])
    opened.wait_for_selector("text=damaged.HEIC is a PNG picture")
    opened.wait_for_selector("#photo img", state="detached")
    opened.wait_for_selector("#view-inspect .dv-empty:visible")  # and nothing of the one before
    assert opened.inner_text("#summary") == ""


def test_the_scene_stands_in_the_3d_view(shown: Shown) -> None:
    opened = tab(shown, "3d")
    with opened.expect_response(re.compile(r"scene\.glb")) as loading:
        opened.click("#build-3d")
    assert loading.value.body()[:4] == b"glTF"
    canvas = opened.wait_for_selector("#viewer canvas")
    assert canvas is not None
    assert opened.evaluate("!!document.createElement('canvas').getContext('webgl2')")
    opened.wait_for_timeout(4000)  # the viewer says nowhere that it has drawn
    drawn = np.asarray(Image.open(io.BytesIO(canvas.screenshot())).convert("RGB"))
    assert drawn.reshape(-1, 3).std(axis=0).max() > 5


def test_several_photos_come_back_as_one_zip(opened: Page, picture: bytes) -> None:
    opened.click("#tab-batch-button")
    photos = [
        {"name": name, "mimeType": "", "buffer": data}
        for name, data in (("a.png", picture), ("b.mpo", b"broken"), ("c", picture))
    ]
    opened.set_input_files("#batch-files input[type=file]", photos)
    opened.wait_for_function("document.querySelectorAll('#batch-files tr.file').length == 3")
    opened.click("#batch-run")
    opened.wait_for_selector("#batch-zip a[href*='depth.zip']")
    told = opened.inner_text("#batch-list")
    assert "2 done, 1 failed" in told
    assert "b.mpo" in told


def test_the_page_fits_a_small_screen(shown: Shown) -> None:
    opened = tab(shown, "depth")
    for width in (360, 820):
        opened.set_viewport_size({"width": width, "height": 800})
        assert opened.evaluate("document.documentElement.scrollWidth") <= width
        box = opened.locator("#view-inspect .dv-canvas").bounding_box()
        assert box is not None
        assert box["width"] > 0.5 * width
    opened.set_viewport_size({"width": 1280, "height": 900})


def test_a_chinese_browser_gets_chinese(browser: Browser, studio_url: str) -> None:
    context = browser.new_context(locale="zh-CN")
    page = context.new_page()
    page.goto(studio_url)
    page.wait_for_selector("text=单张照片")
    assert "选择一张照片" in page.inner_text("#view-inspect .dv-empty")
    context.close()
