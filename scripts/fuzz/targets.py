"""What is fuzzed: functions that take any bytes, and may raise a `DepthError` and nothing else."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from app.common.request import (
    depth_request,
    outputs_wanted,
    selection,
    space_options,
    view_settings,
)
from core.errors import DepthError
from core.images.decode import decode, label_of
from core.images.exr_reader import read_exr_depth
from core.images.limits import DecodeLimits
from core.weights.checkpoint import unpacked

_SMALL = DecodeLimits(max_pixels=1_000_000, max_bytes=1 << 20)


def picture(data: bytes) -> None:
    """An uploaded picture: its kind, its headers, its metadata, its pixels."""
    photo = decode(data, limits=_SMALL, name="a")
    height, width = photo.rgb.shape[:2]
    # The sizes agree, and what was believed of the camera is a length.
    assert height * width <= _SMALL.max_pixels, photo.rgb.shape
    assert photo.full_size == (width, height), photo.full_size
    assert photo.focal_px is None or 0 < photo.focal_px < 1e7, photo.focal_px


def parameters(data: bytes) -> None:
    """The arguments of the HTTP interface, as JSON; each is tried in every place."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return
    values = value if isinstance(value, list) else [value]
    for parse in _PARSERS:
        for arguments in ([value], values[:5] or [None]):
            _refusing(parse, *arguments[: _COUNTS.get(parse, 1)])
    for parse, names in _BY_NAME.items():
        for name in names:
            _refusing(parse, **{name: value})
        if isinstance(value, dict):
            _refusing(parse, **{name: value[name] for name in names if name in value})


def exr(data: bytes) -> None:
    """An uploaded depth map."""
    depth = read_exr_depth(data, max_pixels=_SMALL.max_pixels)
    assert 0 < depth.size <= _SMALL.max_pixels, depth.shape


def weights(data: bytes) -> None:
    """A weights file: its header, its metadata, its tensors."""
    _, tensors = unpacked(data, Path("a.safetensors"))
    assert sum(tensor.nbytes for tensor in tensors.values()) <= len(data)


def names(data: bytes) -> None:
    """A file's name, as it came with an upload."""
    label = label_of(data.decode("utf-8", "surrogateescape"))
    assert label.isprintable(), label
    assert 0 < len(label) <= 80, label
    label.encode("utf-8", "strict")


TARGETS: dict[str, Callable[[bytes], None]] = {
    "picture": picture,
    "parameters": parameters,
    "exr": exr,
    "weights": weights,
    "names": names,
}
_PARSERS: tuple[Callable[..., Any], ...] = (selection, outputs_wanted, view_settings)
_COUNTS = {selection: 2, view_settings: 5}
_BY_NAME: dict[Callable[..., Any], tuple[str, ...]] = {
    parse: tuple(inspect.signature(parse).parameters) for parse in (depth_request, space_options)
}


def run(name: str, data: bytes) -> None:
    """One input; anything but a `DepthError` gets through and is a finding."""
    _refusing(TARGETS[name], data)


def _refusing(function: Callable[..., Any], *arguments: Any, **named: Any) -> None:
    try:
        function(*arguments, **named)
    except DepthError as error:
        said = str(error)
        assert said, type(error)
        assert "\n" not in said, said
