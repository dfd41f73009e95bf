"""A depth page that runs on a tiny random model, for tests of everything around the network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

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
