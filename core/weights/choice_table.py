"""The fitted weights of the automatic choice of a model, and what a choice says of itself.

`core.engines.model_choice` chooses by them; `scripts/fit_choice.py` fits and stores them in
`checkpoints/auto.json`.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from core.atomic import write_atomic
from core.errors import CheckpointError
from core.weights.model_info import check_name

AUTO = "auto"
TABLE = "auto.json"
SURE = 0.9  # a probability between 1 - SURE and SURE is doubtful
MAX_CHANNELS = 8192
FIRST = "lite-indoor"  # of several models, where the photo cannot choose
_DIGEST = "sha256"


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
        return not_chosen(self.model) if self.outdoor is None else None

    def to_dict(self) -> dict[str, Any]:
        """For files and answers over HTTP."""
        note = {} if self.note is None else {"note": self.note}
        return asdict(self) | {"doubtful": self.doubtful} | note


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


def write_table(path: Path, table: ChoiceTable) -> None:
    """Writes the table as JSON, with the digest of its content."""
    values = asdict(table)
    write_atomic(path, (json.dumps({_DIGEST: digest(values), **values}) + "\n").encode())


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


def read_table(path: Path) -> tuple[ChoiceTable, object]:
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
        raise unusable_table(path.name, f"it has no {error}") from error
    except (OSError, ValueError, TypeError, AttributeError, RecursionError, CheckpointError) as e:
        raise unusable_table(path.name, str(e)) from e


def unusable_table(name: str, why: str) -> CheckpointError:
    """The error for a table of this name."""
    return CheckpointError(
        f"{name}, by which a photo chooses its model, is not usable ({why}), expected what "
        "scripts/fit_choice.py writes: choose a model by hand, or restore the file."
    )


def digest(values: Mapping[str, Any]) -> str:
    """Of a table's content, however its file is laid out."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def not_chosen(model: str) -> str:
    """What is said where this model was taken unseen."""
    return (
        f"There is no {TABLE} beside the models, so no photo chose its model: {model} was taken; "
        "name another where it does not suit."
    )
