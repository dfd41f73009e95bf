"""The known length that a reader rescales a photo by, kept while the photo stays.

It is part of the address where the photo is: an uploaded one is not, so neither is its length.
"""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from core.errors import CameraError
from core.geometry.calibration import KnownLength

ADDRESS = "known"  # u0,v0,u1,v1,metres
_STATE = "known length"


@dataclass(frozen=True)
class _Kept:
    """What was marked, and the sha256 of the photo that it was marked on (None: any)."""

    length: KnownLength | None
    photo: str | None


def known_for(photo: str, *, addressed: bool) -> KnownLength | None:
    """The length that this session, or the address that began it, has for a photo.

    Args:
        photo: sha256 of the photo; another one forgets what was marked.
        addressed: the address names the photo, so that it may name the length as well.
    """
    kept: _Kept = st.session_state.get(_STATE) or _Kept(_from_address(), None)
    if kept.photo not in (None, photo) or (kept.photo is None and not addressed):
        kept = _Kept(None, photo)
    st.session_state[_STATE] = _Kept(kept.length, photo)
    if addressed and kept.length is not None:
        text = _text(kept.length)
        if st.query_params.get(ADDRESS) != text:
            st.query_params[ADDRESS] = text
    elif ADDRESS in st.query_params:
        del st.query_params[ADDRESS]
    return kept.length


def keep(length: KnownLength | None, photo: str) -> None:
    """Rescales a photo from the next run on; None puts it back into the model's own scale."""
    st.session_state[_STATE] = _Kept(length, photo)


def _from_address() -> KnownLength | None:
    try:
        return KnownLength.from_numbers(
            [float(part) for part in st.query_params.get(ADDRESS, "").split(",")]
        )
    except (ValueError, CameraError):
        return None


def _text(length: KnownLength) -> str:
    return ",".join(f"{number:g}" for number in (*length.start, *length.end, length.metres))
