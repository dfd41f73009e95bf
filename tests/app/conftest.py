"""A depth page that runs on a tiny random model, for tests of everything around the network."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.tiny_checkpoint import save_tiny


@pytest.fixture(scope="session")
def studio_url(serve: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of a running depth page whose model is "tiny"."""
    folder = tmp_path_factory.mktemp("models")
    save_tiny(folder)
    return serve("gradio", LAPDEPTH_MODELS=str(folder), LAPDEPTH_MODEL="tiny")
