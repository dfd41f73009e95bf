"""The models of a run over photos."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from core.checkpoint import find_model
from core.model_choice import AUTO, chooser_for
from core.model_files.model_info import ModelInfo
from core.predictor import AnyPredictor, AutoPredictor, load_model


def models_of_run(
    name: str | None, precision: str = "float32"
) -> tuple[list[ModelInfo], Callable[[], AnyPredictor]]:
    """The models, and what loads them for that precision; without a name the photo chooses.

    Raises:
        CheckpointError: no such model, or the photo cannot choose.
    """
    name, load = name or AUTO, partial(load_model, precision=precision)
    chooser = chooser_for(name)
    if chooser is not None:
        models = [find_model(model) for model in chooser.models]
        return models, lambda: AutoPredictor(chooser, load)
    return [find_model(name)], partial(load, name)
