"""The explorer in a real browser: every page, odd photos, a link, downloads, a phone's width."""

from __future__ import annotations

import base64
import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from app.common.translations import t
from app.explorer.page_table import PAGES
from app.explorer.sidebar import EXAMPLES
from tests.app.test_accessibility import CONTRAST, lasting
from tests.core.pictures import encode
from tests.tiny_checkpoint import picture

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, ViewportSize

pytestmark = pytest.mark.browser
PHONE = (
    "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/130.0.0.0 Mobile Safari/537.36"
)
PHONE_SIZE: ViewportSize = {"width": 390, "height": 844}
PATIENCE = 120_000  # milliseconds; the machine may be busy
# Whether the page kept the file from the browser, which would leave the page for it.
BRING = """([kind, name, data]) => {
  const carried = new DataTransfer();
  const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
  carried.items.add(new File([bytes], name, {type: "image/jpeg"}));
  const event = kind === "paste"
    ? new ClipboardEvent("paste", {clipboardData: carried, bubbles: true, cancelable: true})
    : new DragEvent("drop", {dataTransfer: carried, bubbles: true, cancelable: true});
  document.querySelector("h1").dispatchEvent(event);
  return event.defaultPrevented;
}"""


def jpeg(array: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> bytes:
    return encode(Image.fromarray(array), "JPEG")


def settle(page: Page) -> None:
    """Waits until Streamlit has run and drawn everything that is on the page."""
    page.wait_for_function(
        """() => {
          const app = document.querySelector('[data-testid=stApp]');
          const waiting = '[data-testid=stSkeleton], [data-testid=stSpinner]';
          return app && app.getAttribute('data-test-script-state') === 'notRunning'
            && !document.querySelector(waiting)
            && document.querySelector('h1');
        }""",
        timeout=PATIENCE,
    )
    page.wait_for_timeout(300)


def turn_to(page: Page, key: str) -> None:
    """Follows the menu to a page, as a reader does."""
    title = t(f"{key}.title", "en")
    link = page.locator(".st-key-menu a", has_text=t(f"{key}.menu", "en"))
    link.first.click()
    page.get_by_role("heading", name=title, exact=True).wait_for(timeout=PATIENCE)
    settle(page)


def is_whole(page: Page) -> None:
    """No exception, no error, and every plot has drawn something."""
    assert page.locator("[data-testid=stException]").count() == 0
    assert page.locator("[data-testid=stAlertContentError]").count() == 0
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= page.viewport_size["width"], "the page is wider than the window"


def bring(page: Page, kind: str, rgb: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> None:
    """Gives the page a photo, pasted or dropped anywhere on it, and waits until it is shown."""
    data = base64.b64encode(jpeg(rgb)).decode()
    assert page.evaluate(BRING, [kind, f"{kind}.jpg", data])
    page.locator("[data-testid=stSidebar]").get_by_text(f"{kind}.jpg ·").wait_for(timeout=PATIENCE)
    settle(page)


def the_cloud_is_drawn(page: Page) -> None:
    canvas = page.locator(".js-plotly-plot .gl-container canvas").first
    canvas.wait_for(timeout=PATIENCE)
    for _ in range(20):
        drawn = np.asarray(Image.open(io.BytesIO(canvas.screenshot())).convert("RGB")).astype(int)
        if ((drawn.max(2) - drawn.min(2)) > 40).mean() > 0.01:
            return
        page.wait_for_timeout(500)
    pytest.fail("the view of the cloud is empty")


def test_every_page_shows_a_portrait_photo_dropped_on_it(
    explorer_url: str,
    page: Page,
    console_errors: list[str],
    foreign_requests: list[str],
    shot: Callable[[Page, str], None],
) -> None:
    page.goto(explorer_url)
    settle(page)
    bring(page, "paste", picture(160, 120, 2))
    bring(page, "drop", picture(300, 400, 1))
    for spec in PAGES:
        turn_to(page, spec.key)
        is_whole(page)
        assert lasting(page) == [], spec.key  # accessibility
        assert page.locator(".dv-stage, .js-plotly-plot").count() > 0 or spec.key in (
            "export",
            "compare",
            "datasets",
        )
        if spec.key == "space":
            the_cloud_is_drawn(page)
        shot(page, f"explorer-portrait-{spec.key}")
    assert console_errors == []
    assert foreign_requests == []


@pytest.fixture(scope="module")
def looking(browser: Browser, explorer_url: str) -> Iterator[Page]:
    """A tab with the first example, for tests that turn to a page of it: loading takes longest."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.goto(explorer_url)
    settle(page)
    yield page
    context.close()


def test_figures_and_files_can_be_taken_home(looking: Page, tmp_path: Path) -> None:
    page = looking
    turn_to(page, "start")
    page.get_by_role("button", name=t("explorer.download", "en")).first.click()
    with page.expect_download(timeout=PATIENCE) as started:
        page.get_by_role("button", name=t("explorer.download_data", "en")).click()
    started.value.save_as(tmp_path / "data.npz")
    assert np.load(tmp_path / "data.npz")["depth_m"].ndim == 2
    with page.expect_download(timeout=PATIENCE) as started:
        page.get_by_role("button", name=t("explorer.download_html", "en")).click()
    started.value.save_as(tmp_path / "figures.html")
    with page.expect_download(timeout=PATIENCE) as started:
        page.get_by_role("button", name=t("canvas.save", "en")).first.click()
    started.value.save_as(tmp_path / "maps.png")
    with Image.open(tmp_path / "maps.png") as saved:
        assert saved.format == "PNG"
        colours = saved.convert("RGB").getcolors(1 << 20)
    assert colours is not None
    assert len(colours) > 1000  # photo and map are in it
    home = page.context.new_page()
    home.goto((tmp_path / "figures.html").as_uri())
    depth = home.locator(".dv-stage").nth(1)
    depth.hover()
    assert depth.locator(".dv-tip").inner_text().endswith(" m")
    home.close()


def test_the_report_opens_without_a_network(looking: Page, tmp_path: Path) -> None:
    page = looking
    turn_to(page, "export")
    page.get_by_role("button", name=t("export.make", "en")).click()
    save = page.get_by_role("button", name=t("export.save", "en"))
    save.wait_for(timeout=PATIENCE)
    with page.expect_download(timeout=PATIENCE) as started:
        save.click()
    started.value.save_as(tmp_path / "report.html")
    assert page.context.browser is not None
    alone = page.context.browser.new_context(offline=True)
    tab, asked, errors = alone.new_page(), [], []
    tab.on("request", lambda request: asked.append(request.url))
    tab.on("console", lambda entry: entry.type == "error" and errors.append(entry.text))
    tab.on("pageerror", lambda error: errors.append(str(error)))
    tab.goto((tmp_path / "report.html").as_uri())
    places = tab.locator(".plot")
    count = places.count()
    assert count > 15
    maps = tab.locator(".maps[data-ready] .dv-stage")
    maps.nth(60).wait_for(timeout=PATIENCE)
    maps.nth(60).hover()
    assert tab.locator(".dv-tip:visible").count() > 20  # one pointer in all maps of the photo
    for index in (0, count // 2, count - 1):
        places.nth(index).scroll_into_view_if_needed()
        places.nth(index).locator(".main-svg").first.wait_for(timeout=PATIENCE)
    facts = tab.locator("table").first.inner_text()
    assert "AbsRel" in facts  # the example brings measured depth along
    assert "None" not in facts
    assert t("start.begin", "en") not in tab.content()
    alone.close()
    assert {url.split(":")[0] for url in asked} <= {"file", "data", "blob"}
    assert errors == []


def test_points_clicked_on_the_photo_are_measured_and_saved(looking: Page, tmp_path: Path) -> None:
    page = looking
    turn_to(page, "measure")
    area = page.locator(".dv-stage").first
    area.scroll_into_view_if_needed()
    box = area.bounding_box()
    assert box is not None
    with Image.open(EXAMPLES / "room.jpg") as photo:
        width, height = photo.size
    for name, across, down in (("a", 0.2, 0.3), ("b", 0.7, 0.5)):
        x, y = box["x"] + box["width"] * across, box["y"] + box["height"] * down
        page.mouse.move(x, y)
        page.mouse.click(x, y)
        page.wait_for_url(re.compile(f"{name}y="), timeout=PATIENCE)
        settle(page)
    pixels = {name: int(number) for name, number in re.findall(r"\b([ab][xy])=(\d+)", page.url)}
    near = 0.006 * width
    wanted = {"ax": 0.2 * width, "ay": 0.3 * height, "bx": 0.7 * width, "by": 0.5 * height}
    assert pixels == pytest.approx(wanted, abs=near)
    shown = page.locator("[data-testid=stMetricValue]").first.inner_text()
    with page.expect_download(timeout=PATIENCE) as started:
        page.get_by_role("button", name=t("measure.json", "en")).first.click()
    started.value.save_as(tmp_path / "measured.json")
    saved = json.loads((tmp_path / "measured.json").read_text())
    assert [point["pixel"] for point in saved["points"]] == [
        [pixels["ax"], pixels["ay"]], [pixels["bx"], pixels["by"]],
    ]  # fmt: skip
    assert shown.startswith(f"{saved['distance']:.2f}")
    with page.expect_download(timeout=PATIENCE) as started:
        page.get_by_role("button", name=t("measure.csv", "en")).first.click()
    started.value.save_as(tmp_path / "measured.csv")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "measured.csv").read_text())))
    (row,) = (row for row in rows if row["kind"] == "distance")
    assert float(row["distance"]) == pytest.approx(saved["distance"])


def test_a_phone_in_the_dark_drops_a_photo_on_the_first_page(
    explorer_url: str, browser: Browser, shot: Callable[[Page, str], None]
) -> None:
    context = browser.new_context(viewport=PHONE_SIZE, user_agent=PHONE, color_scheme="dark")
    phone = context.new_page()
    phone.goto(explorer_url)
    settle(phone)
    background = phone.locator("[data-testid=stApp]").evaluate(
        "app => getComputedStyle(app).backgroundColor.match(/\\d+/g).map(Number)"
    )
    assert max(background) < 60
    field = phone.locator("[data-testid=stMain] [data-testid=stFileUploaderDropzone]")
    field.scroll_into_view_if_needed()
    top = field.bounding_box()
    assert top is not None
    assert top["y"] < 300  # above the title
    field.locator("input").set_input_files(
        {
            "name": "own.jpg",
            "mimeType": "image/jpeg",
            "buffer": jpeg(picture(90, 120, 1)),
        }
    )
    phone.wait_for_url(re.compile("own=1"), timeout=PATIENCE)
    settle(phone)
    is_whole(phone)
    assert phone.get_by_text(t("start.begin", "en")).count() == 0
    shot(phone, "explorer-phone-dark")
    phone.reload()
    settle(phone)
    phone.get_by_text(t("explorer.photo_gone", "en")).wait_for(timeout=PATIENCE)
    context.close()


@pytest.mark.parametrize("reader", [("zh-CN", "dark")], indirect=True)
def test_pages_open_quietly_by_their_address_and_fit_a_dark_phone(
    explorer_url: str, reader: Page
) -> None:
    errors: list[str] = []
    reader.on("console", lambda entry: entry.type == "error" and errors.append(entry.text))
    reader.on("pageerror", lambda error: errors.append(str(error)))
    pages = dict.fromkeys(("space", *(page.key for page in PAGES[1::2])), CONTRAST)
    for key, rules in {"levels?tour=1": {}, "": {}, **pages}.items():
        reader.goto(f"{explorer_url}/{key}")
        settle(reader)
        is_whole(reader)
        assert lasting(reader, rules) == [], key
        reader.set_viewport_size(PHONE_SIZE)
    assert errors == []
