"""ONNX Runtime, silent: its builds report to their maker unless told otherwise."""

from __future__ import annotations

import os
from typing import Any


def load_onnxruntime() -> Any:
    """The package, imported so that it sends nothing and leaves no identifier in the home folder.

    Since 1.29 its builds for Linux and macOS report every session over the network. They ask this
    variable once, while they are imported; Windows has the call.
    """
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime  # type: ignore[import-untyped]

    onnxruntime.disable_telemetry_events()
    return onnxruntime
