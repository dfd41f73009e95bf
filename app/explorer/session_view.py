"""What every page of a session shows: one photo, one model, one prediction, one language."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from torch import Tensor, from_numpy

from app.common.request import DepthRequest
from app.common.result import Result
from app.common.saving import stem_of
from app.common.summary import choice_sentence, scale_words
from app.explorer import cache
from core.geometry.measure import Measurer
from core.geometry.planes import Plane
from core.images.decode import Photo
from core.inspect.inspection import Inspector, Trace
from core.prediction import Prediction
from core.scale.measurements import KnownLength
from core.scale.profile import Profile
from core.weights.choice_table import Choice
from core.weights.model_info import ModelInfo
from core.weights.network_input import normalised

_VIEW, _TRUTH = "session view", "ground truth"
NAMES = ("R5", "R4", "R3", "R2", "R1")
STRIDES = (16, 8, 4, 2, 1)


@dataclass(frozen=True, eq=False)
class Truth:
    """Measured depth that goes with the photo.

    Attributes:
        depth: (H, W) float32 metres, 0 = not measured; the photo's aspect ratio, any size.
        name: of the uploaded file.
        photo: sha256 of the photo it was uploaded for.
        key: names its numbers, for what is computed from them.
    """

    depth: NDArray[np.float32]
    name: str
    photo: str
    key: str

    @property
    def share(self) -> float:
        """Share of the pixels that were measured."""
        return float((self.depth > 0).mean())


@dataclass(frozen=True, eq=False)
class SessionView:
    """A photo through one model, as the pages see it.

    Attributes:
        prediction: of the photo by `info`'s model.
        request: how the depth was asked for, with the known length that rescales it and the
            colour map; its model is `info`'s.
        choice: how the photo chose the model; None where it was chosen by hand.
        example: whether the photo is one of the program's own.
    """

    lang: str
    photo: Photo
    prediction: Prediction
    info: ModelInfo
    request: DepthRequest
    choice: Choice | None = None
    example: bool = False

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the photo in pixels."""
        return self.prediction.photo_size

    @property
    def unit(self) -> str:
        """Of lengths in the photo: metres, or nothing where they are not claimed to be."""
        return "m" if self.prediction.metric else ""

    @property
    def key(self) -> str:
        """Names photo, model and working size: what the network's insides depend on."""
        return f"{self.photo.sha256}-{self.info.sha256}-{self.request.resolution}"

    @property
    def space_key(self) -> str:
        """Names all that the metres depend on."""
        return f"{self.key}-{self.request.prediction}-{self.request.known}"

    @property
    def ruler(self) -> Measurer:
        """Measures in the photo."""
        return cache.ruler(self.space_key, self.prediction)

    @property
    def floor(self) -> Plane | None:
        """The floor that heights are measured from, None where none is in sight."""
        return cache.floor(self.space_key, self.ruler)

    @property
    def known(self) -> KnownLength | None:
        """The length that `prediction` was rescaled by, or None."""
        return next((each for each in self.request.known if isinstance(each, KnownLength)), None)

    @property
    def colours(self) -> str:
        """The colour map for depth."""
        return self.request.colors.colormap

    @property
    def result(self) -> Result:
        """The same as the depth page has it, for what both can do."""
        return Result(self.photo, self.prediction, self.request, self.choice)

    @property
    def stem(self) -> str:
        """What the names of its files begin with."""
        return stem_of(self.photo)

    @property
    def inspector(self) -> Inspector:
        """The network, opened."""
        return cache.network(self.info)

    @property
    def trace(self) -> Trace:
        """What every stage held."""
        return cache.traced(self.key, self.info, self.prediction)

    @cached_property
    def image(self) -> Tensor:
        """(1, 3, h, w), the network's input."""
        return from_numpy(normalised(self.prediction.working.rgb))

    @property
    def working(self) -> NDArray[np.uint8]:
        """(h, w, 3) uint8, the photo as the network saw it."""
        return self.prediction.working.rgb

    @property
    def screen(self) -> NDArray[np.uint8]:
        """The photo, small enough to draw on, (h, w, 3) uint8."""
        return cache.small(self.photo.sha256, self.photo.rgb)

    @property
    def factor(self) -> float:
        """Metres of the photo per metre of the canonical camera: focal length and known length."""
        return self.prediction.focal_scale * self.prediction.scale

    @property
    def scale(self) -> float:
        """Metres per unit of sigmoid."""
        return self.info.config.max_depth * self.factor

    @property
    def truth(self) -> Truth | None:
        """The ground truth of this photo, None where there is none."""
        known = truth()
        return known if known is not None and known.photo == self.photo.sha256 else None

    def truth_at(self, height: int, width: int) -> NDArray[np.float32] | None:
        """The ground truth of this photo at another size, None where there is none."""
        known = self.truth
        return None if known is None else cache.truth_at(known.key, height, width, known.depth)


def chosen_because(view: SessionView) -> str:
    """Why the photo has this model; empty where a person chose it."""
    return "" if view.choice is None else choice_sentence(view.choice, view.lang, explorer=True)


def scale_sentence(view: SessionView) -> str:
    """What the photo was rescaled by; empty where it has the model's own scale."""
    known = view.prediction.calibration
    return "" if known is None else scale_words(known, view.lang)


def current() -> SessionView:
    """The view of the present run; the entry script sets it before any page runs."""
    view: SessionView = st.session_state[_VIEW]
    return view


def run_page(script: str) -> None:
    """Draws the page of a script that Streamlit runs; the imported module keeps its caches."""
    page = import_module(f"app.explorer.page_scripts.{Path(script).stem}")
    page.draw(current())


def show_next(view: SessionView) -> None:
    """Makes a view the current one."""
    st.session_state[_VIEW] = view


def predicted_with(view: SessionView, **changes: Any) -> SessionView:
    """The same photo and known length with other settings of the request.

    A scale profile of another model is left out.
    """
    name = view.info.name
    known = tuple(k for k in view.request.known if not isinstance(k, Profile) or k.model == name)
    request = replace(view.request, model=name, known=known, **changes)
    prediction = cache.predicted(view.photo, view.info, request)
    return replace(view, prediction=prediction, request=request)


def truth() -> Truth | None:
    """The ground truth that this session has uploaded."""
    known: Truth | None = st.session_state.get(_TRUTH)
    return known


def keep_truth(value: Truth | None) -> None:
    """Keeps the uploaded ground truth for all pages of this session (one at a time)."""
    st.session_state[_TRUTH] = value


def digest_of(data: bytes | memoryview) -> str:
    """Names encoded bytes."""
    return hashlib.sha256(data).hexdigest()
