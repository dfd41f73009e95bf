"""A depth page that runs on a tiny random model, for tests of everything around the network."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.explorer import cache
from app.explorer.page_scripts.datasets import installed
from tests.app.explorer_app import write_kitti, write_models, write_nyu
from tests.tiny_checkpoint import save_tiny


@pytest.fixture(scope="session")
def tiny_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of checkpoints that holds one: "tiny"."""
    folder = tmp_path_factory.mktemp("models")
    save_tiny(folder)
    return folder


@pytest.fixture(scope="session")
def studio_url(serve: Callable[..., str], tiny_models: Path) -> str:
    """The address of a running depth page whose model is "tiny"."""
    return serve("gradio", LAPDEPTH_MODELS=str(tiny_models))


@pytest.fixture(scope="module")
def explorer_models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of the models that the explorer finds; small data sets are there as well."""
    folder = tmp_path_factory.mktemp("models")
    write_models(folder)
    data = tmp_path_factory.mktemp("data")
    write_nyu(data / "nyu" / "val")
    write_kitti(data / "kitti")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAPDEPTH_MODELS", str(folder))
        patch.setenv("LAPDEPTH_MODEL", "tiny")
        patch.setenv("LAPDEPTH_DATA", str(data))
        for kept in (cache.studio, installed):
            kept.clear()
        yield folder
    for kept in (cache.studio, installed):
        kept.clear()
