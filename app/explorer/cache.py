"""What is computed once for all pages and sessions, within the bounds of `memory.cached`.

Everything is shared by all sessions: nothing in it is changed after it is made. Keys begin with
hashes, so a changed photo or model file is another entry; what starts with `_` is no key.
"""

# ruff: noqa: ARG001  (what names an entry is not read by the function that makes it)

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path

import numpy as np
import streamlit as st
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from app.common.environment import value
from app.common.request import DepthRequest
from app.common.service import Studio
from app.explorer.memory import HOUR, cached
from core.data.depth_file import resized_nearest
from core.engines.model_choice import Chooser
from core.errors import CameraError, CheckpointError
from core.geometry.find_scale import calibrated
from core.geometry.measure import Measurer
from core.geometry.planes import Plane
from core.images.decode import Photo
from core.images.decode_worker import decode_isolated
from core.inspect.activations import (
    Order,
    Units,
    before_relu,
    block_input,
    blocks,
    compare_orders,
    variant,
)
from core.inspect.inspection import Inspector, Trace
from core.inspect.receptive_field import receptive_field
from core.prediction import Prediction
from core.predictor import Passed
from core.scale.calibration import Measurement
from core.weights.checkpoint import load_checkpoint
from core.weights.choice_table import Choice
from core.weights.model_info import ModelInfo
from core.weights.network_input import normalised

SCREEN = 720  # pixels of the longer side of the photo that pages draw on


@st.cache_resource(max_entries=1, ttl=24 * HOUR, show_spinner=False)
def studio() -> Studio:
    """The models, shared with every session; predictions are kept by `predicted` instead."""
    return Studio(default_model=value("LAPDEPTH_MODEL"), cache_bytes=0)


@cached
def decoded(digest: str, name: str, _data: bytes) -> Photo:
    """A photo from its encoded bytes, once per content and name."""
    return decode_isolated(_data, name=name)


@cached
def small(photo: str, _rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A photo, small enough to draw on a page."""
    picture = Image.fromarray(_rgb)
    picture.thumbnail((SCREEN, SCREEN), Image.Resampling.BOX, reducing_gap=2)
    return np.asarray(picture)


@cached
def truth_at(key: str, height: int, width: int, _depth: NDArray[np.float32]) -> NDArray[np.float32]:
    """Measured depth at another size, nothing averaged."""
    return resized_nearest(_depth, height, width)


def model_for(name: str, photo: Photo) -> tuple[ModelInfo, Choice | None]:
    """An installed model by its name, or the one that a photo chooses where the name is AUTO.

    Raises:
        CheckpointError: it is not installed (any more), or the photo cannot choose.
    """
    chooser = studio().chooser_for(name)
    choice = None
    if chooser is not None:
        choice = _choice(photo.sha256, f"{chooser.key} {chooser.models}", chooser, photo.rgb)
        name = choice.model
    known = {info.name: info for info in studio().models()}
    if name not in known:
        raise CheckpointError(
            f"The model is {name!r}, expected one of those installed ({', '.join(known)}): "
            "choose one of them."
        )
    return known[name], choice


@cached
def _choice(photo: str, key: str, _chooser: Chooser, _rgb: NDArray[np.uint8]) -> Choice:
    """Which model a photo chooses."""
    return _chooser(_rgb)


def predicted(photo: Photo, info: ModelInfo, request: DepthRequest) -> Prediction:
    """A photo's depth, once per photo, model and settings, however many pages show it."""
    key = (photo.sha256, info.sha256, *request.prediction.values())
    found = _predicted(key, info.name, request, photo)
    return _rescaled(key, request.known, found) if request.known else found


@cached
def _predicted(key: Hashable, _model: str, _request: DepthRequest, _photo: Photo) -> Prediction:
    """Where it had to make room for others, it comes back without another pass of the network."""
    return studio().predictor(_model).finished(_passed(key, _model, _request, _photo), _photo)


@cached
def _passed(key: Hashable, _model: str, _request: DepthRequest, _photo: Photo) -> Passed:
    """What the network gave: a thousandth of a large photo's depth."""
    return studio().predictor(_model).passed(_photo, **_request.prediction).small()


@cached
def _rescaled(key: Hashable, known: tuple[Measurement, ...], _prediction: Prediction) -> Prediction:
    """The same prediction in the scale of what is known."""
    return calibrated(_prediction, *known)


@cached
def ruler(key: str, _prediction: Prediction) -> Measurer:
    """Measures in a photo."""
    return Measurer.of(_prediction)


@cached
def floor(key: str, _ruler: Measurer) -> Plane | None:
    """The floor of a photo, looked for once, whether there is one or not."""
    try:
        return _ruler.floor()
    except CameraError:
        return None


@cached
def inspector(model_sha: str, _path: Path) -> Inspector:
    """The network as trained (the predictor's own is folded), opened for looking."""
    model, _ = load_checkpoint(_path)
    return Inspector(model)


def network(info: ModelInfo) -> Inspector:
    """The inspector of an installed model."""
    if info.path is None:
        raise ValueError("An installed model has a path.")
    return inspector(info.sha256, info.path)


@cached
def traced(key: str, _info: ModelInfo, _prediction: Prediction) -> Trace:
    """What every stage held while the photo went through."""
    return network(_info).trace(torch.from_numpy(normalised(_prediction.working.rgb)))


@cached
def fields_of(
    key: str, names: tuple[str, ...], row: float, column: float, _info: ModelInfo, _image: Tensor
) -> dict[str, NDArray[np.float32]]:
    """Effective receptive fields of one place, stage by stage."""
    fields = receptive_field(network(_info), _image, names, row, column)
    return {name: field.numpy() for name, field in fields.items()}


@cached
def occluded(
    key: str, level: int | None, fill: str, _info: ModelInfo, _trace: Trace
) -> dict[str, NDArray[np.float32]]:
    """Change of depth (metres of the canonical camera) when one input is hidden.

    Of a level's fusion, or (None) of what ASPP merges.
    """
    opened = network(_info)
    if level is None:
        effects = opened.occlude_branches(_trace, fill)
    else:
        effects = opened.occlude(_trace, level, fill)
    return {effect.name: effect.change[0, 0].numpy() for effect in effects}


@cached
def relu_view(
    key: str, standardised: bool, calibrated: bool, _info: ModelInfo, _image: Tensor
) -> tuple[list[Units], NDArray[np.float32]]:
    """What every ReLU sees in one variant of the network, and the depth it gives."""
    opened = network(_info)
    with opened.lock:
        changed = variant(
            opened.model, standardised=standardised, calibrate_on=_image if calibrated else None
        )
    units, depth = before_relu(changed, _image)
    return units, depth[0, 0].numpy()


@cached
def order_view(
    key: str, name: str, standardised: bool, _info: ModelInfo, _image: Tensor
) -> dict[str, Order]:
    """One block in both orders of norm, ReLU and convolution."""
    opened = network(_info)
    with opened.lock:
        x = block_input(opened.model, _image, name)
        with torch.inference_mode():
            return compare_orders(blocks(opened.model)[name], x, standardised=standardised)
