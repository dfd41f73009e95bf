"""The page in a real headless Chromium: a photo dropped on it, read with the mouse, measured."""

from __future__ import annotations

import base64
import io
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np
import pytest
from PIL import Image
from plyfile import PlyData

from app.common.blocks import gradio_error
from app.server.app import SESSIONS
from benchmarks.plain_client import PlainClient
from core.errors import ImageError
from core.prediction import Prediction
from core.predictor import load_predictor
from tests.app.conftest import READY, WINDOW
from tests.app.test_stop import SIDEWAYS
from tests.conftest import Visit, visit
from tests.core.pictures import encode, scene

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

WIDTH, HEIGHT = 160, 120
CARRY = """([kind, place, data, name, type]) => {
  const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
  const carried = new DataTransfer();
  carried.items.add(new File([bytes], name, {type}));
  const target = document.querySelector(place);
  if (kind === "paste") {
    const event = new ClipboardEvent("paste", {clipboardData: carried, bubbles: true});
    target.dispatchEvent(event);
    return false;
  }
  const all = ["dragenter", "dragover", "drop"].map(
    (name) => new DragEvent(name, {dataTransfer: carried, bubbles: true, cancelable: true}));
  all.forEach((event) => target.dispatchEvent(event));
  return all[1].defaultPrevented && all[2].defaultPrevented;  // else the browser opens the file
}"""


@pytest.fixture(scope="module")
def picture() -> bytes:
    return encode(Image.fromarray(scene(HEIGHT, WIDTH)), "PNG")


@pytest.fixture(scope="module")
def expected(tiny_models: Path, picture: bytes) -> Prediction:
    return load_predictor(tiny_models / "tiny.safetensors")(picture)


@pytest.fixture(scope="module")
def shown(browser: Browser, studio_url: str, picture: bytes) -> Iterator[Visit]:
    """One page for the tests that only look at a finished result."""
    with visit(browser, studio_url, READY, viewport=WINDOW) as found:
        show(found.page, picture)
        yield found


def tab(visit: Visit, name: str) -> Page:
    """The page with one of its tabs in front."""
    visit.page.click(f"#tab-{name}-button")
    return visit.page


def carry(
    page: Page, data: bytes, kind: str = "drop", place: str = "body", name: str = "room.png",
    as_type: str = "image/png",
) -> bool:  # fmt: skip
    """Drops or pastes a file somewhere on the page; whether the page took the drop for itself."""
    encoded = base64.b64encode(data).decode()
    return bool(page.evaluate(CARRY, [kind, place, encoded, name, as_type]))


def show(page: Page, data: bytes, **how: str) -> None:
    """Gives the page a photo and waits until its depth is there."""
    with shows_another(page):
        carry(page, data, **how)


@contextmanager
def shows_another(page: Page) -> Iterator[None]:
    """Waits until another depth is drawn than before."""
    ready = "document.querySelector('#view-inspect [data-ready]')?.dataset.ready"
    before = page.evaluate(ready)
    yield
    page.wait_for_function(f"before => {ready} && {ready} !== before", arg=before)


def spot(page: Page, view: str, u: int, v: int) -> tuple[float, float]:
    """Where the middle of a photo's pixel is on the screen."""
    canvas = page.locator(f"#view-{view} .dv-canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box is not None
    return box["x"] + (u + 0.5) / WIDTH * box["width"], box["y"] + (v + 0.5) / HEIGHT * box[
        "height"
    ]


def within_screen(page: Page, box: Any) -> bool:
    """Whether something is seen without scrolling."""
    return bool(0 <= box["y"] <= page.viewport_size["height"] - box["height"])


def metres(text: str | None) -> list[float]:
    return [float(number) for number in re.findall(r"(-?\d+\.\d+) m", text or "")]


def test_a_dropped_photo_shows_its_metres_under_the_cursor(
    shown: Visit, expected: Prediction
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


def test_a_click_pins_a_point_and_says_where_it_is(shown: Visit, expected: Prediction) -> None:
    opened = tab(shown, "depth")
    opened.mouse.click(*spot(opened, "inspect", 50, 60))
    opened.wait_for_selector("#pinned .measured")
    told = opened.inner_text("#pinned")
    z = float(expected.depth[60, 50])
    x = (50 - expected.intrinsics.cx) / expected.intrinsics.fx * z
    assert metres(told)[0] == pytest.approx(z, abs=0.0051)
    assert x < 0
    assert f"{-x:.2f} m left" in told


def test_two_clicks_measure_and_a_dragged_box_gives_the_nearest(
    shown: Visit, expected: Prediction
) -> None:
    opened = tab(shown, "measure")
    opened.mouse.click(*spot(opened, "measure", 30, 40))
    opened.mouse.click(*spot(opened, "measure", 120, 90))
    opened.wait_for_selector("#measured .measured")
    ends = [position(expected, 30, 40), position(expected, 120, 90)]
    length = float(np.linalg.norm(ends[0] - ends[1]))
    assert metres(opened.inner_text("#measured"))[0] == pytest.approx(length, abs=0.0051)
    label = opened.locator("#view-measure .dv-length")
    label.wait_for()
    assert metres(label.inner_text())[0] == pytest.approx(length, abs=0.0051)
    for answer in (label, opened.locator("#measured .measured")):  # without scrolling
        assert within_screen(opened, answer.bounding_box())
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
    visited: Visit, picture: bytes, expected: Prediction, studio_url: str
) -> None:
    opened = visited.page
    show(opened, picture)
    opened.click("#tab-measure-button")
    for u, v in ((30, 40), (120, 90)):
        opened.mouse.click(*spot(opened, "measure", u, v))
    opened.wait_for_selector("#measured .measured")
    opened.click("#calibrate > button")
    opened.fill("#true-metres textarea, #true-metres input", "2.5")
    opened.click("#calibrate-apply")
    opened.wait_for_selector("#scale .scale")
    assert opened.locator("#view-measure .dv-pin").count() == 2  # and what is marked stays
    opened.wait_for_function("document.querySelector('#measured').innerText.startsWith('2.50 m')")
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


def test_a_fixed_range_moves_the_colour_bar(shown: Visit) -> None:
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
    visited: Visit, picture: bytes
) -> None:
    opened = tab(visited, "depth")
    carry(opened, b"this is text", name="text.png")
    toast = opened.wait_for_selector(".toast-body, [data-testid=toast-body]")
    assert toast is not None
    assert "is a text file, expected JPEG" in toast.inner_text()
    assert "Traceback" not in opened.content()
    opened.wait_for_selector("#photo .pb-empty:visible")  # no empty picture is left there
    opened.wait_for_timeout(1500)  # emptying the box is no second mistake
    assert opened.locator("text=expected an uploaded file").count() == 0
    show(opened, picture)
    opened.fill("#fov textarea, #fov input", "wide")
    opened.keyboard.press("Enter")
    opened.keyboard.press("Tab")  # which leaves the field
    said = "The setting “Horizontal field of view (degrees)” is 'wide'"
    opened.wait_for_selector(f"text={said}")
    opened.wait_for_timeout(1000)
    assert opened.locator(f"text={said}").count() == 1
    assert opened.locator("#photo .pb-photo:visible").count() == 1  # not what was wrong
    opened.fill("#fov textarea, #fov input", "")
    opened.keyboard.press("Enter")
    assert opened.locator("[data-testid=status-tracker] .error:visible").count() == 0


def test_an_error_s_message_goes_by_itself() -> None:
    duration = gradio_error(ImageError("The photo is dark.")).duration
    assert duration is not None
    assert 5 < duration < 30


def test_a_photo_is_told_by_its_content(visited: Visit, picture: bytes) -> None:
    """Browsers give no type to .HEIC or to a name without an ending; Windows to even fewer."""
    opened = tab(visited, "depth")

    def choose(name: str, data: bytes) -> None:
        file = {"name": name, "mimeType": "", "buffer": data}
        opened.set_input_files("#photo input[type=file]", file)

    for give in (choose, lambda name, data: carry(opened, data, name=name, as_type="")):
        with shows_another(opened):
            give("IMG_0002.HEIC", picture)
        assert opened.inner_text("#photo .pb-say") == ""
        give("damaged.HEIC", picture[:600])
        opened.wait_for_selector("#photo .pb-say:has-text('damaged.HEIC is a PNG picture')")
    opened.wait_for_selector("#view-inspect .dv-empty:visible")  # nothing of the one before
    assert opened.inner_text("#photo .pb-name") == ""
    assert opened.inner_text("#summary") == ""
    why = opened.locator("#photo .pb-say")  # stays when the message has gone
    assert "damaged.HEIC is a PNG picture" in why.inner_text()
    opened.locator("#photo .pb-grid button").first.click()
    opened.wait_for_selector("#view-inspect .dv-canvas:visible")
    assert why.inner_text() == ""


def test_a_photo_comes_from_anywhere_on_the_page(visited: Visit, picture: bytes) -> None:
    opened = tab(visited, "depth")
    assert "This is an example" in opened.inner_text("#photo .pb-name")
    show(opened, picture, kind="paste", name="pasted.png")
    assert opened.inner_text("#photo .pb-name") == "pasted.png"
    assert carry(opened, picture, place="#settings-side", name="dropped.png")
    opened.wait_for_function("document.querySelector('#photo .pb-name').innerText == 'dropped.png'")
    opened.click("#tab-batch-button")
    assert carry(opened, picture, place="#masthead", name="one-of-many.png")
    opened.wait_for_selector("#batch-files tr.file")
    opened.click("#tab-about-button")
    show(opened, picture, kind="paste", name="pasted-again.png")
    opened.wait_for_selector("#tab-photo-button[aria-selected=true]")


def test_the_camera_keeps_the_photo_until_there_is_a_new_one(
    visited: Visit, picture: bytes
) -> None:
    opened = tab(visited, "depth")
    show(opened, picture)
    visited.errors.clear()
    opened.click("#photo .pb-camera")
    opened.wait_for_function("document.querySelector('#photo video').videoWidth > 0")
    opened.click("#photo .pb-close")
    assert opened.locator("#photo .pb-photo:visible").count() == 1
    assert opened.inner_text("#photo .pb-name") == "room.png"
    opened.wait_for_selector("#summary .summary")  # and its results
    with shows_another(opened):
        opened.click("#photo .pb-camera")
        opened.wait_for_function("document.querySelector('#photo video').videoWidth > 0")
        opened.click("#photo .pb-take")
    assert opened.inner_text("#photo .pb-name") == "camera.jpg"
    opened.evaluate("""() => {
      const none = new DOMException("", "NotFoundError");
      navigator.mediaDevices.getUserMedia = async () => { throw none; };
      navigator.mediaDevices.enumerateDevices = async () => [];
    }""")
    opened.click("#photo .pb-camera")
    opened.wait_for_selector("#photo .pb-say:has-text('There is no camera here')")
    opened.click("#tab-video-button")
    opened.locator("#live-camera button:visible").first.click()
    note = opened.wait_for_selector("#camera-note p:has-text('There is no camera here')")
    assert note is not None
    assert within_screen(opened, note.bounding_box())
    assert [error for error in visited.errors if "NotFound" not in error] == []


def test_a_list_closes_when_the_keyboard_goes_on(shown: Visit) -> None:
    opened = shown.page
    opened.focus("#model input")
    opened.wait_for_selector("#model input[aria-expanded=true]")
    for _ in range(2):
        opened.keyboard.press("Tab")
    opened.wait_for_function("!document.querySelector('[role=combobox][aria-expanded=true]')")


def test_the_scene_stands_in_the_3d_view_and_follows_the_photo(
    shown: Visit, picture: bytes, studio_url: str
) -> None:
    with shown.page.expect_response(re.compile(r"scene\.glb")) as loading:
        opened = tab(shown, "3d")  # it builds itself
    assert loading.value.body()[:4] == b"glTF"
    canvas = opened.wait_for_selector("#viewer canvas")
    assert canvas is not None
    assert opened.evaluate("!!document.createElement('canvas').getContext('webgl2')")
    for _ in range(40):  # the viewer says nowhere that it has drawn
        drawn = np.asarray(Image.open(io.BytesIO(canvas.screenshot())).convert("RGB"))
        if spread := drawn.reshape(-1, 3).std(axis=0).max() > 5:
            break
        opened.wait_for_timeout(250)
    assert spread, "the view is empty"
    another = encode(Image.fromarray(scene(HEIGHT, WIDTH + 8)), "PNG")
    for photo in (another, picture):
        with opened.expect_response(re.compile(r"scene\.glb")):
            carry(opened, photo, "paste")
    opened.click("#phone button")
    opened.wait_for_selector("#phone-code p")
    assert studio_url in opened.inner_text("#phone-code")  # no other device can use this address
    assert opened.locator("#phone-code svg").count() == 0
    assert [error for error in shown.errors if "WebGPU" not in error] == []  # for want of a GPU
    assert shown.foreign == []


def test_files_hold_what_their_names_say(shown: Visit, tmp_path: Path) -> None:
    opened = tab(shown, "3d")
    assert opened.is_checked("#shape input[value=surface]")
    with opened.expect_download() as points:
        opened.click("#save-ply")
    assert points.value.suggested_filename == "room.ply"
    points.value.save_as(tmp_path / "points.ply")
    with opened.expect_download() as surface:
        opened.click("#save-glb")
    assert surface.value.suggested_filename == "room.glb"
    tab(shown, "files")
    opened.click("#kinds label:has-text('Points .ply')")
    with opened.expect_download() as everything:
        opened.click("#make-zip")
    everything.value.save_as(tmp_path / "all.zip")
    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        names = ["room_color.png", "room_depth16.png", "room.ply", "room.json"]
        assert archive.namelist() == names
        archive.extract("room.ply", tmp_path)
    for path in (tmp_path / "points.ply", tmp_path / "room.ply"):
        held = PlyData.read(path)
        assert [element.name for element in held.elements] == ["vertex"]
        assert len(held["vertex"]) > 0.5 * WIDTH * HEIGHT


def test_an_object_stands_where_the_photo_is_clicked(shown: Visit, expected: Prediction) -> None:
    opened = tab(shown, "views")
    assert opened.inner_text("#make-view") == "Render the clip"
    opened.click("#view-kind label:has(input[value=object])")
    opened.wait_for_selector("#view-place [data-ready]")
    opened.mouse.click(*spot(opened, "place", 80, 100))
    opened.wait_for_selector("#rendered img")
    opened.wait_for_selector("#view-note:has-text('The object stands')")
    opened.click("#view-kind label:has(input[value=stereo])")
    opened.wait_for_selector("#make-view:has-text('Make the stereo pair')")
    assert opened.locator("#rendered img:visible").count() == 0  # it was another kind's
    assert opened.inner_text("#view-note") == ""


def test_the_page_fits_a_small_screen(shown: Visit) -> None:
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
    page.wait_for_selector("#photo :text('这是一个示例')")
    page.click("#tab-about-button")
    page.set_viewport_size({"width": 390, "height": 844})
    narrowest = (
        "Math.min(...[...document.querySelectorAll('#about td')].map((cell) => cell.offsetWidth))"
    )
    assert page.evaluate(narrowest) > 60  # more than a character a line
    assert page.evaluate(SIDEWAYS, "#about") <= 0
    context.close()
