"""All maps of a page share one pointer and one zoom, which ask the server nothing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from app.common.translations import t
from app.explorer.inputs import truth_beside
from app.explorer.sidebar import EXAMPLES
from core.data.depth_file import resized_nearest
from tests.app.test_explorer_browser import PATIENCE, PHONE, PHONE_SIZE, settle

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser
READ = """stages => stages.map(stage => {
  const [ring, tip] = [stage.querySelector(".ring"), stage.querySelector(".dv-tip")];
  return [ring.hidden ? "" : ring.style.left + " " + ring.style.top, tip.textContent];
})"""


def opened(page: Page, url: str, key: str) -> None:
    page.goto(f"{url}/{key}")
    settle(page)
    page.locator(".maps[data-ready]").first.wait_for(timeout=PATIENCE)


def point(page: Page, index: int, across: float, down: float) -> None:
    """Moves the mouse to a place of a map."""
    stage = page.locator(".dv-stage").nth(index)
    width, height = stage.evaluate("stage => [stage.clientWidth, stage.clientHeight]")
    stage.hover(position={"x": across * width, "y": down * height})  # waits until it stands still


def read(page: Page) -> list[list[str]]:
    """Place and words of the pointer in every map; empty where it is not."""
    found: list[list[str]] = page.locator(".dv-stage").evaluate_all(READ)
    return found


def number(text: str) -> float:
    return float(re.sub(r"[^\d.-]", "", text.replace("−", "-")))


def test_one_pointer_reads_every_map_and_the_sum_of_its_pixel(
    explorer_url: str, page: Page
) -> None:
    asked: list[Any] = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda data: asked.append(data)))
    opened(page, explorer_url, "coarse_to_fine?g8=0.5&same=0")
    count = page.locator(".dv-stage").count()
    assert count == 4 + 3 * 5  # what one level did and its error, and three rows of five
    asked.clear()
    point(page, 1, 0.3, 0.6)
    first = read(page)
    assert len({place for place, _ in first}) == 1
    assert first[0][0]
    assert all(words for _, words in first)
    point(page, 1, 0.7, 0.2)
    assert read(page)[0][0] != first[0][0]
    assert read(page)[4][1] != first[4][1]
    page.wait_for_timeout(300)
    assert asked == []
    page.mouse.move(5, 5)
    assert {place for place, _ in read(page)} == {""}

    for across, down in ((0.02, 0.02), (0.31, 0.64), (0.98, 0.97)):
        point(page, 1, across, down)
        told = page.locator(".sum").inner_text()
        parts, total, share, scale, metres = re.fullmatch(
            r"(R5 .* R1 [\d.]+) = (.*) → sigmoid ([\d.]+) × ([\d.]+) = ([\d.]+) m", told
        ).groups()  # type: ignore[union-attr]
        terms = [number(part) for part in re.findall(r"[+−]? ?R\d ([\d.]+)", parts)]
        signs = [-1 if "−" in part else 1 for part in re.findall(r"([+−]?) ?R\d", parts)]
        assert len(terms) == 5
        assert sum(s * n for s, n in zip(signs, terms, strict=True)) == pytest.approx(
            float(total), abs=0.004
        )
        assert float(share) * float(scale) == pytest.approx(float(metres), abs=0.006)
        shown = number(read(page)[1][1].removesuffix(" m"))
        assert float(metres) == pytest.approx(shown, abs=0.0101)  # both are rounded
    page.locator("[data-testid=stSlider] input").first.press("ArrowLeft")
    page.wait_for_url(re.compile(r"k=2"), timeout=PATIENCE)
    page.locator("figcaption", has_text="What R2").first.wait_for(timeout=PATIENCE)
    settle(page)
    point(page, 1, 0.31, 0.64)
    told = page.locator(".sum").inner_text()
    assert "R2" in told
    assert "R1" not in told
    assert number(told.split("=")[-1]) == pytest.approx(number(read(page)[1][1]), abs=0.0101)
    page.locator("[data-testid=stButtonGroup] button", has_text="中文").click()
    page.get_by_role("heading", name=t("coarse_to_fine.title", "zh")).wait_for(timeout=PATIENCE)
    page.wait_for_url(re.compile(r"lang=zh"), timeout=PATIENCE)
    assert "k=2" in page.url


def drag(page: Page, key: str, share: float) -> None:
    """Drags a slider to a share of its length and holds it there: the server is told nothing."""
    value = page.locator(f".st-key-{key} [data-testid=stSliderThumbValue]")
    value.scroll_into_view_if_needed()
    x, y, left, width = value.evaluate(
        """value => {
          const [thumb, track] = [value.parentElement, value.parentElement.parentElement]
            .map(part => part.getBoundingClientRect());
          return [thumb.x + thumb.width / 2, thumb.y + thumb.height / 2, track.x, track.width];
        }"""
    )
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(left + share * width, y, steps=4)


def test_levels_and_gains_follow_a_slider_at_once_as_the_server_adds_them(
    explorer_url: str, page: Page
) -> None:
    asked: list[Any] = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda data: asked.append(data)))
    opened(page, explorer_url, "coarse_to_fine?g8=0.5")
    stage, captions = page.locator(".dv-stage").nth(1), page.locator("figcaption")
    stage.focus()
    page.keyboard.press("Shift+ArrowLeft")  # the pointer stays there while the mouse is elsewhere
    truth = truth_beside(EXAMPLES / "room.jpg")
    assert truth is not None

    def told() -> list[str]:
        return [re.sub(" (m|%)$", "", words) for _, words in read(page)]

    def close(words: str, expected: float, within: float = 0.0101) -> bool:
        return abs(number(words) - expected) <= within

    for level in (3, 2, 1, 0, 4):
        asked.clear()
        drag(page, "k", level / 4)
        captions.nth(1).filter(has_text=f"R{5 - level}").wait_for(timeout=PATIENCE)
        words = told()
        assert asked == []
        # Below are the residuals, depths and changes of the five levels.
        assert close(words[1], number(words[9 + level]))
        assert close(words[2], number(words[14 + level]))
        page.mouse.up()
        page.wait_for_timeout(400)
        settle(page)
    size = page.locator("[data-testid=stMetricValue]").first.inner_text()
    width, height = map(int, re.findall(r"\d+", size))
    across, down = (float(n) / 100 for n in re.findall(r"[\d.]+", read(page)[3][0]))
    true = float(resized_nearest(truth, height, width)[int(down * height), int(across * width)])
    assert close(words[3], 100 * abs(number(words[1]) - true) / true, 0.06 + 0.6 / true)

    asked.clear()
    drag(page, "g16", 0.8)
    risen = "() => document.querySelector('.st-key-g16 input').value > 1.4"
    page.wait_for_function(risen, timeout=PATIENCE)
    at_once = told()
    for _ in range(100):  # all levels follow, a moment after the last step of the drag
        if at_once[1] != words[1] and close(at_once[1], number(at_once[13])):
            break
        page.wait_for_timeout(50)
        at_once = told()
    assert asked == []
    assert at_once[1] != words[1]
    assert close(at_once[1], number(at_once[13]))
    assert close(at_once[2], number(at_once[18]))
    page.mouse.up()
    page.wait_for_url(re.compile("g16="), timeout=PATIENCE)
    settle(page)
    answered = told()
    assert close(at_once[1], number(answered[13]))
    assert close(at_once[2], number(answered[18]))


def test_zoom_and_keys_move_all_maps_together(explorer_url: str, page: Page) -> None:
    opened(page, explorer_url, "models")
    zoomed = "layers => layers.map(layer => layer.style.transform)"
    layers, stages = page.locator(".layers"), page.locator(".dv-stage")
    whole = layers.evaluate_all(zoomed)
    point(page, 0, 0.3, 0.3)
    page.mouse.down()
    point(page, 0, 0.6, 0.7)
    page.mouse.up()
    near = layers.evaluate_all(zoomed)
    assert len(set(near)) == 1
    assert near != whole
    page.get_by_role("button", name=t("canvas.whole", "en")).click()
    assert layers.evaluate_all(zoomed) == whole
    stages.nth(2).focus()
    page.keyboard.press("ArrowRight")
    before = read(page)
    page.keyboard.press("Shift+ArrowDown")
    after = read(page)
    assert len({place for place, _ in after}) == 1
    assert before[2] != after[2]
    page.keyboard.press("+")
    assert len(set(layers.evaluate_all(zoomed))) == 1
    assert layers.evaluate_all(zoomed) != whole
    page.keyboard.press("Escape")
    assert layers.evaluate_all(zoomed) == whole


def test_a_finger_points_and_picks_on_a_phone(explorer_url: str, browser: Browser) -> None:
    context = browser.new_context(viewport=PHONE_SIZE, user_agent=PHONE, has_touch=True)
    phone = context.new_page()
    opened(phone, explorer_url, "measure")
    stage = phone.locator(".dv-stage").first
    stage.scroll_into_view_if_needed()
    box = stage.bounding_box()
    assert box is not None
    for name, across, down in (("a", 0.2, 0.3), ("b", 0.7, 0.5)):
        phone.touchscreen.tap(box["x"] + across * box["width"], box["y"] + down * box["height"])
        phone.wait_for_url(re.compile(f"{name}y="), timeout=PATIENCE)
        settle(phone)
        box = stage.bounding_box()
        assert box is not None
    assert phone.locator(".dv-pin").count() == 2
    opened(phone, explorer_url, "")
    phone.locator(".dv-stage").nth(1).tap()
    assert read(phone)[1][1].endswith(" m")
    assert phone.evaluate("document.documentElement.scrollWidth") <= PHONE_SIZE["width"]
    context.close()
