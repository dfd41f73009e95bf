"""The models of a run over photos."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from core.checkpoint import find_model
from core.errors import CheckpointError
from core.model_choice import AUTO, AutoPredictor, ModelChooser, open_chooser
from core.model_files.model_info import ModelInfo
from core.predictor import AnyPredictor, load_predictor

DEFAULT_MODEL = "lite-indoor"  # where the photo cannot choose


def models_of_run(
    name: str | None, precision: str = "float32"
) -> tuple[list[ModelInfo], Callable[[], AnyPredictor]]:
    """The models, and what loads them for that precision; without a name the photo chooses.

    Raises:
        CheckpointError: no such model.
    """
    chooser, load = chooser_of_run(name), partial(load_predictor, precision=precision)
    if chooser is not None:
        pair = [find_model(model) for model in chooser.models]
        return pair, lambda: AutoPredictor(chooser, load)
    info = find_model(name or DEFAULT_MODEL)
    return [info], partial(load, name or DEFAULT_MODEL)


def chooser_of_run(name: str | None) -> ModelChooser | None:
    """What chooses the model by the photo; None where one is named, or the photo cannot choose.

    Raises:
        CheckpointError: the photo is to choose ("auto") and cannot.
    """
    if name not in (None, AUTO):
        return None
    try:
        return open_chooser()
    except CheckpointError:
        if name == AUTO:
            raise
        return None
