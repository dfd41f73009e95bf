"""A bounded memory of what was computed: the least recently used results leave first."""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class BoundedCache(Generic[Value]):
    """Thread-safe, least recently used first out, bounded by the sum of its values' sizes.

    Args:
        capacity: bytes of all values together; a larger single value is never kept.
        size_of: bytes of one value. It is asked again whenever one is put: a value may have grown
            by what was computed of it on demand.
        seconds: after which a value is forgotten, however often it was used.
        clock: seconds that only ever grow.
    """

    def __init__(
        self,
        capacity: int,
        size_of: Callable[[Value], int],
        seconds: float = math.inf,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._capacity = capacity
        self._size_of = size_of
        self._seconds = seconds
        self._clock = clock
        self._values: OrderedDict[Hashable, tuple[Value, float]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> Value | None:
        """The value last put under `key`, or None."""
        with self._lock:
            self._forget_old()
            if key not in self._values:
                return None
            self._values.move_to_end(key)
            return self._values[key][0]

    def put(self, key: Hashable, value: Value) -> None:
        """Keeps `value`, dropping others if there is not room for all."""
        with self._lock:
            self._forget_old()
            self._values.pop(key, None)
            if self._size_of(value) > self._capacity:
                return
            self._values[key] = (value, self._clock())
            surplus = self._bytes() - self._capacity
            while surplus > 0:
                _, (dropped, _) = self._values.popitem(last=False)
                surplus -= self._size_of(dropped)

    def clear(self) -> None:
        """Forgets everything."""
        with self._lock:
            self._values.clear()

    @property
    def used(self) -> int:
        """Bytes held now."""
        with self._lock:
            self._forget_old()
            return self._bytes()

    def _bytes(self) -> int:
        return sum(self._size_of(value) for value, _ in self._values.values())

    def _forget_old(self) -> None:
        if self._seconds < math.inf:
            end = self._clock() - self._seconds
            for key in [key for key, (_, made) in self._values.items() if made <= end]:
                del self._values[key]
