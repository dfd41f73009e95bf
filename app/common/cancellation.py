"""Cancellation: whether anybody still waits for what is being computed.

A call runs in a thread that nobody can stop from outside; long work asks between its steps.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from threading import Event

from app.common.environment import number
from core.files.geometry_process import Apart

_stopping = Event()
_still_wanted: ContextVar[Callable[[], bool]] = ContextVar("wanted", default=lambda: True)


def set_still_wanted(question: Callable[[], bool]) -> None:
    """Sets what `cancelled` asks in everything that is started from here."""
    _still_wanted.set(question)


def cancelled() -> Callable[[], bool]:
    """A question that can be asked from any thread: has the client left, or does the server end?"""
    question = _still_wanted.get()
    return lambda: _stopping.is_set() or not question()


def cancel_all() -> None:
    """From now on everything is cancelled: the server ends."""
    _stopping.set()


def geometry_limits(tell: Callable[[int, int], None] = lambda done, total: None) -> Apart:
    """The limits of one call's work in 3D, whose process also ends when the call is cancelled."""
    question = cancelled()
    megabytes = number("LAPDEPTH_3D_MB")
    return Apart(int(megabytes * 1_000_000), wanted=lambda: not question(), tell=tell)
