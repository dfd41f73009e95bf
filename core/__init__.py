"""Metric depth from one photo by Laplacian-pyramid depth residuals.

>>> import core
>>> predictor = core.load_predictor("lite-indoor")
>>> prediction = predictor("photo.jpg")
>>> core.point_cloud(prediction, "photo.jpg").save("photo.ply")

Names are imported when they are first used, so that `import core` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from core.errors import DepthError
    from core.geometry.point_cloud import point_cloud
    from core.images.decode import Photo, decode
    from core.prediction import Prediction
    from core.predictor import Predictor, load_predictor

__version__ = "0.1.0"

__all__ = [
    "DepthError",
    "Photo",
    "Prediction",
    "Predictor",
    "__version__",
    "decode",
    "load_predictor",
    "point_cloud",
]

_HOMES = {
    "DepthError": "core.errors",
    "Photo": "core.images.decode",
    "Prediction": "core.prediction",
    "Predictor": "core.predictor",
    "decode": "core.images.decode",
    "load_predictor": "core.predictor",
    "point_cloud": "core.geometry.point_cloud",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
