"""The language and the theme that a reader chooses hold on both pages, and what is shown stays."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from app.common.translations import LANGUAGES, language_for, t

if TYPE_CHECKING:
    from playwright.sync_api import Page

PATIENCE = 120_000  # milliseconds; the machine may be busy
ZH = "zh-CN,zh;q=0.9,en;q=0.5"
CAMERA = {lang: t("summary.camera_numbers", lang) for lang in LANGUAGES}


@pytest.mark.parametrize(
    ("cookie", "spoken", "language"),
    [
        ("", ZH, "zh"),
        ("lapdepth_lang=en", ZH, "en"),
        ("a=b; lapdepth_lang=zh; c=d", "en-GB", "zh"),
        ("lapdepth_lang=fr", "en", "en"),
        ("lapdepth_lang", ZH, "zh"),
        ("\x00=;;", "", "en"),
    ],
)
def test_a_reader_s_choice_comes_before_the_browser_s(
    cookie: str, spoken: str, language: str
) -> None:
    assert language_for({"cookie": cookie, "accept-language": spoken}) == language


def texts_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from texts_in(part)


def test_no_value_of_a_control_is_the_name_of_a_sentence(studio_url: str) -> None:
    """Gradio would translate it, and the page would send "automatic" for the model "auto"."""
    config = httpx.get(f"{studio_url}/config", timeout=60).json()
    names = {name for lang in LANGUAGES for name in config["i18n_translations"][lang]}
    assert len(names) > 100
    for component in config["components"]:
        props = component["props"]
        sent = {*texts_in(props.get("value")), *texts_in(props.get("choices"))}
        assert not sent & names, (component["type"], sent & names)


@pytest.mark.browser
def test_the_model_stays_itself_where_its_list_comes_late(page: Page, studio_url: str) -> None:
    sent: list[str] = []
    page.on("request", lambda asked: "queue/join" in asked.url and sent.append(asked.post_data))
    page.route(
        re.compile(r"/assets/Index-.*\.js"), lambda route: (time.sleep(0.05), route.continue_())
    )
    page.goto(studio_url)
    page.wait_for_selector("#view-inspect [data-ready]")
    assert any('"auto"' in body for body in sent)
    assert not [body for body in sent if '"automatic"' in body]
    assert page.locator("[data-testid=toast-body]").count() == 0


@pytest.mark.browser
def test_language_theme_photo_camera_and_scale_hold_on_both_pages(
    page_with_photo: Page, studio_url: str, explorer_url: str, console_errors: list[str]
) -> None:
    page = page_with_photo
    page.fill("#intrinsics textarea, #intrinsics input", "100, 100, 79.5, 59.5")
    page.keyboard.press("Enter")
    page.wait_for_selector(f"#summary :text('{CAMERA['en']}')")
    is_dark = "document.body.classList.contains('dark')"
    assert not page.evaluate(is_dark)
    page.click("#turn-theme")
    assert page.evaluate(is_dark)
    assert faults(console_errors) == []
    page.click("#to-language")
    page.wait_for_selector(f"#tab-photo-button:text('{t('studio.tab_photo', 'zh')}')")
    console_errors.clear()  # a page that is left says that its streams were cut
    page.wait_for_selector("#summary :text('160 × 120')")
    page.wait_for_selector(f"#summary :text('{CAMERA['zh']}')")
    assert page.inner_text("#photo .pb-name") == "mine.png"
    assert page.evaluate(is_dark)
    assert page.evaluate("document.documentElement.lang") == "zh-CN"
    assert page.url.strip("/") == studio_url
    page.click("#tab-video-button")  # Gradio itself knows this name in English only
    page.wait_for_selector(f"#live-camera :text('{t('gradio.webcam', 'zh')}')")
    assert faults(console_errors) == []
    page.click("#to-explorer")
    page.wait_for_url(f"{explorer_url}/**", timeout=PATIENCE)
    page.get_by_role("heading", name=t("start.title", "zh")).wait_for(timeout=PATIENCE)
    console_errors.clear()
    assert darkness(page) < 60
    side = page.locator("[data-testid=stSidebar]")
    side.get_by_text("mine.png ·").wait_for(timeout=PATIENCE)
    assert "from=" not in page.url
    assert "77.3°" in side.inner_text() or "77°" in side.inner_text()  # 2 atan(80 / 100)
    page.get_by_role("button", name=t("explorer.to_depth", "zh")).click()
    page.wait_for_url(f"{studio_url}/**", timeout=PATIENCE)
    page.wait_for_selector(f"#summary :text('{CAMERA['zh']}')", timeout=PATIENCE)
    assert page.inner_text("#photo .pb-name") == "mine.png"
    assert "from=" not in page.url
    assert page.evaluate(is_dark)
    assert faults(console_errors) == []
    page.goto(f"{explorer_url}/export")
    page.get_by_role("heading", name=t("export.title", "zh")).wait_for(timeout=PATIENCE)
    console_errors.clear()
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
    assert darkness(page) < 60  # the theme is kept for each address there
    page.get_by_role("button", name=t("studio.theme", "zh")).click()
    page.wait_for_function("!document.cookie.includes('dark')", timeout=PATIENCE)
    page.get_by_role("heading", name=t("export.title", "zh")).wait_for(timeout=PATIENCE)
    assert darkness(page) > 200
    page.locator(".st-key-lang button", has_text="English").click()
    page.get_by_role("heading", name=t("export.title", "en")).wait_for(timeout=PATIENCE)
    page.wait_for_function("document.cookie.includes('lapdepth_lang=en')", timeout=PATIENCE)
    page.get_by_role("button", name=t("explorer.to_depth", "en")).click()
    page.wait_for_url(f"{studio_url}/**", timeout=PATIENCE)
    page.wait_for_selector(f"#tab-photo-button:text('{t('studio.tab_photo', 'en')}')")
    assert not page.evaluate(is_dark)
    assert faults(console_errors) == []


def faults(errors: list[str]) -> list[str]:
    """Without files that a browser asks for by itself."""
    return [error for error in errors if "Failed to load" not in error]


def darkness(page: Page) -> int:
    """The brightest part of the background's colour, 0 to 255."""
    app = page.locator("[data-testid=stApp]")
    shown = "app => getComputedStyle(app).backgroundColor.match(/\\d+/g).map(Number)"
    return max(app.evaluate(shown)[:3])
