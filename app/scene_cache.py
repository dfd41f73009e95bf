"""A bounded memory of what was computed: the least recently used results leave first."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class BoundedCache(Generic[Value]):
    """Thread-safe, least recently used first out, bounded by the sum of its values' sizes.

    Args:
        capacity: bytes of all values together; a larger single value is never kept.
        size_of: bytes of one value.
    """

    def __init__(self, capacity: int, size_of: Callable[[Value], int]) -> None:
        self._capacity = capacity
        self._size_of = size_of
        self._values: OrderedDict[Hashable, tuple[Value, int]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> Value | None:
        """The value last put under `key`, or None."""
        with self._lock:
            if key not in self._values:
                return None
            self._values.move_to_end(key)
            return self._values[key][0]

    def put(self, key: Hashable, value: Value) -> None:
        """Keeps `value`, dropping others if there is not room for all."""
        size = self._size_of(value)
        with self._lock:
            self._values.pop(key, None)
            if size > self._capacity:
                return
            self._values[key] = (value, size)
            while sum(bytes_ for _, bytes_ in self._values.values()) > self._capacity:
                self._values.popitem(last=False)

    def clear(self) -> None:
        """Forgets everything."""
        with self._lock:
            self._values.clear()

    @property
    def used(self) -> int:
        """Bytes held now."""
        with self._lock:
            return sum(size for _, size in self._values.values())
