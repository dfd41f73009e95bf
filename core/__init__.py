"""Metric depth from one photo by Laplacian-pyramid depth residuals.

>>> import core
>>> predictor = core.load_predictor("lite-indoor")
>>> prediction = predictor("photo.jpg")
>>> core.point_cloud(prediction, "photo.jpg").save("photo.ply")

Names are imported when they are first used, so that `import core` costs nothing.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from core.version import VERSION

if TYPE_CHECKING:
    from core.errors import DepthError
    from core.image import Photo, decode
    from core.point_cloud import point_cloud
    from core.prediction import Prediction
    from core.predictor import Predictor, load_predictor

__version__ = VERSION

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
    "Photo": "core.image",
    "Prediction": "core.prediction",
    "Predictor": "core.predictor",
    "decode": "core.image",
    "load_predictor": "core.predictor",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


class _Package(ModuleType):
    """`core.point_cloud` is a function and, on disk, the module that holds it.

    Importing the module makes Python bind it to the package under that name; here the function
    stays.
    """

    if not TYPE_CHECKING:

        @property
        def point_cloud(self) -> Any:
            return import_module("core.point_cloud").point_cloud

        @point_cloud.setter
        def point_cloud(self, module: ModuleType) -> None:
            pass


sys.modules[__name__].__class__ = _Package
