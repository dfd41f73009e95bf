"""How much the depth page gives, to all of its clients and to each of them.

Read from the environment once, at the start; a value that is no number is one sentence, not a
traceback.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import ipaddress
import math
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from app.common.cancellation import wanted
from app.common.environment import value
from core.errors import ConfigError
from core.files.geometry_process import Apart
from core.images.limits import DEFAULT_LIMITS

M_ARENA_MAX = -8  # malloc.h
ARENAS = 2  # one for the main thread, one for all others; they compute outside of malloc
SECONDS = 5.0


def share_arenas() -> None:
    """Limits the heaps among which glibc spreads the threads; call it before any thread starts.

    By default every new thread may get one of eight for each core. Each keeps the holes between
    blocks in use that once held its largest photo, so that the process grows for hours.
    """
    with contextlib.suppress(OSError, AttributeError):  # another C library
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, ARENAS)


async def give_back_memory() -> None:
    """Hands freed memory back to the system, again and again."""
    with contextlib.suppress(OSError, AttributeError):
        trim = ctypes.CDLL(None).malloc_trim
        while True:
            await asyncio.sleep(SECONDS)
            await asyncio.to_thread(trim, 0)


def geometry_limits() -> Apart:
    """The limits of one call, which also ends its process when nobody waits for it any more."""
    return Apart(int(value("LAPDEPTH_3D_MB")) * 1_000_000, wanted=wanted())


METRICS_FOR = ("local", "all", "off")
_MINUTE = 60.0
_REMEMBERED = 10_000  # clients whose calls of the last minute are counted
_IPV6_SITE = 64  # bits: one customer of a provider has all addresses that share them


@dataclass(frozen=True)
class ServerLimits:
    """What the environment says, or the defaults.

    Attributes:
        queue: calls of all clients that may wait.
        client_queue: calls of one client that may wait or run.
        rate: calls of one client in a minute; 0 is no limit.
        call_seconds: how long one call may run.
        batch_seconds: how long one batch may run.
        upload_bytes: of one upload, all its files together.
        cache_bytes: memory for results that are kept.
        temp_bytes: disk for uploads and results.
        connections: open at a time, pages that only listen among them.
        metrics: who may read /metrics: "local" programs, "all", or nobody ("off").
    """

    queue: int = 32
    client_queue: int = 24
    rate: int = 0
    call_seconds: float = 120.0
    batch_seconds: float = 1800.0
    upload_bytes: float = 1000e6
    cache_bytes: int = 192_000_000
    temp_bytes: float = 4000e6
    connections: int = 512
    metrics: str = "local"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> ServerLimits:
        """Reads the variables named LAPDEPTH_...

        Raises:
            ConfigError: one of them is out of range; names it.
        """

        def number(name: str, default: float, low: float) -> float:
            text = environment.get(name) or str(default)
            try:
                value = float(text)
            except ValueError:
                value = math.nan
            if not low <= value < math.inf:
                raise ConfigError(
                    f"{name} is {text[:40]!r}, expected a number from {low:g}: for example "
                    f"{name}={default:g}."
                )
            return value

        metrics = environment.get("LAPDEPTH_METRICS") or cls.metrics
        if metrics not in METRICS_FOR:
            raise ConfigError(
                f"LAPDEPTH_METRICS is {metrics[:40]!r}, expected one of "
                f"{', '.join(METRICS_FOR)}: leave it out for local."
            )
        return cls(
            queue=int(number("LAPDEPTH_QUEUE", cls.queue, 1)),
            client_queue=int(number("LAPDEPTH_CLIENT_QUEUE", cls.client_queue, 1)),
            rate=int(number("LAPDEPTH_RATE", cls.rate, 0)),
            call_seconds=number("LAPDEPTH_CALL_SECONDS", cls.call_seconds, 1),
            batch_seconds=number("LAPDEPTH_BATCH_SECONDS", cls.batch_seconds, 1),
            upload_bytes=number("LAPDEPTH_UPLOAD_MB", cls.upload_bytes / 1e6, 1) * 1e6,
            cache_bytes=int(number("LAPDEPTH_CACHE_MB", cls.cache_bytes / 1e6, 0) * 1e6),
            temp_bytes=number("LAPDEPTH_TEMP_MB", cls.temp_bytes / 1e6, 1) * 1e6,
            connections=int(number("LAPDEPTH_CONNECTIONS", cls.connections, 8)),
            metrics=metrics,
        )

    @property
    def file_bytes(self) -> int:
        """Of one uploaded file: no more than a picture may have."""
        return int(min(DEFAULT_LIMITS.max_bytes, self.upload_bytes))


class RateLimit:
    """Calls per client in the last minute. For one thread (the server's event loop).

    Args:
        per_minute: how many are let through; 0 lets all through.
        clock: seconds that only ever grow, whatever happens to the time of day.
    """

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_minute = per_minute
        self._clock = clock
        self._calls: OrderedDict[str, deque[float]] = OrderedDict()

    def wait(self, client: str) -> float:
        """Counts a call; seconds that the client has to wait first, 0 where it need not.

        A call that has to wait is not counted.
        """
        if not self._per_minute:
            return 0.0
        now = self._clock()
        calls = self._calls.setdefault(client, deque())
        self._calls.move_to_end(client)
        while len(self._calls) > _REMEMBERED:
            self._calls.popitem(last=False)
        while calls and now - calls[0] >= _MINUTE:
            calls.popleft()
        if len(calls) >= self._per_minute:
            return calls[0] + _MINUTE - now
        calls.append(now)
        return 0.0


def client_of(address: str | None) -> str:
    """Who a network address counts as: itself, or its whole site where it is IPv6."""
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return address or "unknown"
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, _IPV6_SITE), strict=False))
    return str(parsed)


def is_local(address: str | None) -> bool:
    """Whether a network address is this machine's own."""
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return False
    mapped = getattr(parsed, "ipv4_mapped", None)
    return (mapped or parsed).is_loopback
