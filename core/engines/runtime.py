"""ONNX Runtime without its reports to its maker, which are on unless it is told otherwise."""

from __future__ import annotations

import os
from typing import Any


def load_onnxruntime() -> Any:
    """The package, imported so that it sends nothing and leaves no identifier in the home folder.

    Since 1.29 its builds for Linux and macOS keep an identifier and a database of reports for their
    maker there, unless this variable is set while they are imported; Windows has the call.
    """
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime  # type: ignore[import-untyped]

    onnxruntime.disable_telemetry_events()
    return onnxruntime
