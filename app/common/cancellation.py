"""Whether anybody still waits for what is being computed.

A call runs in a thread that nobody can stop from outside; long work asks between its steps.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from threading import Event

_stopping = Event()
_wanted: ContextVar[Callable[[], bool]] = ContextVar("wanted", default=lambda: True)


def set_wanted(question: Callable[[], bool]) -> None:
    """Sets what `wanted` gives to everything that is started from here."""
    _wanted.set(question)


def wanted() -> Callable[[], bool]:
    """A question that can be asked from any thread: does the client still wait, and the server?"""
    question = _wanted.get()
    return lambda: question() and not _stopping.is_set()


def stop_all() -> None:
    """From now on nothing is wanted: the server ends."""
    _stopping.set()
