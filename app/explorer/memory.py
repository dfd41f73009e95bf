"""The decorator `cached`: results that all pages and sessions share, bounded in bytes.

The results of all `cached` functions share two caches, one for large values and one for the rest,
so that a few large photos never push out the small results of many visitors. In each the least
recently used value is dropped first, and every value after an hour.
"""

from __future__ import annotations

import functools
import inspect
import threading
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, ParamSpec, TypeVar

import numpy as np
from torch import Tensor, nn

from app.common.environment import value
from app.common.result import BoundedCache

HOUR = 3600.0
LARGE_BYTES = 2_000_000  # the network's part of an ordinary prediction has one million
_SMALL_SHARE = 0.25  # of the memory, for what is not large
_LEAST = 200  # bytes of anything, its name and the bookkeeping

Asked = ParamSpec("Asked")
Result = TypeVar("Result")


class Keeper:
    """Two bounded caches, and a lock for each value that is being computed."""

    def __init__(self, capacity: int) -> None:
        small = int(capacity * _SMALL_SHARE)
        self._drawers: tuple[BoundedCache[Any], ...] = (
            BoundedCache(small, bytes_of, HOUR),
            BoundedCache(capacity - small, bytes_of, HOUR),
        )
        self._computing: dict[Hashable, threading.Lock] = defaultdict(threading.Lock)
        self._bookkeeping = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], Result]) -> Result:
        """The value of a key. Where there is none, one thread computes it for all who ask."""
        found = self._find(key)
        if found is not None:
            return found[0]  # type: ignore[no-any-return]
        with self._bookkeeping:
            lock = self._computing[key]
        with lock:
            try:
                found = self._find(key)
                if found is None:
                    found = (make(),)
                    self._drawers[bytes_of(found) > LARGE_BYTES].put(key, found)
            finally:
                with self._bookkeeping:
                    self._computing.pop(key, None)
        return found[0]

    def _find(self, key: Hashable) -> tuple[Any] | None:
        """The value in a tuple, since it may be None itself."""
        return next((hit for d in self._drawers if (hit := d.get(key)) is not None), None)

    @property
    def used(self) -> int:
        """Bytes held now."""
        return sum(drawer.used for drawer in self._drawers)

    def clear(self) -> None:
        """Forgets everything."""
        for drawer in self._drawers:
            drawer.clear()


@functools.cache
def keeper() -> Keeper:
    """The one of this process."""
    return Keeper(int(value("LAPDEPTH_EXPLORER_MB")) * 1_000_000)


def cached(function: Callable[Asked, Result]) -> Callable[Asked, Result]:
    """A function whose results are shared by all sessions.

    Its arguments name the result, save those that begin with `_`. Nobody may change a result;
    arrays are made read-only where they come alone or in a mapping.
    """
    signature = inspect.signature(function)
    named = [name for name in signature.parameters if not name.startswith("_")]
    label = f"{function.__module__}.{function.__qualname__}"

    @functools.wraps(function)
    def look_up(*args: Asked.args, **kwargs: Asked.kwargs) -> Result:
        given = signature.bind(*args, **kwargs)
        given.apply_defaults()
        key = (label, *(given.arguments[name] for name in named))
        return keeper().get(key, lambda: _frozen(function(*args, **kwargs)))

    return look_up


def _frozen(result: Result) -> Result:
    arrays: Iterable[Any] = result.values() if isinstance(result, dict) else (result,)
    for array in arrays:
        if isinstance(array, np.ndarray):
            array.setflags(write=False)
    return result


def bytes_of(thing: Any) -> int:
    """Memory of what a value holds, each array once: in containers, dataclasses and modules."""
    total, waiting, seen = _LEAST, [thing], set()
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, np.ndarray):
            total += node.nbytes
        elif isinstance(node, Tensor):
            total += node.untyped_storage().nbytes()
        elif isinstance(node, bytes | bytearray | str):
            total += len(node)
        elif isinstance(node, nn.Module):
            waiting += [*node.parameters(), *node.buffers()]
        elif isinstance(node, Mapping):
            waiting += list(node.values())
        elif isinstance(node, list | tuple):
            waiting += node
        elif is_dataclass(node) and not isinstance(node, type):
            # What was computed on demand lies beside the fields.
            waiting += list(getattr(node, "__dict__", {}).values()) or [
                getattr(node, field.name) for field in fields(node)
            ]
        elif hasattr(node, "model") and isinstance(node.model, nn.Module):
            waiting.append(node.model)
    return total
