"""Guess, then see: one question on each page of the tour, answered on the reader's own photo.

Who predicts before he looks understands and remembers more (Kim, Reinecke and Hullman, "Explaining
the Gap", CHI 2017). A question is asked once in a session, can be skipped, and is not asked outside
the tour.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from app.common.summary import depth_range
from app.common.translations import keys, t
from app.explorer import cache, controls
from app.explorer.figures.pyramids import rebuild, rms
from app.explorer.page_head import OUTCOMES, glossary
from app.explorer.page_table import TOUR
from app.explorer.session_view import STRIDES, SessionView
from core.inspect.inspection import FILLS

CLOSE = 0.1  # a guessed number within this share of the answer counts as right
_INPUTS = ("feature", "residual", "band")  # of a level, apart from the encoder's shortcut
_BINS = {"little": 0.05, "some": 0.3, "broken": np.inf}  # mean relative change of depth


@dataclass(frozen=True)
class Question:
    """What a page asks.

    Attributes:
        options: to choose from; empty asks for metres.
        answer: the option that is right, or the metres, and what the explanation names.
        facts: what the question names.
        ring: whether a ring marks the place that is asked for, see `_place`.
    """

    options: tuple[str, ...]
    answer: Callable[[SessionView], tuple[Any, Mapping[str, object]]]
    facts: Callable[[SessionView], Mapping[str, object]] = lambda _: {}
    ring: bool = False


def ask(view: SessionView, page: str) -> bool:
    """Asks the page's question; whether the page waits for the guess."""
    outcomes = st.session_state.setdefault(OUTCOMES, {})
    question = questions(view).get(page)
    if question is None or page in outcomes or not controls.is_on(TOUR):
        return False
    lang = view.lang
    st.title(t(f"{page}.title", lang))
    picture, card = st.columns([2, 3])
    shown = _ringed(view) if question.ring else view.screen
    picture.image(shown, alt=t("explorer.photo", lang), width="stretch")
    with card.form(f"guess-{page}-form"):
        words = t(f"guess.{page}", lang, **question.facts(view))
        st.markdown(f":material/psychology_alt: **{t('guess.first', lang)}** {words}")
        guess: Any
        label = t("guess.yours", lang)
        if question.options:
            names = {option: _label(page, option, lang) for option in question.options}
            guess = st.radio(label, names, None, names.__getitem__, key=f"guess-{page}")
        else:
            guess = st.number_input(
                f"{label} ({view.unit or t('explorer.unit', lang)})",
                min_value=0.0,
                max_value=10_000.0,
                value=None,
                step=0.1,
                width=320,
                key=f"guess-{page}",
            )
        with st.container(horizontal=True):
            see = st.form_submit_button(t("guess.see", lang)) and guess is not None
            skip = st.form_submit_button(t("guess.skip", lang), type="tertiary")
    glossary(lang)
    if see:
        with st.spinner(t("explorer.computing", lang)):
            outcomes[page] = _outcome(view, page, question, guess)
    elif skip:
        outcomes[page] = None
    if see or skip:
        st.rerun()
    return True


def _label(page: str, option: str, lang: str) -> str:
    key = f"guess.{page}_{option}"
    return t(key, lang) if key in keys() else option


def _outcome(
    view: SessionView, page: str, question: Question, guess: Any
) -> Callable[[str], tuple[bool, str]]:
    """Whether the guess was right, and the sentences about it, in any language."""
    right, facts = question.answer(view)
    if question.options:
        met = guess == right
    else:
        met = abs(guess - right) <= CLOSE * right
        gap = 100 * abs(guess / right - 1)

    def said(lang: str) -> tuple[bool, str]:
        why = t(f"guess.{page}_why", lang, **facts)
        if question.options:
            names = {"guess": _label(page, guess, lang), "answer": _label(page, right, lang)}
            first = t("guess.right" if met else "guess.wrong", lang, **names)
        else:
            metres = {name: f"{value:.2f} {view.unit}".rstrip() for name, value in
                      (("guess", guess), ("answer", right))}  # fmt: skip
            first = t("guess.number", lang, gap=gap, close=100 * CLOSE, **metres)
        return met, f"{first} {why}"

    return said


def questions(view: SessionView) -> dict[str, Question]:
    """What every page of the tour asks about this photo and model."""
    rates = view.info.config.aspp_rates
    return {
        "start": Question((), _ring, ring=True),
        "levels": Question(("1/2", "1/4", "1/8", "1/16"), _most_numbers),
        "differences": Question(("1/8", "1/4", "1/2", "1/1"), _strongest_band),
        "spp": Question(("same", "twice", "four"), lambda _: ("same", {})),
        "atrous": Question(
            ("nine", "rate", "all"), lambda _: ("nine", {"across": 2 * rates[-1] + 1}),
            lambda _: {"rate": rates[-1]},
        ),
        "aspp": Question(("1x1", *map(str, rates)), _needed_branch),
        "stacking": Question(_INPUTS, _needed_input),
        "coarse_to_fine": Question((), _without_coarsest, _middle),
        "weights": Question(tuple(_BINS), _unstandardised),
        "loss": Question(("none", "twice", "log"), lambda _: ("none", {})),
    }  # fmt: skip


def _place(view: SessionView) -> tuple[float, float]:
    """The ring's place, as shares of height and width: the flattest one around the middle.

    At a border of two things nobody could say which of them is asked for.
    """
    depth = view.prediction.levels[-1].depth
    height, width = depth.shape
    reach = max(1, height // 24)

    def relief(place: tuple[float, float]) -> float:
        row, column = int(place[0] * height), int(place[1] * width)
        around = depth[row - reach : row + reach + 1, column - reach : column + reach + 1]
        return float(around.max() / around.min())

    shares = np.linspace(0.35, 0.65, 7)
    return min(((float(y), float(x)) for y in shares for x in shares), key=relief)


def _ringed(view: SessionView) -> NDArray[np.uint8]:
    rgb = view.screen
    image, (down, across) = Image.fromarray(rgb), _place(view)
    row, column = down * rgb.shape[0], across * rgb.shape[1]
    radius = max(6, min(rgb.shape[:2]) // 30)
    for colour, width in (("black", radius // 2), ("white", radius // 4)):
        ImageDraw.Draw(image).circle((column, row), radius, outline=colour, width=max(1, width))
    return np.asarray(image)


def _ring(view: SessionView) -> tuple[float, Mapping[str, object]]:
    depth, (down, across) = view.prediction.depth, _place(view)
    at = int(down * depth.shape[0]), int(across * depth.shape[1])
    extent = depth_range(view.result)
    facts = {"near": extent.min, "far": extent.max, "unit": view.unit}
    return float(depth[at]), facts


def _most_numbers(view: SessionView) -> tuple[str, Mapping[str, object]]:
    counts = [feature.numel() for feature in reversed(view.trace.features)]  # 1/2 first
    names = ("1/2", "1/4", "1/8", "1/16")
    told = ", ".join(f"{name}: {count:,}" for name, count in zip(names, counts, strict=True))
    return names[int(np.argmax(counts))], {"counts": told}


def _strongest_band(view: SessionView) -> tuple[str, Mapping[str, object]]:
    levels = view.prediction.levels[1:]
    strengths = [rms(level.band) for level in levels]
    names = [f"1/{level.stride}" for level in levels]
    told = ", ".join(f"{name}: {rms_:.3f}" for name, rms_ in zip(names, strengths, strict=True))
    return names[int(np.argmax(strengths))], {"strengths": told}


def _needed_branch(view: SessionView) -> tuple[str, Mapping[str, object]]:
    effects = cache.occluded(view.key, None, FILLS[0], view.info, view.trace)
    rates = view.info.config.aspp_rates
    parts = {"1x1": "reduced"} | {str(rate): f"branch{i}" for i, rate in enumerate(rates)}
    moved = {name: _moved(view, effects[part]) for name, part in parts.items()}
    told = ", ".join(f"{name}: {change:.3f}" for name, change in moved.items())
    return max(moved, key=moved.__getitem__), {"changes": told, "unit": view.unit}


def _needed_input(view: SessionView) -> tuple[str, Mapping[str, object]]:
    effects = cache.occluded(view.key, 0, FILLS[0], view.info, view.trace)
    moved = {name: _moved(view, effects[name]) for name in _INPUTS}
    told = ", ".join(
        f"{_label('stacking', name, view.lang)}: {change:.3f}" for name, change in moved.items()
    )
    return max(moved, key=moved.__getitem__), {"changes": told, "unit": view.unit}


def _moved(view: SessionView, change: NDArray[np.float32]) -> float:
    return float(np.abs(change).mean()) * view.factor


def _middle(view: SessionView) -> Mapping[str, object]:
    return {"median": float(np.median(view.prediction.levels[-1].depth)), "unit": view.unit}


def _without_coarsest(view: SessionView) -> tuple[float, Mapping[str, object]]:
    gains = (0.0, *(1.0 for _ in STRIDES[1:]))
    left = rebuild(view.prediction.working.residuals, view.scale, gains).depths[-1]
    return float(np.median(left)), {}


def _unstandardised(view: SessionView) -> tuple[str, Mapping[str, object]]:
    trained = view.info.config.weight_standardisation
    _, usual = cache.relu_view(view.key, trained, False, view.info, view.image)
    _, changed = cache.relu_view(view.key, not trained, False, view.info, view.image)
    share = float((np.abs(changed - usual) / usual).mean())
    return next(name for name, most in _BINS.items() if share < most), {"percent": 100 * share}
