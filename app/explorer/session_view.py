"""What every page looks at: one photo, one model, one prediction, one language."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from torch import Tensor

from app.common.outputs import stem_of
from app.common.request import PredictSettings
from app.common.result import Scene
from app.common.text import t
from app.explorer import cache
from core.geometry.measure import Measurer
from core.geometry.planes import Plane
from core.images.decode import Photo
from core.inspect.inspection import Inspector, Trace
from core.model.encoders.base import normalised
from core.prediction import KnownLength, Prediction
from core.weights.checkpoint import ModelInfo
from core.weights.choice import Choice

_LOOK, _TRUTH = "look", "ground truth"
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
class Look:
    """A photo through one model, as the pages see it.

    Attributes:
        lang: "en" or "zh".
        photo: as decoded.
        prediction: of the photo by `info`'s model.
        info: of the model.
        settings: resolution, flip, field of view as asked for.
        colours: the colour map for depth.
        choice: how the photo chose the model; None where it was chosen by hand.
        known: the length that `prediction` was rescaled by, or None.
    """

    lang: str
    photo: Photo
    prediction: Prediction
    info: ModelInfo
    settings: cache.Settings
    colours: str
    choice: Choice | None = None
    known: KnownLength | None = None

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
        return f"{self.photo.sha256}-{self.info.sha256}-{self.settings[0]}"

    @property
    def space_key(self) -> str:
        """Names all that the metres depend on."""
        return f"{self.key}-{self.settings}-{self.known}"

    @property
    def ruler(self) -> Measurer:
        """Measures in the photo."""
        return cache.ruler(self.space_key, self.prediction)

    @property
    def floor(self) -> Plane | None:
        """The floor that heights are measured from, None where none is in sight."""
        return cache.floor(self.space_key, self.ruler)

    @property
    def scene(self) -> Scene:
        """The same as the depth page has it, for what both can do."""
        resolution, flip, fov = self.settings
        settings = PredictSettings(self.info.name, resolution, flip, fov)
        return Scene(self.photo, self.prediction, settings, self.choice)

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
        return normalised(self.prediction.working.rgb)

    @property
    def working(self) -> NDArray[np.uint8]:
        """(h, w, 3) uint8, the photo as the network saw it."""
        seen: NDArray[np.uint8] = self.prediction.working.rgb.numpy()
        return seen

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


def chosen_because(look: Look) -> str:
    """Why the photo has this model; empty where a person chose it."""
    choice, lang = look.choice, look.lang
    if choice is None:
        return ""
    if choice.outdoor is None:
        return t("summary.choice_none", lang, model=choice.model)
    outdoors = choice.outdoor > 0.5
    share = choice.outdoor if outdoors else 1 - choice.outdoor
    place = t("summary.choice_outdoor" if outdoors else "summary.choice_indoor", lang, share=share)
    words = t("explorer.chosen", lang, model=choice.model, place=place)
    return f"{words} {t('explorer.choice_doubt', lang)}" if choice.doubtful else words


def scale_sentence(look: Look) -> str:
    """What the photo was rescaled by; empty where it has the model's own scale."""
    if look.known is None:
        return ""
    scale = look.prediction.scale
    return t("summary.scale_value", look.lang, scale=scale, metres=look.known.metres)


def current() -> Look:
    """What the present run looks at; set by the entry script before any page runs."""
    look: Look = st.session_state[_LOOK]
    return look


def show_next(look: Look) -> None:
    """Makes a look the current one."""
    st.session_state[_LOOK] = look


def predicted_with(look: Look, settings: cache.Settings) -> Look:
    """The same photo through the look's model with other settings, the known length kept."""
    prediction = cache.predicted(
        look.photo.sha256, look.info.sha256, settings, look.info.name, look.photo
    )
    found = replace(look, prediction=prediction, settings=settings, known=None)
    return found if look.known is None else rescaled(found, look.known)


def rescaled(look: Look, known: KnownLength) -> Look:
    """The same photo in the scale of a known length; `look` is in the model's own.

    Raises:
        CameraError: its ends lie outside the photo or are the same pixel.
    """
    prediction = cache.rescaled(
        look.photo.sha256, look.info.sha256, look.settings, known, look.prediction
    )
    return replace(look, prediction=prediction, known=known)


def with_fov(look: Look, degrees: float) -> Look:
    """The same photo seen with another horizontal field of view."""
    resolution, flip, _ = look.settings
    return predicted_with(look, (resolution, flip, degrees))


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
