"""What a checkpoint says about itself: stored as JSON in the header of its safetensors file."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from core.errors import CheckpointError, ConfigError
from core.model.config import ModelConfig
from core.weights.confidence import ErrorModel

FORMAT_VERSION = 1
MIN_WORKING_HEIGHT, MAX_WORKING_HEIGHT, STRIDE = 96, 4096, 16
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9_-])?")
# registry.json and auto.json lie in the same folder as the models' NAME.json.
_RESERVED_NAMES = ("auto", "registry")


@dataclass(frozen=True)
class TrainingCamera:
    """The camera behind the training pictures, in pixels at `width` x `height`."""

    width: int
    height: int
    fx: float
    fy: float

    def __post_init__(self) -> None:
        values = (self.width, self.height, self.fx, self.fy)
        if not all(_is_number(value) and value > 0 for value in values):
            raise ConfigError(
                f"The training camera is {values}; expected a positive width, height, fx and fy "
                "in pixels."
            )


@dataclass(frozen=True, kw_only=True)
class ModelInfo:
    """A model, as lists, pages and sidecars show it.

    Attributes:
        name: the file's name without its ending; empty until it is saved.
        path: the file; None until it is saved.
        sha256: of the whole file; empty until it is saved.
        config: what builds the network.
        working_height: the network's input height in pixels that it was trained for.
        supervised_levels: whether the coarse levels' depth was trained too, not the finest alone.
        camera: of the training pictures.
        licence: of the weights.
        training_data: what they were trained on.
        provenance: where they come from, label -> text; "origin" is always there.
        published: metrics that the weights' authors state, and where.
        measured: metrics measured with this program, by data set, with the command that gave them.
        error_model: what the confidence is read from; None where the model has none.

    Raises:
        ConfigError: a working height that is no multiple of 16 in range, or no origin.
    """

    name: str = ""
    path: Path | None = None
    sha256: str = ""
    config: ModelConfig
    working_height: int
    supervised_levels: bool
    camera: TrainingCamera
    licence: str
    training_data: str
    provenance: Mapping[str, str]
    published: Mapping[str, Any] = field(default_factory=dict)
    measured: Mapping[str, Any] = field(default_factory=dict)
    error_model: ErrorModel | None = None

    def __post_init__(self) -> None:
        height = self.working_height
        if not MIN_WORKING_HEIGHT <= height <= MAX_WORKING_HEIGHT or height % STRIDE:
            raise ConfigError(
                f"The working height is {height}; expected a multiple of {STRIDE} from "
                f"{MIN_WORKING_HEIGHT} to {MAX_WORKING_HEIGHT} pixels."
            )
        if not self.provenance.get("origin"):
            raise ConfigError("The provenance has no 'origin'; say where the weights come from.")

    @property
    def file(self) -> Path:
        """`path`, of a model that was found or saved."""
        assert self.path is not None  # noqa: S101 - it is asked of no other
        return self.path

    def saved_as(self, path: Path, sha256: str) -> ModelInfo:
        """The same information, of the file at `path`."""
        return replace(self, name=path.stem, path=path, sha256=sha256)

    def to_json(self) -> str:
        """What goes into the file's header: all but name, path and hash.

        Raises:
            CheckpointError: a metric that JSON cannot hold, NaN for instance.
        """
        values = asdict(self)
        for key in ("name", "path", "sha256"):
            del values[key]
        try:
            # Every model is metric; earlier versions of this program ask for the entry.
            about = {"version": FORMAT_VERSION, "metric": True}
            return json.dumps(about | values, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise CheckpointError(
                f"The model's information cannot be stored ({error}); expected finite numbers, "
                "texts, lists and tables. Correct the metrics or the provenance."
            ) from error

    @classmethod
    def from_json(cls, text: str) -> ModelInfo:
        """Reads what `to_json` wrote.

        Raises:
            CheckpointError: not JSON, a missing or wrongly typed entry, or a newer version.
        """
        try:
            values = json.loads(text)
            if not isinstance(values, dict) or values.get("version") != FORMAT_VERSION:
                version = values.get("version") if isinstance(values, dict) else None
                raise CheckpointError(
                    f"The model's information has version {version!r}, expected {FORMAT_VERSION}. "
                    "It may come from a newer version of this program; update it."
                )
            if values.get("metric") is False:
                raise ValueError("its depth is no metric depth, which is all that is served here")
            errors = values.get("error_model")
            return cls(
                config=ModelConfig.from_dict(_take(values, "config", dict)),
                working_height=_take(values, "working_height", int),
                supervised_levels=_take(values, "supervised_levels", bool),
                camera=TrainingCamera(**_take(values, "camera", dict)),
                licence=_take(values, "licence", str),
                training_data=_take(values, "training_data", str),
                provenance={k: str(v) for k, v in _take(values, "provenance", dict).items()},
                published=_take(values, "published", dict),
                measured=_take(values, "measured", dict),
                error_model=None if errors is None else ErrorModel.from_dict(errors),
            )
        except (ValueError, TypeError, RecursionError, ConfigError) as error:
            raise CheckpointError(
                f"The model's information is not usable ({error}); expected what this program "
                "writes. Get the file again, or convert it again."
            ) from error


def check_name(name: str) -> str:
    """Returns a model name that is safe as a file name.

    Raises:
        CheckpointError: separators, a leading dot, odd characters, a reserved word, over 64 long.
    """
    if not _NAME.fullmatch(name) or ".." in name or name.lower() in _RESERVED_NAMES:
        raise CheckpointError(
            f"The model name {name!r} cannot be used; expected 1 to 64 letters, digits, '-', '_' "
            f"or '.', starting with a letter or digit, and none of {_RESERVED_NAMES}."
        )
    return name


def _take(values: Mapping[str, Any], key: str, kind: type) -> Any:
    value = values.get(key)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise TypeError(f"{key} is {value!r}, expected {kind.__name__}")
    return value


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def facts(info: ModelInfo) -> dict[str, Any]:
    """All but the error model's tables, JSON-ready; the file's name without its folder."""
    about: dict[str, Any] = json.loads(info.to_json())
    file = info.path.name if info.path else None
    own = {"name": info.name, "file": file, "sha256": info.sha256}
    about["confidence"] = about.pop("error_model") is not None
    return own | {"max_depth": info.config.max_depth} | about


def card(info: ModelInfo) -> str:
    """A few lines of text for a terminal."""
    config = info.config
    about = f"up to {config.max_depth:g} m, {config.encoder}"
    lines = [
        f"{info.name}  ({about}, works at {info.working_height} px)",
        f"  licence   {info.licence}",
        f"  trained   {info.training_data}",
        *(f"  {key:<8}  {value}" for key, value in info.provenance.items()),
    ]
    for label, metrics in (("measured", info.measured), ("published", info.published)):
        lines += [f"  {label:<9} {name}: {_figures(value)}" for name, value in metrics.items()]
    return "\n".join([*lines, f"  sha256    {info.sha256}"])


def _figures(value: object) -> str:
    if not isinstance(value, dict):
        return str(value)
    return ", ".join(f"{key} {_figures(inner)}" for key, inner in value.items())
