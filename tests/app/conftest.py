"""Tiny random models and small data sets that the explorer finds."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from app.explorer import cache
from app.explorer.page_scripts.datasets import installed
from tests.app.explorer_app import write_kitti, write_models, write_nyu
from tests.app.visitor import MODELS
from tests.conftest import Visit, visit
from tests.core.pictures import encode, scene
from tests.tiny_checkpoint import save_tiny

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, ViewportSize

WINDOW: ViewportSize = {"width": 1280, "height": 900}
READY = "#view-inspect [data-ready]"  # of the depth page: an example and its depth are shown


@pytest.fixture(scope="session")
def explorer_folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Models for the explorer, and small data sets; nobody changes them."""
    folder = tmp_path_factory.mktemp("models")
    write_models(folder)
    data = tmp_path_factory.mktemp("data")
    write_nyu(data / "nyu" / "val")
    write_kitti(data / "kitti")
    return folder, data


@pytest.fixture(scope="module")
def explorer_models(explorer_folders: tuple[Path, Path]) -> Iterator[Path]:
    """The folder of the models that the explorer finds; small data sets are there as well."""
    folder, data = explorer_folders
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAPDEPTH_MODELS", str(folder))
        patch.setenv("LAPDEPTH_MODEL", "tiny")
        patch.setenv("LAPDEPTH_DATA", str(data))
        for kept in (cache.studio, installed):
            kept.clear()
        yield folder
    for kept in (cache.studio, installed):
        kept.clear()


@pytest.fixture(scope="session")
def second_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of two tiny models."""
    folder = tmp_path_factory.mktemp("two models")
    for seed, name in enumerate(MODELS):
        save_tiny(folder, name=name, seed=seed)
    return folder


@pytest.fixture(scope="session")
def second_url(serve: Callable[..., str], second_models: Path) -> str:
    """A depth page with what the first one lacks: another model, and tools for language models.

    It has little memory for work in three dimensions.
    """
    settings = {"LAPDEPTH_MODELS": str(second_models), "LAPDEPTH_MODEL": MODELS[0]}
    tools = "on" if importlib.util.find_spec("mcp") else "off"
    return serve("gradio", **settings, LAPDEPTH_3D_MB="100", LAPDEPTH_MCP=tools)


@pytest.fixture(scope="module")
def visited(browser: Browser, studio_url: str) -> Iterator[Visit]:
    """The same for tests of a module that go on where another stopped: loading takes longest."""
    with visit(browser, studio_url, READY, viewport=WINDOW) as found:
        yield found


@pytest.fixture
def opened(page: Page, studio_url: str) -> Page:
    """The depth page as a new visitor has it, with an example, for one test alone."""
    page.goto(studio_url)
    page.wait_for_selector(READY)
    return page


@pytest.fixture
def page_with_photo(opened: Page) -> Page:
    """A tab with the depth page and the depth of a photo of 160 x 120 pixels, "mine.png"."""
    page = opened
    picture = encode(Image.fromarray(scene(120, 160)), "PNG")
    file = {"name": "mine.png", "mimeType": "", "buffer": picture}
    page.set_input_files("#photo input[type=file]", file)
    page.wait_for_selector("#summary :text('160 × 120')")
    return page


@pytest.fixture
def reader(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    """A tab of somebody with this language and colour scheme, for whom nothing has to move."""
    locale, scheme = request.param
    context = browser.new_context(
        viewport=WINDOW,
        locale=locale,
        color_scheme=scheme,
        reduced_motion="reduce",
    )
    tab = context.new_page()
    tab.set_default_timeout(60_000)
    yield tab
    context.close()
