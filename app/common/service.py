"""The service behind both pages: requests in, results out.

A `Studio` holds the loaded models and a bounded cache of finished predictions, so that a photo is
predicted once, however many pages ask for it.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

from app.common.request import DEFAULT_MODEL, DepthRequest
from app.common.result import BoundedCache, Result
from core.engines.model_choice import Chooser, automatic
from core.errors import CheckpointError, ImageError
from core.images.decode import Photo
from core.images.decode_worker import decode_isolated
from core.predictor import Predictor, load_model
from core.scale.calibration import model_of
from core.weights.checkpoint import models_folder, scan_models
from core.weights.choice_table import AUTO, FIRST, TABLE, Choice
from core.weights.model_info import ModelInfo

log = logging.getLogger(__name__)

CACHE_BYTES = 192_000_000
MODEL_BYTES = 400_000_000  # of the files of the models that stay loaded; one always does
MAX_CHOICES = 1000  # photos whose choice of model is remembered
MAX_BUILDING = 3  # in 3D, of which one may be heavy (`core.files.geometry_process`)
MAX_AT_WORK = 2  # photos decoded and predicted at a time: bounds memory, and two cores are busy


class Studio:
    """Models, photos and predictions shared by all sessions of one process; thread-safe.

    Args:
        default_model: what is taken when a request names none; where it is not installed, the
            first that is.
        models: folder of checkpoints; None takes the program's own.
    """

    def __init__(
        self,
        *,
        default_model: str = DEFAULT_MODEL,
        models: Path | None = None,
        decoder: Callable[[Path], Photo] = decode_isolated,
        cache_bytes: int = CACHE_BYTES,
    ) -> None:
        self.default_model = default_model
        self._folder = models
        self._decode = decoder
        self._results: BoundedCache[Result] = BoundedCache(cache_bytes, lambda result: result.bytes)
        self._choices: BoundedCache[Choice] = BoundedCache(MAX_CHOICES, lambda choice: 1)
        self._chooser: tuple[object, Chooser] | None = None
        self._predictors: OrderedDict[tuple[str, str], Predictor] = OrderedDict()
        self._loading = threading.Lock()
        self._running: dict[Hashable, Future[Result]] = {}
        self._bookkeeping = threading.Lock()
        # Places to wait for: for photos, depth and their files, and for work in 3D.
        self.working = threading.BoundedSemaphore(MAX_AT_WORK)
        self.building = threading.BoundedSemaphore(MAX_BUILDING)
        self._ready = threading.Event()

    @property
    def models_folder(self) -> Path:
        """Where its models lie."""
        return self._folder or models_folder()

    @property
    def ready(self) -> bool:
        """Whether a model is loaded."""
        return self._ready.is_set()

    @property
    def cached_bytes(self) -> int:
        """Memory that the kept results take."""
        return self._results.used

    def warm_up(self, example: Path | None = None) -> None:
        """Loads the default model and predicts a photo, so that no visitor waits for either."""
        self.predictor()
        try:
            if example is not None:
                self.result(example, DepthRequest())
        finally:
            self._ready.set()

    def models(self) -> list[ModelInfo]:
        """What is installed now, the default model first."""
        return self._scan()[0]

    def _scan(self) -> tuple[list[ModelInfo], dict[str, str]]:
        """What `models` gives, and what is wrong with the others, by their names."""
        first = FIRST if self.default_model == AUTO else self.default_model
        installed = scan_models(self._folder)
        broken = {model.path.stem: model.problem for model in installed.broken}
        for problem in broken.values():
            log.warning("unusable checkpoint: %s", problem)
        return sorted(installed.models, key=lambda i: (i.name != first, i.name)), broken

    def model_names(self) -> list[str]:
        """What a request may name, the default first; "auto" where the photo can choose."""
        names = [info.name for info in self.models()]
        if not self._table().exists():
            return names
        return [AUTO, *names] if self.default_model == AUTO else [*names, AUTO]

    def chooser_for(self, model: str) -> Chooser | None:
        """What chooses the model for a photo, None where one is named.

        Args:
            model: as a request has it; empty is the default.
        """
        if (model or self.default_model) != AUTO:
            return None
        table = self._table()
        stat = table.stat() if table.exists() else None
        state = (
            [(info.name, info.sha256) for info in self.models()],
            stat and (stat.st_ino, stat.st_size, stat.st_mtime_ns),
        )
        kept = self._chooser
        if kept is not None and kept[0] == state:
            return kept[1]
        with self._loading:
            if self._chooser is None or self._chooser[0] != state:
                self._chooser = (state, automatic(self._folder))
            return self._chooser[1]

    def predictors(self, model: str) -> tuple[Chooser | None, list[Predictor]]:
        """What may predict the photos of a request.

        Returns:
            None and the one model that is named, or what chooses for each photo, and its models.
        """
        chooser = self.chooser_for(model)
        names = (model,) if chooser is None else chooser.models
        return chooser, [self.predictor(name) for name in names]

    def _table(self) -> Path:
        return self.models_folder / TABLE

    def predictor(self, name: str = "") -> Predictor:
        """A loaded model; it is loaded again if its file has changed.

        Args:
            name: of the model; empty and "auto", where there is no photo to choose by, give the
                first.

        Raises:
            CheckpointError: no such model, or a damaged file. A path is no name here: what is
                loaded is only what is installed.
        """
        models, broken = self._scan()
        installed = {info.name: info for info in models}
        if name in ("", AUTO):
            name = next(iter(installed), next(iter(broken), FIRST))
        if name in broken:
            raise CheckpointError(broken[name])
        if name not in installed:
            known = ", ".join(installed) or "none is installed"
            raise CheckpointError(
                f"The model is {name[:60]!r}, expected one of those installed ({known}): "
                "choose one of them."
            )
        key = (name, installed[name].sha256)
        loaded = self._loaded(key)
        if loaded is not None:  # who has a model does not wait for one that is being loaded
            return loaded
        with self._loading:
            loaded = self._loaded(key)
            if loaded is not None:
                return loaded
            log.info("loading model %s", name)
            predictor = load_model(installed[name].path or name)
            with self._bookkeeping:
                self._predictors[key] = predictor
                while len(self._predictors) > 1 and self._model_bytes() > MODEL_BYTES:
                    self._predictors.popitem(last=False)
            return predictor

    def _loaded(self, key: tuple[str, str]) -> Predictor | None:
        with self._bookkeeping:
            if key in self._predictors:
                self._predictors.move_to_end(key)
            return self._predictors.get(key)

    def _model_bytes(self) -> int:
        paths = [predictor.info.path for predictor in self._predictors.values()]
        return sum(path.stat().st_size for path in paths if path is not None and path.is_file())

    def result(
        self,
        source: Path,
        request: DepthRequest,
        progress: Callable[[str], None] = lambda step: None,
    ) -> Result:
        """A photo's depth, predicted once for the same bytes and settings.

        Args:
            progress: told "progress_read" and "progress_depth" when these begin.

        Raises:
            DepthError: the photo, the model or the settings cannot be used.
        """
        try:
            with source.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise ImageError(
                f"The photo cannot be read ({error.strerror}), expected a file: upload it again."
            ) from error
        choice, photo = None, None
        wanted = model_of(request.known, request.model) or ""
        chooser = self.chooser_for(wanted)
        if chooser is not None:
            choice, photo = self._choose(chooser, source, digest, progress)
        predictor = self.predictor(choice.model if choice else wanted)
        request = replace(request, model=predictor.info.name)
        found = self._predicted(source, digest, photo, predictor, request, progress)
        return found.for_request(source.name, request, choice)

    def _predicted(
        self,
        source: Path,
        digest: str,
        photo: Photo | None,
        predictor: Predictor,
        request: DepthRequest,
        progress: Callable[[str], None],
    ) -> Result:
        """The result in the model's own scale: kept, awaited from another call, or made now."""
        key = (digest, predictor.info.sha256, *request.prediction.values())
        while True:
            known = self._results.get(key)
            if known is not None:
                return known
            with self._bookkeeping:
                running = self._running.get(key)
                if running is None:
                    mine = self._running[key] = Future()
                    break
            # What is wrong with the other's file is said of it by its name: try one's own instead.
            if running.exception() is None:
                return running.result()
        try:
            with self.working:
                if photo is None:
                    progress("progress_read")
                    photo = self._decode(source)
                progress("progress_depth")
                prediction = predictor(photo, **request.prediction)
            made = Result(photo, prediction, replace(request, known=()))
            self._results.put(key, made)
            mine.set_result(made)
        except BaseException as error:  # who waits for the same result must not wait for ever
            mine.set_exception(error)
            raise
        finally:
            with self._bookkeeping:
                del self._running[key]
        return made

    def _choose(
        self,
        chooser: Chooser,
        source: Path,
        digest: str,
        progress: Callable[[str], None],
    ) -> tuple[Choice, Photo | None]:
        """A photo's choice, and the photo where it had to be decoded for it."""
        key = (digest, chooser.key)
        known = self._choices.get(key)
        if known is not None:
            return known, None
        with self.working:
            progress("progress_read")
            photo = self._decode(source)
            choice = chooser(photo.rgb)
        self._choices.put(key, choice)
        return choice, photo
