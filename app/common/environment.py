"""The environment variables that configure the program: one table, checked before anything starts.

`docs/configuration.md` is made from this table (`python -m scripts.reference`), and a test compares
it with what the sources read.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

from core.errors import ConfigError
from core.images.limits import DEFAULT_LIMITS
from core.weights.registry import named_folder

_SHOWN = 40  # characters of a wrong value that an error repeats


@dataclass(frozen=True)
class Variable:
    """One setting.

    Attributes:
        name: of the environment variable.
        default: what holds where it is missing or empty, as written in the environment; empty
            where nothing does.
        meaning: for the table, in one line.
        group: who reads it, a heading of the table.
        expected: a pattern that its whole value has to match, the least number that it may be,
            or None where whoever reads it checks it or anything goes.
        hint: what that pattern says, in words.
    """

    name: str
    default: str
    meaning: str
    group: str
    expected: str | float | None = None
    hint: str = ""


_SITE = r"https?://[\w.-]+(?::\d+)?(?:/[\w./-]*)?"
_SITES = r"https?://[\w.*-]+(:\d+)?( https?://[\w.*-]+(:\d+)?)*"
_START, _PAGE, _FILES, _SET_UP = "Start", "Pages", "Files and threads", "Set-up with make"
_LIMITS = "Limits of the depth page"

VARIABLES = (
    Variable("HOST", "127.0.0.1", "address both pages listen on; `0.0.0.0` is every one", _START),
    Variable("GRADIO_PORT", "7860", "port of the depth page and its HTTP interface", _START),
    Variable("STREAMLIT_PORT", "8501", "port of the explorer", _START),
    Variable(
        "LAPDEPTH_PAGES",
        "depth,explorer",
        "which pages `make demo` and the container start",
        _START,
        r"(depth|explorer)(,(depth|explorer))?",
        "depth, explorer or depth,explorer",
    ),
    Variable(
        "LAPDEPTH_LOG",
        "text",
        "`json`: every line of the log is a JSON object",
        _START,
        "text|json",
        "text or json",
    ),
    Variable("LAPDEPTH_MODEL", "auto", "model that the pages start with", _PAGE),
    Variable(
        "LAPDEPTH_MODELS",
        "",
        "folder of checkpoints, for pages and commands; else the shipped `checkpoints`",
        _FILES,
    ),
    Variable(
        "LAPDEPTH_PROFILES",
        "",
        "folder of named scale profiles; else `lapdepth/profiles` in the user's configuration",
        _FILES,
    ),
    Variable("LAPDEPTH_USER", "", "with a password: the depth page asks for them", _PAGE),
    Variable("LAPDEPTH_PASSWORD", "", "belongs to `LAPDEPTH_USER`", _PAGE),
    Variable(
        "LAPDEPTH_FRAMES",
        "",
        "sites that may show the pages inside theirs, separated by spaces; else none",
        _PAGE,
        _SITES,
        "addresses such as https://example.org, separated by spaces",
    ),
    Variable(
        "LAPDEPTH_HANDOFF",
        "",
        "folder through which the pages hand a photo to each other, readable by their user only; "
        "`make demo` makes one; without it they show no links to each other",
        _PAGE,
    ),
    Variable(
        "LAPDEPTH_SITES",
        "",
        "public addresses of the depth page and the explorer, separated by a space, where a proxy "
        "gives them others than this machine's name with the two ports",
        _PAGE,
        rf"{_SITE} {_SITE}",
        "two addresses such as https://depth.example.org https://explorer.example.org",
    ),
    Variable(
        "LAPDEPTH_MCP",
        "off",
        "`on`: the HTTP endpoints are also tools for language models (MCP)",
        _PAGE,
        "on|off",
        "on or off",
    ),
    Variable(
        "LAPDEPTH_ADAPT",
        "off",
        "`on`: visitors of the depth page may adapt models to frames of their own, which takes "
        "minutes of idle cores and adds a model for everybody; `make demo` says so where `HOST` "
        "is this machine alone",
        _PAGE,
        "on|off",
        "on or off",
    ),
    Variable("LAPDEPTH_QUEUE", "32", "calls that may wait; more are refused", _LIMITS, 1),
    Variable("LAPDEPTH_CLIENT_QUEUE", "24", "calls of one client, waiting or running", _LIMITS, 1),
    Variable("LAPDEPTH_CALL_SECONDS", "120", "how long one call may run", _LIMITS, 1),
    Variable("LAPDEPTH_BATCH_SECONDS", "1800", "how long one batch may run", _LIMITS, 1),
    Variable("LAPDEPTH_UPLOAD_MB", "1000", "of one upload, all its files together", _LIMITS, 1),
    Variable("LAPDEPTH_CACHE_MB", "192", "memory for results that are kept", _LIMITS, 0),
    Variable(
        "LAPDEPTH_3D_MB",
        "4000",
        "memory for one heavy piece of work in 3D, on both pages",
        _PAGE,
        100,
    ),
    Variable("LAPDEPTH_TEMP_MB", "4000", "disk for uploads and results; the oldest go", _LIMITS, 1),
    Variable("LAPDEPTH_CONNECTIONS", "512", "connections open at a time", _LIMITS, 8),
    Variable(
        "LAPDEPTH_METRICS",
        "local",
        "who may read `/metrics` (Prometheus): `local`, `all` or `off`",
        _LIMITS,
        "local|all|off",
        "local, all or off",
    ),
    Variable(
        "LAPDEPTH_EXPLORER_MB",
        "1000",
        "memory of the explorer for photos and what is computed of them",
        _PAGE,
        10,
    ),
    Variable(
        "LAPDEPTH_CACHE", "", "folder for converted models; else the system's cache folder", _FILES
    ),
    Variable(
        "LAPDEPTH_DATA",
        "../shared/data",
        "folder with real data sets, for tests, training and evaluation",
        _FILES,
    ),
    Variable(
        "OMP_NUM_THREADS", "", "processor threads of the network; else one for each core", _FILES
    ),
    Variable(
        "TORCH_INDEX",
        "",
        "package index for torch; else that for CPUs on Linux without an NVIDIA driver, or pip's",
        _SET_UP,
    ),
    Variable("PYTHON", "python3", "the Python that makes `.venv` (3.11 or newer)", _SET_UP),
)
_BY_NAME = {variable.name: variable for variable in VARIABLES}


def value(name: str, environment: Mapping[str, str] | None = None) -> str:
    """What a variable of the table says, its default where it is missing or empty.

    Args:
        environment: to read from; None is this process's.

    Raises:
        ConfigError: a value that is not what the table expects.
    """
    variable = _BY_NAME[name]
    text = (os.environ if environment is None else environment).get(name) or variable.default
    expected, hint = variable.expected, variable.hint
    if isinstance(expected, str):
        fits = not text or re.fullmatch(expected, text, re.ASCII) is not None
    else:
        fits = expected is None or expected <= _finite(text)
        hint = f"a number from {expected}"
    if not fits:
        example = f"{name}={variable.default}" if variable.default else f"no {name}"
        raise ConfigError(f"{name} is {text[:_SHOWN]!r}; expected {hint}. For example: {example}")
    return text


def number(name: str, environment: Mapping[str, str] | None = None) -> float:
    """A variable of the table that is a number; arguments and errors as for `value`."""
    return float(value(name, environment))


def _finite(text: str) -> float:
    """A finite number, or NaN where a text is none."""
    try:
        found = float(text)
    except ValueError:
        return math.nan
    return found if math.isfinite(found) else math.nan


def check(environment: Mapping[str, str] | None = None) -> None:
    """Reads every variable once, so that a wrong one stops the start and not a request.

    Raises:
        ConfigError: the first that is not as the table expects.
        CheckpointError: a folder of models that is not there.
    """
    for variable in VARIABLES:
        value(variable.name, environment)
    named_folder(environment)


@dataclass(frozen=True)
class ServerLimits:
    """How much the depth page gives, to all of its clients and to each of them.

    Attributes:
        queue: calls of all clients that may wait.
        client_queue: calls of one client that may wait or run.
        call_seconds, batch_seconds: how long one call, or one batch, may run.
        upload_bytes: of one upload, all its files together.
        cache_bytes: memory for results that are kept.
        temp_bytes: disk for uploads and results.
        connections: open at a time, pages that only listen among them.
        metrics: who may read /metrics: "local" programs, "all", or nobody ("off").
    """

    queue: int
    client_queue: int
    call_seconds: float
    batch_seconds: float
    upload_bytes: float
    cache_bytes: int
    temp_bytes: float
    connections: int
    metrics: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> ServerLimits:
        """Reads the variables; an empty mapping gives the defaults."""
        return cls(
            queue=int(number("LAPDEPTH_QUEUE", environment)),
            client_queue=int(number("LAPDEPTH_CLIENT_QUEUE", environment)),
            call_seconds=number("LAPDEPTH_CALL_SECONDS", environment),
            batch_seconds=number("LAPDEPTH_BATCH_SECONDS", environment),
            upload_bytes=number("LAPDEPTH_UPLOAD_MB", environment) * 1e6,
            cache_bytes=int(number("LAPDEPTH_CACHE_MB", environment) * 1e6),
            temp_bytes=number("LAPDEPTH_TEMP_MB", environment) * 1e6,
            connections=int(number("LAPDEPTH_CONNECTIONS", environment)),
            metrics=value("LAPDEPTH_METRICS", environment),
        )

    @property
    def file_bytes(self) -> int:
        """Of one uploaded file: no more than a picture may have."""
        return int(min(DEFAULT_LIMITS.max_bytes, self.upload_bytes))
