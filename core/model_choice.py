"""Which model suits a photo: indoors or outdoors, told by a line through the encoder's features.

A photo goes through the encoder of the indoor model at a small size (some ten milliseconds); the
mean of its deepest feature and one weight per channel give the probability that the photo was
taken outdoors. `scripts/fit_choice.py` fits the weights; they lie in `checkpoints/auto.json`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from core.camera import Intrinsics
from core.checkpoint import CHECKPOINTS, find_model, load_checkpoint
from core.errors import CheckpointError
from core.image import Photo, decode
from core.imaging.resize import resize_rgb, working_size
from core.prediction import Prediction, normalised
from core.predictor import PhotoSource, Predictor

AUTO = "auto"
TABLE = "auto.json"
HEIGHT = 128  # working rows: enough to tell a room from a street
SURE = 0.9  # a probability between 1 - SURE and SURE is doubtful
MAX_CHANNELS = 8192


@dataclass(frozen=True)
class Choice:
    """The model that was chosen for a photo.

    Attributes:
        model: its name.
        outdoor: probability that the photo was taken outdoors.
    """

    model: str
    outdoor: float

    @property
    def doubtful(self) -> bool:
        """Whether a person should look: both kinds of scene are well possible."""
        return 1 - SURE < self.outdoor < SURE

    def to_dict(self) -> dict[str, Any]:
        """For files and answers over HTTP."""
        return asdict(self) | {"doubtful": self.doubtful}


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
    def models(self) -> tuple[str, str]:
        """The names of the models it chooses from, indoor first."""
        return self.table.indoor, self.table.outdoor

    def __call__(self, rgb: NDArray[np.uint8]) -> Choice:
        """Chooses for a photo, (H, W, 3)."""
        pooled = scene_features(self._encoder, rgb)
        outdoor = torch.sigmoid(pooled @ self._weights + self.table.bias).item()
        model = self.table.outdoor if outdoor > 0.5 else self.table.indoor
        return Choice(model, round(outdoor, 4))


class AutoPredictor:
    """Predicts every photo with the model that suits it, and notes the choice in its settings.

    Args:
        chooser: chooses.
        load: loads a model by its name; each is loaded when the first photo needs it.
    """

    def __init__(self, chooser: ModelChooser, load: Callable[[str], Predictor]) -> None:
        self._chooser = chooser
        self._load = load
        self._loaded: dict[str, Predictor] = {}

    def __call__(
        self,
        image: PhotoSource,
        *,
        resolution: int | None = None,
        flip: bool = False,
        fov: float | None = None,
        intrinsics: Intrinsics | Sequence[float] | None = None,
    ) -> Prediction:
        """Predicts one photo; arguments and errors as in `Predictor.__call__`."""
        photo = image if isinstance(image, Photo) else decode(image)
        choice = self._chooser(photo.rgb)
        if choice.model not in self._loaded:
            self._loaded[choice.model] = self._load(choice.model)
        predict = self._loaded[choice.model]
        prediction = predict(
            photo, resolution=resolution, flip=flip, fov=fov, intrinsics=intrinsics
        )
        return chosen(prediction, choice)


def chosen(prediction: Prediction, choice: Choice) -> Prediction:
    """The prediction with the choice of its model among its settings."""
    return replace(prediction, settings={**prediction.settings, "chosen": choice.to_dict()})


def open_chooser(folder: Path | None = None) -> ModelChooser:
    """Loads what is needed to choose.

    Args:
        folder: of the checkpoints; `checkpoints/` unless given.

    Raises:
        CheckpointError: no table, a damaged one, one that belongs to other weights, or one of the
            two models is missing.
    """
    folder = folder or CHECKPOINTS
    table = _read_table(folder / TABLE)
    indoor = find_model(table.indoor, folder)
    find_model(table.outdoor, folder)
    if indoor.sha256 != table.encoder_sha256 or indoor.path is None:
        raise CheckpointError(
            f"The automatic choice was fitted to the weights {table.encoder_sha256[:12]}..., but "
            f"{table.indoor} has {indoor.sha256[:12]}...; choose a model by hand, or run "
            "scripts/fit_choice.py."
        )
    model = load_checkpoint(indoor.path)[0]
    if model.encoder.channels[0] != len(table.weights):
        raise CheckpointError(
            f"{TABLE} has {len(table.weights)} weights; expected {model.encoder.channels[0]}, one "
            f"per channel of {table.indoor}. Run scripts/fit_choice.py."
        )
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
    """Writes the table as JSON."""
    path.write_text(json.dumps(asdict(table)) + "\n", encoding="utf-8")


def right_share(choices: Sequence[Choice], outdoor: bool) -> dict[str, float]:
    """How often the choice was right, doubtful, and wrong without doubt."""
    right = [(choice.outdoor > 0.5) == outdoor for choice in choices]
    doubt = [choice.doubtful for choice in choices]
    sure_and_wrong = [not r and not d for r, d in zip(right, doubt, strict=True)]
    count = max(1, len(choices))
    return {
        "photos": len(choices),
        "right": round(sum(right) / count, 4),
        "doubtful": round(sum(doubt) / count, 4),
        "wrong_without_doubt": round(sum(sure_and_wrong) / count, 4),
    }


def _read_table(path: Path) -> ChoiceTable:
    try:
        values = json.loads(path.read_bytes())
        return ChoiceTable(**{**values, "weights": tuple(values["weights"])})
    except FileNotFoundError as error:
        raise CheckpointError(
            f"There is no {path.name} beside the models, expected the weights of the automatic "
            "choice; choose a model by hand."
        ) from error
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise CheckpointError(
            f"{path.name} is not usable ({error}); expected what scripts/fit_choice.py writes. "
            "Choose a model by hand, or run it again."
        ) from error
