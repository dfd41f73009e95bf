"""Tiny random models and small data sets that the explorer finds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.explorer import cache
from app.explorer.page_scripts.datasets import installed
from tests.app.explorer_app import write_kitti, write_models, write_nyu


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
