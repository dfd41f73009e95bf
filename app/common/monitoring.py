"""What a running program says of itself: its log, and numbers for Prometheus (GET /metrics).

The log is for people (text) or for machines (LAPDEPTH_LOG=json: one JSON object a line, with the
keys `time` in UTC, `level`, `logger`, `message`, and `exception` where there is one). What a
library prints past `logging` is wrapped by the launcher (`relay`), so that every line of
`python -m app.demo` can be parsed. The numbers hold no names of files, no addresses, nothing of a
photo.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import TextIO

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

from app.common import environment

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
OUTCOMES = ("done", "refused", "late", "failed")
_SECONDS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 600)

_TEXT = "%(asctime)s %(levelname)s %(name)s %(message)s"
_CHATTY = ("httpx", "httpcore", "asyncio")
_writing = threading.Lock()


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


class JsonFormatter(logging.Formatter):
    """A record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC)
        entry = _entry(moment, record.levelname, record.name, record.getMessage())
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False)


def as_json(variables: Mapping[str, str] | None = None) -> bool:
    """Whether the environment asks for JSON."""
    return environment.value("LAPDEPTH_LOG", variables) == "json"


def configure() -> None:
    """Sets up the logging of a page's process, as the environment asks for it.

    May be called again: loggers that came since, with handlers of their own (Streamlit's), then
    get the same format.
    """
    if not as_json():
        logging.basicConfig(level=logging.INFO, format=_TEXT)
    else:
        formatter = JsonFormatter()
        if not logging.root.handlers:
            handler = logging.StreamHandler()
            logging.root.addHandler(handler)
            logging.root.setLevel(logging.INFO)
            logging.captureWarnings(capture=True)
            sys.excepthook = _log_uncaught
        known = (logging.root, *logging.root.manager.loggerDict.values())
        for logger in known:
            for handler in getattr(logger, "handlers", ()):
                handler.setFormatter(formatter)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)


def relay(lines: Iterable[bytes], source: str, target: TextIO | None = None) -> None:
    """Passes on the output of a page: JSON objects as they are, anything else inside one.

    Args:
        source: name of the page, `logger` of what is wrapped.
    """
    for raw in lines:
        line = raw.decode(errors="replace").rstrip()
        if line and not _is_object(line):
            line = json.dumps(_entry(datetime.now(UTC), "INFO", source, line), ensure_ascii=False)
        if line:
            with _writing:
                print(line, file=target or sys.stdout, flush=True)


def _is_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


def _entry(moment: datetime, level: str, logger: str, message: str) -> dict[str, str]:
    time = moment.isoformat(timespec="milliseconds")
    return {"time": time, "level": level, "logger": logger, "message": message}


def _log_uncaught(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    logging.getLogger("app").critical("ended by an error", exc_info=(kind, error, trace))
