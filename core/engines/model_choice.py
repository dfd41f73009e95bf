"""The automatic choice of a photo's model: a linear classifier tells indoors from outdoors.

A photo goes through the encoder of the indoor model at a small size (some ten milliseconds); the
mean of its deepest feature and one weight per channel give the probability that the photo was
taken outdoors.

`automatic` is what "auto" means, everywhere. Where `auto.json` is damaged, lacks something or
belongs to other models, it is an error; where there is none at all, one model takes every photo,
and each choice says so.
"""

from __future__ import annotations

import logging
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.engines import Engine, open_engine
from core.errors import CheckpointError
from core.images.numpy_pyramid import sigmoid
from core.images.resize import resize_rgb, working_size
from core.weights.checkpoint import find_model, models_folder, scan_models
from core.weights.choice_table import (
    AUTO,
    FIRST,
    TABLE,
    Choice,
    ChoiceTable,
    digest,
    not_chosen,
    read_table,
    unusable_table,
)
from core.weights.model_info import ModelInfo
from core.weights.network_input import normalised

HEIGHT = 128  # working rows: enough to tell a room from a street

logger = logging.getLogger(__name__)


class ModelChooser:
    """Chooses between two installed models; safe to call from several threads at once.

    Args:
        engine: of the indoor model.

    Attributes:
        models: names of those it chooses from, indoor first.
        key: what its choices depend on beside the photo, for whoever remembers them.
    """

    def __init__(self, table: ChoiceTable, engine: Engine) -> None:
        self.table = table
        self.models = table.indoor, table.outdoor
        self.key = digest(asdict(table))
        self._engine = engine
        self._weights = np.array(table.weights, np.float32)

    def __call__(self, rgb: NDArray[np.uint8]) -> Choice:
        """Chooses for a photo, (H, W, 3)."""
        pooled = scene_features(self._engine, rgb)
        outdoor = float(sigmoid(pooled @ self._weights + np.float32(self.table.bias)))
        model = self.table.outdoor if outdoor > 0.5 else self.table.indoor
        return Choice(model, round(outdoor, 4))


class NoChooser:
    """Takes one model for every photo, where the weights to choose by are not installed.

    Args:
        model: its name.
    """

    def __init__(self, model: str) -> None:
        self.models = (model,)
        self.key = ""

    def __call__(self, rgb: NDArray[np.uint8]) -> Choice:  # noqa: ARG002 - nothing is seen
        """That model, whatever the photo (H, W, 3) shows."""
        return Choice(self.models[0], None)


Chooser = ModelChooser | NoChooser


def automatic(folder: Path | None = None) -> Chooser:
    """What chooses a photo's model where none is named, the same for every page and command.

    Args:
        folder: of the checkpoints; `core.weights.checkpoint.models_folder()` unless given.

    Raises:
        CheckpointError: the weights of the choice are damaged, incomplete or belong to other
            models, a model that they choose from cannot be used, or no model is installed.
    """
    folder = folder or models_folder()
    if (folder / TABLE).exists() or (folder / TABLE).is_symlink():
        return open_chooser(folder)
    installed = scan_models(folder)
    names = [info.name for info in installed.models]
    if not names:
        why = installed.broken[0].problem if installed.broken else f"{folder} holds none"
        raise CheckpointError(
            f"There is no model to use ({why}), expected at least one: restore the checkpoints, "
            "or name the path of one."
        )
    model = FIRST if FIRST in names else names[0]
    logger.warning("%s", not_chosen(model))
    return NoChooser(model)


def chooser_for(name: str | None) -> Chooser | None:
    """`automatic`, or None where a model is named.

    Args:
        name: of a model; None, empty and "auto" name none.

    Raises:
        CheckpointError: as `automatic`.
    """
    return None if name and name != AUTO else automatic()


def open_chooser(folder: Path | None = None) -> ModelChooser:
    """Loads what is needed to choose by the photo.

    Args:
        folder: as for `automatic`.

    Raises:
        CheckpointError: no table, a damaged one, one that belongs to other weights, or one of the
            two models cannot be used.
    """
    folder = folder or models_folder()
    table, stated = read_table(folder / TABLE)
    indoor, _ = _model(table.indoor, folder), _model(table.outdoor, folder)
    if indoor.sha256 != table.encoder_sha256:
        raise CheckpointError(
            f"The automatic choice was fitted to the weights {table.encoder_sha256[:12]}..., but "
            f"{table.indoor} has {indoor.sha256[:12]}..., expected the two to belong together: "
            "choose a model by hand, or run scripts/fit_choice.py."
        )
    engine = open_engine(indoor)
    channels = len(scene_features(engine, np.zeros((HEIGHT, HEIGHT, 3), np.uint8)))
    if channels != len(table.weights):
        raise CheckpointError(
            f"{TABLE} has {len(table.weights)} weights, expected {channels}, one "
            f"per channel of {table.indoor}: choose a model by hand, or run scripts/fit_choice.py."
        )
    if stated != digest(asdict(table)):
        raise unusable_table(TABLE, "its content does not have the SHA-256 that it states")
    return ModelChooser(table, engine)


def scene_features(engine: Engine, rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The mean of the encoder's deepest feature over a photo (H, W, 3): (channels,)."""
    height, width = rgb.shape[:2]
    return engine.scene(normalised(*resize_rgb(rgb, working_size((width, height), HEIGHT))))


def _model(name: str, folder: Path) -> ModelInfo:
    try:
        return find_model(name, folder)
    except CheckpointError as error:
        raise CheckpointError(
            f"The automatic choice needs the model {name!r}, which cannot be used: {error}"
        ) from error
