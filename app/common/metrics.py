"""What happens on the depth page, in numbers for Prometheus: GET /metrics.

Numbers only: no names of files, no addresses, nothing of a photo.
"""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
OUTCOMES = ("done", "refused", "late", "failed")
_SECONDS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 600)


class Metrics:
    """The counters of one server.

    They are: lapdepth_calls_total and lapdepth_call_seconds by endpoint (the page's own calls are
    "page"), lapdepth_busy_total by reason, lapdepth_responses_total by HTTP status, the gauges
    that `watch` adds, and process_* for memory, processor time and open files.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._calls = Counter(
            "lapdepth_calls",
            "Calls that ended: done, refused (the user's input), late (time limit), failed (a bug "
            "or the machine)",
            ("endpoint", "outcome"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "lapdepth_call_seconds",
            "Duration of a call once it runs",
            ("endpoint",),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._busy = Counter(
            "lapdepth_busy",
            "Requests turned away: queue, client (too many of one client), rate, disk",
            ("reason",),
            registry=self.registry,
        )
        self._responses = Counter(
            "lapdepth_responses", "Answers by HTTP status", ("status",), registry=self.registry
        )

    def watch(self, name: str, text: str, value: Callable[[], float]) -> None:
        """Adds a gauge that is read when the numbers are asked for."""
        Gauge(name, text, registry=self.registry).set_function(value)

    def called(self, endpoint: str, outcome: str, seconds: float) -> None:
        """Counts a call that ended; outcome is one of `OUTCOMES`."""
        self._calls.labels(endpoint, outcome).inc()
        self._seconds.labels(endpoint).observe(seconds)

    def busy(self, reason: str) -> None:
        """Counts a request that was turned away."""
        self._busy.labels(reason).inc()

    def responded(self, status: int) -> None:
        """Counts an answer."""
        self._responses.labels(str(status)).inc()

    def text(self) -> bytes:
        """Everything, in Prometheus' text format."""
        return generate_latest(self.registry)
