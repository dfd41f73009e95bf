"""How many threads this process may really use, and work shared out among them."""

from __future__ import annotations

import functools
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

_CGROUP_QUOTA = Path("/sys/fs/cgroup/cpu.max")  # cgroup v2: "quota period" or "max period"

T = TypeVar("T")
R = TypeVar("R")


def usable_threads(quota_file: Path = _CGROUP_QUOTA) -> int:
    """Cores that this process may run on, a container's quota and OMP_NUM_THREADS respected.

    Libraries count the machine's cores; in a container with a quota of two they would start
    threads for all of them, which then wait for each other.
    """
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    asked = os.environ.get("OMP_NUM_THREADS", "")
    if asked.isdigit() and int(asked) > 0:
        return min(int(asked), cores)
    try:
        quota, period = quota_file.read_text().split()
        if quota != "max":
            cores = min(cores, max(1, round(int(quota) / int(period))))
    except (OSError, ValueError, ZeroDivisionError):
        pass  # no cgroup v2, no quota
    return cores


def in_threads(function: Callable[[T], R], items: Sequence[T]) -> list[R]:
    """`[function(item) for item in items]` on as many cores as this process may use.

    Callers share the threads, so that two of them at once take no more cores than one. What runs in
    them must not call this again: it would wait for itself.
    """
    if len(items) < 2 or usable_threads() == 1:
        return [function(item) for item in items]
    return list(_pool(usable_threads()).map(function, items))


def ahead(function: Callable[[T], R], items: Iterable[T], count: int) -> Iterator[R]:
    """`function(item)` of one item after the other, `count` of them worked on at once.

    The items are read by the caller's thread, only as far ahead as there is work going on, and the
    results come in their order; so memory does not grow with the number of items.

    Raises:
        Exception: what `function` raised, in the place of its result.
    """
    begun: deque[Future[R]] = deque()
    with ThreadPoolExecutor(count, thread_name_prefix="ahead") as pool:
        try:
            for item in items:
                begun.append(pool.submit(function, item))
                if len(begun) > count:
                    yield begun.popleft().result()
            while begun:
                yield begun.popleft().result()
        finally:
            for one in begun:
                one.cancel()


@functools.cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="core")
