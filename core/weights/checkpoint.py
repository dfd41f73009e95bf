"""Checkpoints: safetensors files that carry their configuration, listed, loaded and saved.

A shipped model's SHA-256 is pinned in `checkpoints/registry.json`, an imported one's in the
`NAME.json` beside it; a file that does not have its pinned hash is refused.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, deserialize

from core.atomic import write_atomic
from core.errors import CheckpointError, ConfigError
from core.model.config import ModelConfig
from core.weights.model_info import ModelInfo, check_name
from core.weights.registry import (
    file_sha256,
    known_sha256,
    named_folder,
    pinned_sha256,
    read_bytes,
    read_metadata,
    shipped,
    unusable,
)

if TYPE_CHECKING:  # PyTorch is only loaded where a network is built or stored
    from torch import Tensor, nn

    from core.model.lapdepth import LapDepth

CHECKPOINTS = shipped("checkpoints")
SUFFIX = ".safetensors"
METADATA_KEY = "lapdepth"
_TYPES = {"F32": "<f4", "F16": "<f2", "BF16": "<u2", "I64": "<i8"}

logger = logging.getLogger(__name__)


def models_folder() -> Path:
    """Where models are looked for by name: LAPDEPTH_MODELS if set, else the shipped ones' folder.

    Raises:
        CheckpointError: LAPDEPTH_MODELS is no folder.
    """
    return named_folder() or CHECKPOINTS


@dataclass(frozen=True)
class BrokenModel:
    """A file among the checkpoints that cannot be used, and why, in one sentence or two."""

    path: Path
    problem: str


@dataclass(frozen=True)
class Installed:
    """What a folder of checkpoints holds, by name."""

    models: list[ModelInfo]
    broken: list[BrokenModel]


def scan_models(folder: Path | None = None) -> Installed:
    """Reads a folder of checkpoints afresh; broken files are reported, never fatal.

    Args:
        folder: `models_folder()` unless given; a missing folder holds nothing.

    Raises:
        CheckpointError: LAPDEPTH_MODELS is no folder.
    """
    models, broken = [], []
    for path in sorted((folder or models_folder()).glob("*" + SUFFIX)):
        if path.name.startswith("."):
            continue
        try:
            models.append(_read_info(path, read_metadata(path), known_sha256(path)))
        except CheckpointError as error:
            broken.append(BrokenModel(path, str(error)))
    return Installed(models, broken)


def list_models(folder: Path | None = None) -> list[ModelInfo]:
    """The usable models of `scan_models`; the broken ones go to the log."""
    installed = scan_models(folder)
    for model in installed.broken:
        logger.warning("unusable checkpoint: %s", model.problem)
    return installed.models


def find_model(name_or_path: str | Path, folder: Path | None = None) -> ModelInfo:
    """Finds a model by its name in `folder` (`models_folder()`), or by the path of its file.

    Raises:
        CheckpointError: no such model, or its file is broken or not the pinned one.
    """
    text = str(name_or_path)
    if isinstance(name_or_path, Path) or text.endswith(SUFFIX) or "/" in text or "\\" in text:
        path = Path(name_or_path)
    else:
        if text == "auto":  # `core.weights.choice_table.AUTO`
            known = ", ".join(model.name for model in scan_models(folder).models)
            raise CheckpointError(
                "'auto' chooses a model for every photo, expected the name of one model here: "
                f"give one of those installed ({known or 'none'})."
            )
        path = (folder or models_folder()) / (check_name(text) + SUFFIX)
    if not path.is_file():
        names = [model.name for model in scan_models(folder).models]
        raise CheckpointError(
            f"There is no model {text!r}; expected one of {names}, or the path of a "
            f"{SUFFIX} file. `python -m core models` lists what is installed."
        )
    return _read_info(path, read_metadata(path), known_sha256(path))


def load_checkpoint(path: str | Path) -> tuple[LapDepth, ModelInfo]:
    """Builds a checkpoint's network and fills it.

    Returns:
        The network in eval mode on the CPU, and what the file says about itself.

    Raises:
        CheckpointError: as `load_weights`, or the file does not fit its configuration.
    """
    import torch

    from core.model.lapdepth import LapDepth

    arrays, info = load_weights(path)
    state = {name: torch.from_numpy(array) for name, array in arrays.items()}
    _check_tensors(Path(path), state, _expected_tensors(info.config, Path(path)))
    model = LapDepth(info.config)
    model.load_state_dict(state)
    return model.eval(), info


def load_weights(path: str | Path) -> tuple[dict[str, NDArray[Any]], ModelInfo]:
    """A checkpoint's tensors by name, and what the file says about itself.

    The file is read once: the bytes that are hashed are the bytes that are loaded, so nothing can
    be swapped in between.
    Weights stored as float16 come back as float32.

    Raises:
        CheckpointError: a file that is missing, damaged, not the pinned one, or holds NaN or
            infinity.
    """
    path = Path(path)
    data = read_bytes(path)
    metadata, state = unpacked(data, path)
    info = _read_info(path, metadata, hashlib.sha256(data).hexdigest())
    _check_finite(path, state)
    return state, info


def unpacked(data: bytes, path: Path) -> tuple[dict[str, str], dict[str, NDArray[Any]]]:
    """The metadata and the tensors in the bytes of a file at `path`, as float32 or int64.

    Raises:
        CheckpointError: they are no safetensors file's.
    """
    try:
        entries = dict(deserialize(data))  # type: ignore[no-untyped-call]
        for name, entry in entries.items():
            if entry["dtype"] not in _TYPES:
                raise CheckpointError(
                    f"{path.name} does not fit its configuration: {name} is of type "
                    f"{entry['dtype']}, expected one of {', '.join(_TYPES)}. Get the file again."
                )
        arrays = {name: _array(entry) for name, entry in entries.items()}
    except (SafetensorError, ValueError) as error:
        raise unusable(path, error) from error
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    return header.get("__metadata__", {}), arrays


def _array(entry: Mapping[str, Any]) -> NDArray[Any]:
    values = np.frombuffer(entry["data"], _TYPES[entry["dtype"]])
    if entry["dtype"] == "BF16":  # the upper half of a float32
        values = (values.astype(np.uint32) << 16).view(np.float32)
    kind = np.int64 if entry["dtype"] == "I64" else np.float32
    return values.reshape(entry["shape"]).astype(kind)


def save_checkpoint(
    path: str | Path,
    weights: nn.Module | Mapping[str, Tensor],
    info: ModelInfo,
    *,
    half: bool = False,
) -> ModelInfo:
    """Writes a checkpoint under a temporary name, then renames it.

    Args:
        path: ending in .safetensors; the model's name is what comes before.
        weights: a `LapDepth` or its state_dict.
        info: what the file says about itself; its name, path and hash are set here.
        half: store filters as float16. Norm scales, shifts and statistics stay float32: they are
            small, and a variance may lie outside float16's range.

    Raises:
        CheckpointError: an unusable name, weights that do not fit `info.config`, NaN, infinity.
        ExportError: the file cannot be written.
    """
    from safetensors.torch import save as to_safetensors
    from torch import nn

    path = Path(path)
    if path.suffix != SUFFIX:
        raise CheckpointError(f"A checkpoint cannot be named {path.name!r}; end it in {SUFFIX}.")
    check_name(path.stem)
    state = weights.state_dict() if isinstance(weights, nn.Module) else weights
    stored = {name: _stored(tensor, half) for name, tensor in state.items()}
    _check_tensors(path, stored, _expected_tensors(info.config, path))
    _check_finite(path, {name: tensor.numpy() for name, tensor in stored.items()})
    # One metadata entry only: safetensors writes several in a random order, and equal models
    # should be equal files.
    write_atomic(path, to_safetensors(stored, {METADATA_KEY: info.to_json()}))
    return info.saved_as(path, file_sha256(path))


def _read_info(path: Path, metadata: Mapping[str, str], sha256: str) -> ModelInfo:
    pinned = pinned_sha256(path)
    if pinned is not None and pinned != sha256:
        raise CheckpointError(
            f"{path.name} is not the file that was recorded: its SHA-256 is {sha256}, expected "
            f"{pinned}. It was damaged or swapped; restore it, or import it again."
        )
    if METADATA_KEY not in metadata:
        raise CheckpointError(
            f"{path.name} has no LapDepth configuration in its header; expected a checkpoint of "
            "this program. `import-release` converts the authors' .pkl files."
        )
    try:
        return ModelInfo.from_json(metadata[METADATA_KEY]).saved_as(path, sha256)
    except CheckpointError as error:
        raise CheckpointError(f"{path.name}: {error}") from error


def _expected_tensors(config: ModelConfig, path: Path) -> dict[str, tuple[int, ...]]:
    """Names and shapes of a configuration's weights, found without allocating any."""
    import torch

    from core.model.lapdepth import LapDepth

    try:
        with torch.device("meta"):
            model = LapDepth(config)
    except ConfigError as error:
        raise CheckpointError(f"{path.name} cannot be built: {error}") from error
    return {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}


def _check_tensors(
    path: Path, got: Mapping[str, Tensor], expected: Mapping[str, tuple[int, ...]]
) -> None:
    problems = [f"{name} is missing" for name in expected if name not in got]
    problems += [f"{name} is unexpected" for name in got if name not in expected]
    for name in expected.keys() & got.keys():
        tensor, counter = got[name], name.endswith("num_batches_tracked")
        if tensor.shape != expected[name]:
            problems.append(f"{name} is {list(tensor.shape)}, expected {list(expected[name])}")
        elif tensor.is_floating_point() == counter:
            problems.append(f"{name} is of type {tensor.dtype}")
    if problems:
        more = f" and {len(problems) - 5} more" if len(problems) > 5 else ""
        raise CheckpointError(
            f"{path.name} does not fit its configuration: {'; '.join(sorted(problems)[:5])}{more}. "
            "Get the file again, or convert it again."
        )


def _check_finite(path: Path, state: Mapping[str, NDArray[Any]]) -> None:
    bad = [name for name, values in state.items() if not np.isfinite(values).all()]
    if bad:
        raise CheckpointError(
            f"{path.name} holds NaN or infinity in {len(bad)} tensors ({', '.join(bad[:3])}); "
            "expected finite weights. Take an earlier state of the training, or get the file again."
        )


def _stored(tensor: Tensor, half: bool) -> Tensor:
    tensor = tensor.detach().cpu().contiguous()
    if not tensor.is_floating_point():
        return tensor
    return tensor.half() if half and tensor.ndim > 1 else tensor.float()
