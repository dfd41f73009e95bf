"""Which model suits a photo: indoors or outdoors, told by a line through the encoder's features.

A photo goes through the encoder of the indoor model at a small size (some ten milliseconds); the
mean of its deepest feature and one weight per channel give the probability that the photo was
taken outdoors. `scripts/fit_choice.py` fits the weights; they lie in `checkpoints/auto.json`.

`automatic` is what "auto" means, everywhere. Where that file is damaged, lacks something or belongs
to other models, it is an error; where there is none at all, one model takes every photo, and each
choice says so.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from core.atomic import write_atomic
from core.errors import CheckpointError
from core.images.resize import resize_rgb, working_size
from core.model.encoders.base import normalised
from core.weights.checkpoint import find_model, load_checkpoint, models_folder, scan_models
from core.weights.model_info import ModelInfo, check_name

AUTO = "auto"
TABLE = "auto.json"
HEIGHT = 128  # working rows: enough to tell a room from a street
SURE = 0.9  # a probability between 1 - SURE and SURE is doubtful
MAX_CHANNELS = 8192
FIRST = "lite-indoor"  # of several models, where the photo cannot choose
_DIGEST = "sha256"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Choice:
    """The model that was chosen for a photo.

    Attributes:
        model: its name.
        outdoor: probability that the photo was taken outdoors; None where no photo chooses, since
            the weights for it are not installed.
    """

    model: str
    outdoor: float | None

    @property
    def doubtful(self) -> bool:
        """Whether a person should look: both kinds of scene are well possible, or none was seen."""
        return self.outdoor is None or 1 - SURE < self.outdoor < SURE

    @property
    def note(self) -> str | None:
        """What has to be said where the photo did not choose."""
        return _not_chosen(self.model) if self.outdoor is None else None

    def to_dict(self) -> dict[str, Any]:
        """For files and answers over HTTP."""
        note = {} if self.note is None else {"note": self.note}
        return asdict(self) | {"doubtful": self.doubtful} | note


class Chooser(Protocol):
    """Chooses the model of a photo.

    Attributes:
        models: names of those it chooses from.
        key: what its choices depend on beside the photo, for whoever remembers them.
    """

    @property
    def models(self) -> tuple[str, ...]: ...

    @property
    def key(self) -> str: ...

    def __call__(self, rgb: NDArray[np.uint8]) -> Choice: ...


@dataclass(frozen=True)
class ChoiceTable:
    """What `auto.json` holds.

    Attributes:
        indoor, outdoor: names of the models to choose from.
        encoder_sha256: of the indoor model's file, whose encoder the weights belong to.
        weights: one per channel of the encoder's deepest feature; bias: added to their sum.
        measured: share of right choices by set of photos, and how it was measured.
    """

    indoor: str
    outdoor: str
    encoder_sha256: str
    weights: tuple[float, ...]
    bias: float
    measured: dict[str, Any]

    def __post_init__(self) -> None:
        names = (self.indoor, self.outdoor, self.encoder_sha256)
        numbers = (*self.weights, self.bias)
        fits = all(isinstance(name, str) for name in names) and 0 < len(numbers) <= MAX_CHANNELS
        if not fits or not all(
            isinstance(n, int | float) and math.isfinite(n) and abs(n) < 1e6 for n in numbers
        ):
            raise TypeError("names must be texts, weights and bias finite numbers")
        if check_name(self.indoor) == check_name(self.outdoor):
            raise ValueError(f"both models are {self.indoor!r}")


class ModelChooser:
    """Chooses between two installed models; safe to call from several threads at once.

    Args:
        table: the fitted weights.
        encoder: of the indoor model.
    """

    def __init__(self, table: ChoiceTable, encoder: nn.Module) -> None:
        self.table = table
        self._encoder = encoder.eval()
        self._weights = torch.tensor(table.weights)

    @property
    def models(self) -> tuple[str, ...]:
        """The names of the models it chooses from, indoor first."""
        return self.table.indoor, self.table.outdoor

    @property
    def key(self) -> str:
        """The digest of its weights."""
        return _digest(asdict(self.table))

    def __call__(self, rgb: NDArray[np.uint8]) -> Choice:
        """Chooses for a photo, (H, W, 3)."""
        pooled = scene_features(self._encoder, rgb)
        outdoor = torch.sigmoid(pooled @ self._weights + self.table.bias).item()
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
    logger.warning("%s", _not_chosen(model))
    return NoChooser(model)


def chooser_for(name: str | None, folder: Path | None = None) -> Chooser | None:
    """`automatic`, or None where a model is named.

    Args:
        name: of a model; None, empty and "auto" name none.
        folder: as for `automatic`.

    Raises:
        CheckpointError: as `automatic`.
    """
    return None if name and name != AUTO else automatic(folder)


def open_chooser(folder: Path | None = None) -> ModelChooser:
    """Loads what is needed to choose by the photo.

    Args:
        folder: as for `automatic`.

    Raises:
        CheckpointError: no table, a damaged one, one that belongs to other weights, or one of the
            two models cannot be used.
    """
    folder = folder or models_folder()
    table, stated = _read_table(folder / TABLE)
    indoor, _ = _model(table.indoor, folder), _model(table.outdoor, folder)
    if indoor.sha256 != table.encoder_sha256 or indoor.path is None:
        raise CheckpointError(
            f"The automatic choice was fitted to the weights {table.encoder_sha256[:12]}..., but "
            f"{table.indoor} has {indoor.sha256[:12]}..., expected the two to belong together: "
            "choose a model by hand, or run scripts/fit_choice.py."
        )
    model = load_checkpoint(indoor.path)[0]
    if model.encoder.channels[0] != len(table.weights):
        raise CheckpointError(
            f"{TABLE} has {len(table.weights)} weights, expected {model.encoder.channels[0]}, one "
            f"per channel of {table.indoor}: choose a model by hand, or run scripts/fit_choice.py."
        )
    if stated != _digest(asdict(table)):
        raise _unusable(TABLE, "its content does not have the SHA-256 that it states")
    return ModelChooser(table, model.encoder)


@torch.inference_mode()
def scene_features(encoder: nn.Module, rgb: NDArray[np.uint8]) -> Tensor:
    """The mean of the encoder's deepest feature over a photo (H, W, 3): (channels,)."""
    height, width = rgb.shape[:2]
    size = working_size((width, height), HEIGHT)
    image = normalised(resize_rgb(torch.from_numpy(np.require(rgb, np.uint8, ("C", "W"))), size))
    deepest: Tensor = encoder(image)[0]
    return deepest.mean((2, 3))[0].clone()


def write_table(path: Path, table: ChoiceTable) -> None:
    """Writes the table as JSON, with the digest of its content."""
    values = asdict(table)
    write_atomic(path, (json.dumps({_DIGEST: _digest(values), **values}) + "\n").encode())


def right_share(choices: Sequence[Choice], outdoor: bool) -> dict[str, float]:
    """How often the choice was right, doubtful, and wrong without doubt."""
    right = [((choice.outdoor or 0.0) > 0.5) == outdoor for choice in choices]
    doubt = [choice.doubtful for choice in choices]
    sure_and_wrong = [not r and not d for r, d in zip(right, doubt, strict=True)]
    count = max(1, len(choices))
    return {
        "photos": len(choices),
        "right": round(sum(right) / count, 4),
        "doubtful": round(sum(doubt) / count, 4),
        "wrong_without_doubt": round(sum(sure_and_wrong) / count, 4),
    }


def _model(name: str, folder: Path) -> ModelInfo:
    try:
        return find_model(name, folder)
    except CheckpointError as error:
        raise CheckpointError(
            f"The automatic choice needs the model {name!r}, which cannot be used: {error}"
        ) from error


def _read_table(path: Path) -> tuple[ChoiceTable, object]:
    """The table, and the digest that it states."""
    try:
        values = json.loads(path.read_bytes())
        stated = values.pop(_DIGEST)
        return ChoiceTable(**{**values, "weights": tuple(values["weights"])}), stated
    except FileNotFoundError as error:
        raise CheckpointError(
            f"There is no {path.name} beside the models, expected the weights of the automatic "
            "choice: choose a model by hand, or restore the file."
        ) from error
    except KeyError as error:
        raise _unusable(path.name, f"it has no {error}") from error
    except (OSError, ValueError, TypeError, AttributeError, RecursionError, CheckpointError) as e:
        raise _unusable(path.name, str(e)) from e


def _unusable(name: str, why: str) -> CheckpointError:
    return CheckpointError(
        f"{name}, by which a photo chooses its model, is not usable ({why}), expected what "
        "scripts/fit_choice.py writes: choose a model by hand, or restore the file."
    )


def _digest(values: Mapping[str, Any]) -> str:
    """Of a table's content, however its file is laid out."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def _not_chosen(model: str) -> str:
    return (
        f"There is no {TABLE} beside the models, so no photo chose its model: {model} was taken; "
        "name another where it does not suit."
    )
