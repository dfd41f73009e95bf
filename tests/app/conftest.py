"""Tiny random models and small data sets that the explorer finds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from app.explorer import cache
from app.explorer.page_scripts.datasets import installed
from tests.app.explorer_app import write_kitti, write_models, write_nyu
from tests.core.pictures import encode, scene

if TYPE_CHECKING:
    from playwright.sync_api import Page


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


@pytest.fixture
def opened(page: Page, studio_url: str) -> Page:
    """The depth page as a new visitor has it: with an example."""
    page.goto(studio_url)
    page.wait_for_selector("#view-inspect [data-ready]")
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
