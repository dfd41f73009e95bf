"""Controls whose values live in the address, so that a link shows what its sender saw.

A value is written to the query string under the control's key while it differs from its default,
in a form that does not depend on the language. Streamlit forgets the controls of a page that is
left; `_kept` brings them back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import streamlit as st

from app.common.request import MAX_RESOLUTION, MIN_RESOLUTION
from app.common.text import t

Value = TypeVar("Value")
_KEPT, _PAGE, _PLACES = "kept controls", "page shown", "pages of controls"


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
    _begin(key, first, lambda text: text, lambda value: value in options)
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
    _begin(key, float(default), float, lambda value: low <= value <= high)
    value = st.slider(
        label, float(low), float(high), step=float(step), format=pattern, key=key, help=hint
    )
    return _end(key, float(value), float(default), lambda number: f"{number:g}")


def steps(
    key: str,
    label: str,
    options: Sequence[int],
    names: Mapping[int, str],
    *,
    default: int,
    hint: str | None = None,
) -> int:
    """A slider that stops at named places."""
    _begin(key, default, int, lambda value: value in options)
    value = st.select_slider(
        label, list(options), format_func=lambda option: names[option], key=key, help=hint
    )
    return _end(key, value if value in options else default, default)


def toggle(key: str, label: str, default: bool = False, *, hint: str | None = None) -> bool:
    """On or off."""
    _begin(key, default, lambda text: text == "1", lambda _: True)
    value = st.toggle(label, key=key, help=hint)
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
    _begin(key, default, float, lambda value: value is None or low <= value <= high)
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
    _begin(key, "", str, lambda value: isinstance(value, str))
    value = st.text_area(label, key=key, help=hint, placeholder=placeholder, height=112)
    return _end(key, value, "")


def is_on(key: str) -> bool:
    """Whether a toggle is on, wherever it is drawn."""
    return bool(_kept().get(key))


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


def _begin(key: str, default: Any, read: Callable[[str], Any], fits: Callable[[Any], bool]) -> None:
    kept = _kept()

    def usable(value: Any) -> bool:
        try:
            return fits(value)
        except TypeError:  # another page's control of the same name
            return False

    if key not in kept:
        kept[key] = _from_address(key, default, read)
    if not usable(kept[key]):
        kept[key] = default
    places, page = st.session_state.setdefault(_PLACES, {}), st.session_state.get(_PAGE, "")
    if key not in st.session_state or not usable(st.session_state[key]):
        st.session_state[key] = kept[key]
    elif places.get(key, page) != page:
        # On another page the browser draws the control anew, and asks only for values set.
        st.session_state[key] = st.session_state[key]
    places[key] = page


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
