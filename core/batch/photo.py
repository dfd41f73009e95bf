"""One photo after the other: reading, decoding, prediction, writing, and what was finished before.

Outputs are written first and the sidecar last, so that a run killed at any moment is continued by
starting it again.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from core.batch.manifest import BatchSettings, Entry, Status
from core.batch.plan import Job, same_file_key
from core.batch.sidecar import (
    describe,
    is_finished,
    read_sidecar,
    retract_sidecar,
    sidecar_path,
    write_sidecar,
)
from core.errors import DepthError, ExportError
from core.export import OUTPUTS, ExportJob, Output, write_outputs
from core.image import Photo, read_file
from core.imaging.decode_worker import decode_isolated
from core.model_files.model_info import ModelInfo
from core.predictor import AnyPredictor

COLOR = "color"  # the one output that depends on settings of its own
_DECODE_SECONDS = 30.0  # nobody waits at a page: room for 100 megapixels on a slow machine


class _ModelError(Exception):
    """Carries what is wrong with the model past what is wrong with one photo."""

    def __init__(self, cause: DepthError) -> None:
        super().__init__(str(cause))
        self.cause = cause


class PhotoRunner:
    """Takes one photo after the other through reading, decoding, prediction and writing.

    Args:
        out: the output folder.
        models: the model, or those that every photo chooses from.
        load: loads what predicts with them, called when the first photo needs it.
        settings: what is made of every photo.
        sources: of `core.batch.run.sources_of`.
    """

    def __init__(
        self,
        out: Path,
        models: Sequence[ModelInfo],
        load: Callable[[], AnyPredictor],
        settings: BatchSettings,
        *,
        sources: frozenset[str],
    ) -> None:
        self.out, self.models, self.settings = out, models, settings
        self._load = load
        self._predictor: AnyPredictor | None = None
        self._sources = sources
        # A photo that crashes a native decoder, or makes it chatter, costs one sentence: the run
        # goes on, and a run over one photo says what was wrong.
        self._decode: Callable[..., Photo] = partial(decode_isolated, seconds=_DECODE_SECONDS)

    def run(self, job: Job) -> Entry:
        """One photo, from its file to its files.

        Raises:
            DepthError: the model cannot be loaded, so that no photo of the run will do.
        """
        started = time.perf_counter()
        stem, source = self.out / job.stem, Path(job.source)
        status: Status = "failed"
        sha256, files, error = None, [], None
        try:
            data = read_file(source)
            sha256 = hashlib.sha256(data).hexdigest()
            if self._is_finished(stem, sha256):
                status = "skipped"
            else:
                self._check_replaceable(stem)
                photo = self._decode(data, name=source.name)
                self._predict(photo, stem)
                status = "done"
            files = self._files(stem)
        except _ModelError as problem:
            raise problem.cause from problem
        except DepthError as problem:
            error = str(problem)
        except (OSError, MemoryError) as problem:
            error = _sentence(problem)
        return Entry(
            input=str(job.source),
            status=status,
            sha256=sha256,
            stem=job.stem.as_posix(),
            files=files,
            error=error,
            milliseconds=round((time.perf_counter() - started) * 1000, 1),
        )

    def _is_finished(self, stem: Path, sha256: str) -> bool:
        settings = self.settings
        if settings.overwrite or not self._made_alike(stem, sha256, settings.outputs):
            return False
        if COLOR not in {output.name for output in settings.outputs}:
            return True
        files = (read_sidecar(stem) or {}).get("files", {})
        return bool(files[COLOR].get("asked") == vars(settings.colors))

    def _made_alike(self, stem: Path, sha256: str, outputs: Sequence[Output]) -> bool:
        return is_finished(
            stem,
            outputs,
            input_sha256=sha256,
            model_sha256=[info.sha256 for info in self.models],
            settings=self.settings.decisive(),
        )

    def _check_replaceable(self, stem: Path) -> None:
        """Lets nothing be overwritten that is not a result.

        Raises:
            ExportError: a photo of this run, or a JSON file of the user's, has a result's name.
        """
        targets = [output.path(stem) for output in self.settings.outputs]
        inputs = [path.name for path in targets if same_file_key(path) in self._sources]
        path = sidecar_path(stem)
        foreign = [path.name] if path.exists() and read_sidecar(stem) is None else []
        if inputs or foreign:
            raise ExportError(
                f"The results would replace {', '.join(inputs + foreign)}, which is no result of "
                "this program, expected a name that is free: choose another output folder."
            )

    def _predict(self, photo: Photo, stem: Path) -> None:
        settings = self.settings
        if self._predictor is None:
            try:
                self._predictor = self._load()
            except DepthError as error:
                raise _ModelError(error) from error
        prediction = self._predictor(
            photo, resolution=settings.resolution, flip=settings.flip, fov=settings.fov
        )
        files = self._still_good(stem, photo.sha256)
        retract_sidecar(stem)
        work = ExportJob(prediction, photo.rgb, settings.colors, apart=settings.apart)
        facts = write_outputs(settings.outputs, stem, work)
        for output in settings.outputs:
            files[output.name] = {"file": output.path(stem).name, **facts[output.name]}
            if output.name == COLOR:  # what was asked for; the facts are what came of it
                files[COLOR]["asked"] = vars(settings.colors)
        write_sidecar(stem, describe(photo, prediction, files))

    def _still_good(self, stem: Path, sha256: str) -> dict[str, dict[str, Any]]:
        """Files of other outputs that an earlier run made in the same way."""
        old = read_sidecar(stem)
        if old is None or not self._made_alike(stem, sha256, ()):
            return {}
        return {
            name: facts
            for name, facts in old["files"].items()
            if name in OUTPUTS and OUTPUTS[name].path(stem).is_file()
        }

    def _files(self, stem: Path) -> list[str]:
        paths = [output.path(stem) for output in self.settings.outputs]
        paths.append(sidecar_path(stem))
        return [path.relative_to(self.out).as_posix() for path in paths]


def _sentence(problem: OSError | MemoryError) -> str:
    if isinstance(problem, MemoryError):
        return (
            "There is not enough memory for this photo, expected room for its pixels and depth: "
            "make it smaller, or close other programs."
        )
    return (
        f"The file cannot be read ({problem.strerror or problem}), expected a photo: check the "
        "path and its permissions."
    )
