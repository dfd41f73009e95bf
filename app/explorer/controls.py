"""Controls whose values live in the address, so that a link shows what its sender saw.

A value is written to the query string under the control's key while it differs from its default,
in a form that does not depend on the language. Streamlit forgets the controls of a page that is
left; `_kept` brings them back.

A lesson's link names controls that are not drawn (`HIDE`); they keep the value of the link.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import streamlit as st

from app.common.request import MAX_RESOLUTION, MIN_RESOLUTION
from app.common.translations import t

Value = TypeVar("Value")
HIDE = "hide"
"""The name in the address under which a lesson's hidden controls stand, separated by commas."""
_KEPT, _PAGE, _PLACES = "kept controls", "page shown", "pages of controls"
_HIDDEN, _DRAWN, _DEFAULTS = "controls hidden", "labels of controls", "defaults of controls"


def choice(
    key: str,
    label: str,
    options: Mapping[str, str],
    *,
    default: str | None = None,
    hint: str | None = None,
    buttons: bool = False,
) -> str:
    """One of several: value -> label in the page's language; a row of buttons or a list."""
    values = list(options)
    first = values[0] if default is None or default not in options else default
    if _begin(key, label, first, lambda text: text, lambda value: value in options):
        kept: str = _kept()[key]
        return _end(key, kept, first)
    shown: dict[str, Any] = {"format_func": lambda value: options[value], "key": key, "help": hint}
    if buttons:
        chosen = st.segmented_control(label, values, required=True, **shown)
    else:
        chosen = st.selectbox(label, values, **shown)
    return _end(key, chosen if chosen in options else first, first)


def slider(
    key: str,
    label: str,
    low: float,
    high: float,
    default: float,
    *,
    step: float = 0.05,
    pattern: str | None = None,
    hint: str | None = None,
) -> float:
    """A number between two ends."""
    if _begin(key, label, float(default), float, lambda value: low <= value <= high):
        value = _kept()[key]
    else:
        value = st.slider(
            label, float(low), float(high), step=float(step), format=pattern, key=key, help=hint
        )
    return _end(key, float(value), float(default), lambda number: f"{number:g}")


def percent(
    key: str, label: str, default: float, low: float = 0, high: float = 100, **options: Any
) -> float:
    """A slider of whole per cents."""
    return slider(key, label, low, high, default, step=1, pattern="%.0f %%", **options)


def steps(
    key: str,
    label: str,
    options: Sequence[int],
    names: Mapping[int, str],
    *,
    default: int,
) -> int:
    """A slider that stops at named places."""
    if _begin(key, label, default, int, lambda value: value in options):
        kept: int = _kept()[key]
        return _end(key, kept, default)
    value = st.select_slider(
        label, list(options), format_func=lambda option: names[option], key=key
    )
    return _end(key, value if value in options else default, default)


def toggle(key: str, label: str, default: bool = False, *, hint: str | None = None) -> bool:
    """On or off."""
    hidden = _begin(key, label, default, lambda text: text == "1", lambda _: True)
    value = _kept()[key] if hidden else st.toggle(label, key=key, help=hint)
    return _end(key, bool(value), default, lambda on: "1" if on else "0")


def number(
    key: str,
    label: str,
    low: float,
    high: float,
    default: float | None,
    *,
    step: float = 1.0,
    pattern: str | None = None,
    hint: str | None = None,
    placeholder: str | None = None,
) -> float | None:
    """A typed number; None stands for an empty field where the default is None."""
    value: float | None
    if _begin(key, label, default, float, lambda value: value is None or low <= value <= high):
        value = _kept()[key]
    else:
        value = st.number_input(
            label,
            float(low),
            float(high),
            value=None if default is None else "min",
            step=float(step),
            format=pattern,
            key=key,
            help=hint,
            placeholder=placeholder,
        )
    return _end(key, value, default, lambda given: "" if given is None else f"{given:g}")


def resolution(key: str, lang: str, *, hint: str | None = None) -> float | None:
    """The working height in pixels, None for the model's own."""
    return number(
        key,
        t("explorer.resolution", lang),
        MIN_RESOLUTION,
        MAX_RESOLUTION,
        None,
        step=16,
        pattern="%.0f",
        hint=hint,
        placeholder=t("explorer.auto", lang),
    )


def text(key: str, label: str, *, hint: str, placeholder: str) -> str:
    """A few lines of text, empty at first."""
    hidden = _begin(key, label, "", str, lambda value: isinstance(value, str))
    shown: dict[str, Any] = {"key": key, "help": hint, "placeholder": placeholder, "height": 112}
    value: str = _kept()[key] if hidden else st.text_area(label, **shown)
    return _end(key, value, "")


def is_on(key: str) -> bool:
    """Whether a toggle is on, wherever it is drawn."""
    return bool(_kept().get(key))


def default_of(key: str) -> Any:
    """Where a control begins; KeyError for one that was never drawn."""
    return st.session_state.get(_DEFAULTS, {})[key]


def put(key: str, value: object) -> None:
    """Sets a control from outside, before it is drawn in this run."""
    _kept()[key] = value
    st.session_state[key] = value


def forget(*keys: str) -> None:
    """Puts controls back to where they begin, before they are drawn in this run."""
    for key in keys:
        _kept().pop(key, None)
        st.session_state.pop(key, None)
        if key in st.query_params:
            del st.query_params[key]


def turn_to(page: str) -> None:
    """Says to which page the controls drawn from here on belong."""
    st.session_state[_PAGE] = page
    st.session_state[_DRAWN] = {}


def page_shown() -> str:
    """The page of `turn_to`."""
    page: str = st.session_state.get(_PAGE, "")
    return page


def hidden() -> tuple[str, ...]:
    """Names that the lesson of this session hides; none outside a lesson."""
    known: tuple[str, ...] | None = st.session_state.get(_HIDDEN)
    if known is None:
        known = tuple(filter(None, st.query_params.get(HIDE, "").split(",")))
        st.session_state[_HIDDEN] = known
    if known and HIDE not in st.query_params:  # another page's address does not have it yet
        st.query_params[HIDE] = ",".join(known)
    return known


def show_all() -> None:
    """Ends the lesson: every control is drawn again."""
    st.session_state[_HIDDEN] = ()
    if HIDE in st.query_params:
        del st.query_params[HIDE]


def drawn() -> dict[str, str]:
    """Labels of the controls that this page has drawn so far, by their keys."""
    labels: dict[str, str] = st.session_state.get(_DRAWN, {})
    return labels


def relabel(drawn: str) -> None:
    """Tells every list of choices that its labels have changed.

    Args:
        drawn: key of the language switch, which is on the page already.
    """
    for key, value in _kept().items():
        if key in st.session_state and key != drawn:
            st.session_state[key] = value


def _kept() -> dict[str, Any]:
    kept: dict[str, Any] = st.session_state.setdefault(_KEPT, {})
    return kept


def _begin(
    key: str,
    label: str,
    default: Any,
    read: Callable[[str], Any],
    fits: Callable[[Any], bool],
) -> bool:
    """Whether the control is hidden; its value is ready either way."""
    kept = _kept()
    st.session_state.setdefault(_DRAWN, {})[key] = label
    st.session_state.setdefault(_DEFAULTS, {})[key] = default

    def usable(value: Any) -> bool:
        try:
            return fits(value)
        except TypeError:  # another page's control of the same name
            return False

    if key not in kept:
        kept[key] = _from_address(key, default, read)
    if not usable(kept[key]):
        kept[key] = default
    places, page = st.session_state.setdefault(_PLACES, {}), page_shown()
    if key not in st.session_state or not usable(st.session_state[key]):
        st.session_state[key] = kept[key]
    elif places.get(key, page) != page:
        # On another page the browser draws the control anew, and asks only for values set.
        st.session_state[key] = st.session_state[key]
    places[key] = page
    return key in hidden()


def _from_address(key: str, default: Any, read: Callable[[str], Any]) -> Any:
    text = st.query_params.get(key)
    if text is None:
        return default
    try:
        return read(text)
    except ValueError:
        return default


def _end(key: str, value: Value, default: Value, write: Callable[[Value], str] = str) -> Value:
    _kept()[key] = value
    if value == default:
        if key in st.query_params:
            del st.query_params[key]
    elif st.query_params.get(key) != write(value):
        st.query_params[key] = write(value)
    return value
