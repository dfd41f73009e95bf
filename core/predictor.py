"""Photo in, metric depth out: decoding, working size, one pass of an engine, full size, metres.

>>> predictor = load_predictor("lite-indoor")
>>> prediction = predictor("photo.jpg")
>>> prediction.depth  # (H, W) float32 metres
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypedDict, Unpack

import numpy as np
from numpy.typing import NDArray

from core.camera import GivenCamera, Intrinsics, SizedCamera, choose_intrinsics
from core.engines import Engine, open_engine
from core.engines.model_choice import Chooser, chooser_for
from core.engines.onnx_engine import give_back_memory
from core.errors import EngineError
from core.images.decode import Photo, Source, decode
from core.images.projection import EQUIRECTANGULAR, PINHOLE, projection_note, sphere_camera
from core.images.resize import checked_resolution, working_size
from core.images.surfaces import flatten_surfaces
from core.images.upsample import Guide, upsample_depth
from core.prediction import (
    Prediction,
    PredictionLevel,
    WorkingPass,
    checked_switch,
    depth_of_levels,
    size_note,
)
from core.weights.checkpoint import find_model
from core.weights.choice_table import AUTO
from core.weights.model_info import ModelInfo
from core.weights.network_input import normalised

__all__ = [
    "AnyPredictor",
    "AutoPredictor",
    "Prediction",
    "PredictionLevel",
    "Predictor",
    "load_model",
    "load_predictor",
]
_ROOM = 20.0  # metres; a model that sees no farther sees rooms
_LARGE = 3 * 4_000_000  # bytes of a photo beside which the network's features count

PhotoSource = Photo | Source


def load_predictor(
    name_or_path: str | Path = "auto",
    device: str = "auto",
    engine: str = "auto",
    *,
    precision: str = "float32",
) -> AnyPredictor:
    """Loads a model for prediction.

    Args:
        name_or_path: of the registry (`checkpoints/NAME.safetensors`), or a checkpoint's path;
            "auto" lets every photo choose, and its prediction says which model it was.
        device: "auto" (CUDA, else Apple's Metal, else the CPU), "cuda", "mps" or "cpu".
        engine: "auto" (the fastest installed for the device), "torch" or "onnx".
        precision: "float32"; "float16" or "bfloat16" on a GPU; "int8" on the CPU, somewhat faster
            and less accurate (docs/performance.md says by how much).

    Raises:
        CheckpointError: no such model, a damaged or swapped file, or "auto" cannot choose.
        EngineError: an engine, device or precision that is unknown or not available.
    """
    load = partial(load_model, device=device, engine=engine, precision=precision)
    chooser = chooser_for(str(name_or_path))
    if chooser is None:
        return load(name_or_path)
    predictor = AutoPredictor(chooser, load)
    predictor.model(chooser.models[0])  # what cannot be loaded is said now, and not by a photo
    return predictor


def load_model(
    name_or_path: str | Path,
    device: str = "auto",
    engine: str = "auto",
    precision: str = "float32",
    at_once: int = 1,
) -> Predictor:
    """`load_predictor` for one model, by its name or path.

    Args:
        at_once: passes that share the cores, where ONNX Runtime computes them: for many pictures
            in a row more of them a second, for a single one it takes longer.
    """
    info = find_model(name_or_path)
    opened = open_engine(info, device=device, engine=engine, precision=precision, at_once=at_once)
    return Predictor(info, opened, at_once if opened.name == "onnx" else 1)


class Asked(TypedDict, total=False):
    """The keywords of a call, as `Predictor.__call__` describes them."""

    resolution: int | None
    flip: bool
    fov: float | None
    intrinsics: GivenCamera | None


class AnyPredictor(Protocol):
    """Photo in, depth out: a `Predictor`, or one that chooses between several."""

    def __call__(self, image: PhotoSource, **asked: Unpack[Asked]) -> Prediction: ...


@dataclass(frozen=True, eq=False)
class Passed:
    """What a pass of the network gave for a photo, at its working size.

    Attributes:
        depth: (h, w) float32 metres.
        working: what is kept of the unflipped pass.
        intrinsics: of the photo.
        focal_scale: as in `Prediction`.
        settings: as in `Prediction`.
        seconds: that it took.
        guide: for `Predictor.finished`; None, in what is kept for long, makes it anew.
    """

    depth: NDArray[np.float32]
    working: WorkingPass
    intrinsics: Intrinsics
    focal_scale: float
    settings: Mapping[str, Any]
    seconds: float
    guide: Guide | None

    def small(self) -> Passed:
        """Without what has the photo's own size."""
        return replace(self, guide=None)


class Predictor:
    """A loaded model; safe to call from several threads at once.

    Nothing is kept between calls. Unless told otherwise, one pass through the network runs at a
    time: two at once need twice the memory, and gain only with a thread each (docs/performance.md).
    """

    def __init__(self, info: ModelInfo, engine: Engine, at_once: int = 1) -> None:
        self.info = info
        self.engine = engine
        self._turn = threading.BoundedSemaphore(at_once)

    def __call__(
        self,
        image: PhotoSource,
        *,
        resolution: int | None = None,
        flip: bool = False,
        fov: float | None = None,
        intrinsics: GivenCamera | None = None,
    ) -> Prediction:
        """Predicts the depth of one photo.

        A photo that already has the working size is neither resampled nor filtered, on the way in
        or out. A panorama is cut into views (`core.panorama`); its depth is distance.

        Args:
            image: a path, encoded bytes, a Pillow image, an (H, W, 3) uint8 RGB array or a `Photo`.
            resolution: working height in pixels, rounded to a multiple of 16; None is the model's.
            flip: average with the mirrored photo's prediction (twice the work).
            fov: horizontal field of view in degrees, if known; 360 says that this is a whole
                panorama, which is cut into views, as it is where its tags or its ends say so.
            intrinsics: fx, fy, cx, cy in pixels of the photo, if known; or a `SizedCamera`, for
                instance a profile's.

        Raises:
            ImageError: a picture that cannot be decoded or is out of limits.
            ConfigError: a resolution out of range, or a flip that is neither True nor False.
            CameraError: a field of view or intrinsics that no camera has.
            EngineError: out of memory, or the network gave values that are not numbers.
        """
        asked = None if resolution is None else checked_resolution(resolution)
        checked_switch("flip", flip)
        photo = image if isinstance(image, Photo) else decode(image)
        around = sphere_camera(photo, fov, intrinsics)
        if around is None:
            return self.finished(self.passed(photo, asked, flip, fov, intrinsics), photo)
        from core.panorama.prediction import predicted  # SciPy: only panoramas pay for it

        def look(view: Photo, camera: Intrinsics) -> Prediction:
            return self.finished(self.passed(view, asked, flip, None, camera), view)

        def enlarge(depth: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
            return upsample_depth(depth, Guide(photo.rgb, size))

        side = working_size((1, 1), self.info.working_height, asked)[0]
        return predicted(photo, around, side, look, enlarge)

    def passed(
        self,
        photo: Photo,
        resolution: int | None = None,
        flip: bool = False,
        fov: float | None = None,
        intrinsics: GivenCamera | None = None,
        *,
        sharpens: bool = True,
    ) -> Passed:
        """The network's part of a prediction; arguments and errors as for a call.

        Args:
            sharpens: as `core.images.upsample.Guide`'s.
        """
        asked = None if resolution is None else checked_resolution(resolution)
        started = time.perf_counter()
        height, width = photo.rgb.shape[:2]
        size = working_size((width, height), self.info.working_height, asked)
        camera = choose_intrinsics(
            (width, height),
            camera=self.info.camera,
            focal_px=photo.focal_px,
            fov=fov,
            given=intrinsics,
        )
        scale = focal_scale(self.info, camera, (width, height), size)
        flip = checked_switch("flip", flip)
        guide = Guide(photo.rgb, size, sharpens=sharpens)
        working, depth = self._pass(guide.seen, flip, scale)
        settings = {
            "resolution": asked,
            "flip": flip,
            "fov": None if fov is None else float(fov),
            "intrinsics": _four(camera, intrinsics),
            "working_size": list(size),
            "engine": self.engine.name,
            "device": self.engine.device,
            "precision": self.engine.precision,
        }
        spent = time.perf_counter() - started
        return Passed(depth, working, camera, scale, settings, spent, guide)

    def finished(self, passed: Passed, photo: Photo) -> Prediction:
        """Depth at the photo's own size, without another pass of the network."""
        started = time.perf_counter()
        width, height = passed.settings["working_size"]
        guide = passed.guide or Guide(photo.rgb, (width, height))
        if photo.rgb.size > _LARGE:
            give_back_memory()  # the network's features, before the map at the photo's size
        same = passed.depth.shape == photo.rgb.shape[:2]  # then it stays as it is
        metres = passed.depth if same else upsample_depth(self.flat(passed, guide), guide)
        if photo.transparent is not None:
            metres[photo.transparent] = np.nan
        size = photo.rgb.shape[1], photo.rgb.shape[0]
        own = working_size(size, self.info.working_height)
        around = photo.projection == EQUIRECTANGULAR
        asked = passed.settings["resolution"]
        enlargement = 1.0 if asked is None else width / own[0]
        spent = passed.seconds + time.perf_counter() - started
        return Prediction(
            depth=metres,
            intrinsics=passed.intrinsics,
            focal_scale=passed.focal_scale,
            info=self.info,
            settings=passed.settings,
            milliseconds=spent * 1000,
            photo_size=size,
            working=passed.working,
            pinhole=photo.projection == PINHOLE,
            enlargement=enlargement,
            notes=(
                *photo.notes,
                *(projection_note(EQUIRECTANGULAR, photo.rgb) if around else ()),
                *size_note(enlargement, own[1], height),
            ),
        )

    def flat(self, passed: Passed, guide: Guide) -> NDArray[np.float32]:
        """Depth at the working size with flat surfaces, in a room straight and square ones."""
        if self.info.config.max_depth > _ROOM:
            return flatten_surfaces(passed.depth)
        (height, width), (h, w) = guide.rgb.shape[:2], passed.depth.shape
        camera = passed.intrinsics.resized(width, height, w, h)
        flat = flatten_surfaces(passed.depth, (guide.seen, camera))
        return np.minimum(flat, np.float32(self.info.config.max_depth * passed.focal_scale))

    def _pass(
        self, rgb: NDArray[np.uint8], flip: bool, focal_scale: float
    ) -> tuple[WorkingPass, NDArray[np.float32]]:
        """The network's view (h, w, 3) to what is kept of it and (h, w) metres."""
        image = normalised(rgb)
        if flip:
            image = np.concatenate((image, image[..., ::-1]))
        with self._turn:
            residuals = self.engine.run(image)
        if not all(np.isfinite(residual).all() for residual in residuals):
            raise EngineError(
                f"The model {self.info.name!r} gave values that are not finite numbers for this "
                "photo, expected metres: its file may be damaged, get it again, or use another."
            )
        depth = depth_of_levels(residuals, self.info.config.max_depth, focal_scale)[-1]
        metres = depth[0, 0]
        if flip:
            metres = (metres + depth[1, 0, :, ::-1]) / 2
        return WorkingPass(rgb, [residual[:1].copy() for residual in residuals]), metres


def focal_scale(
    info: ModelInfo, camera: Intrinsics, photo: tuple[int, int], working: tuple[int, int]
) -> float:
    """Focal length at the network's input / the canonical one, 1.0 for a model without.

    Args:
        photo, working: width and height in pixels, of the photo and of the network's input.
    """
    canonical = info.config.focal
    if canonical is None:
        return 1.0
    seen = camera.resized(*photo, *working)
    # The two sides are rounded to multiples of 16 each, so the pixels are nearly square only.
    return math.sqrt(seen.fx * seen.fy) / canonical


def _four(camera: Intrinsics, given: GivenCamera | None) -> list[float] | None:
    """What was given as four numbers of this photo; a camera of another size is a profile's."""
    if given is None or isinstance(given, SizedCamera):
        return None
    return [camera.fx, camera.fy, camera.cx, camera.cy]


class AutoPredictor:
    """Predicts every photo with the model that suits it; safe to call from several threads at once.

    A prediction's `info` names its model, its `settings["chosen"]` says how that was chosen.

    Args:
        load: loads a model by its name; each is loaded when the first photo needs it.
    """

    def __init__(self, chooser: Chooser, load: Callable[[str], Predictor]) -> None:
        self._chooser = chooser
        self._load = load
        self._loaded: dict[str, Predictor] = {}
        self._loading = threading.Lock()

    def __call__(self, image: PhotoSource, **asked: Unpack[Asked]) -> Prediction:
        """Predicts one photo; arguments and errors as in `Predictor.__call__`."""
        checked_switch("flip", asked.get("flip", False))
        photo = image if isinstance(image, Photo) else decode(image)
        choice = self._chooser(photo.rgb)
        prediction = self.model(choice.model)(photo, **asked)
        settings = {**prediction.settings, "chosen": choice.to_dict()}
        return replace(prediction, settings=settings)

    def model(self, name: str) -> Predictor:
        """One of its models, loaded.

        Raises:
            DepthError: as `load_predictor`.
        """
        with self._loading:
            if name not in self._loaded:
                self._loaded[name] = self._load(name)
            return self._loaded[name]


def models_of_run(
    name: str | None, precision: str = "float32"
) -> tuple[list[ModelInfo], Callable[[], AnyPredictor]]:
    """The models, and what loads them for that precision; without a name the photo chooses.

    Raises:
        CheckpointError: no such model, or the photo cannot choose.
    """
    name, load = name or AUTO, partial(load_model, precision=precision)
    chooser = chooser_for(name)
    if chooser is not None:
        models = [find_model(model) for model in chooser.models]
        return models, lambda: AutoPredictor(chooser, load)
    return [find_model(name)], partial(load, name)
