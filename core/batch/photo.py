"""One photo after the other: reading, decoding, prediction, writing, and what was finished before.

Outputs are written first and the sidecar last, so that a run killed at any moment is continued by
starting it again.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from core.batch.manifest import BatchSettings, Entry, Status
from core.batch.plan import Job
from core.batch.results import (
    check_name,
    check_replaceable,
    fingerprint,
    forget_claim,
    is_whole,
    replacing,
    staged,
    stem_for,
)
from core.errors import DepthError
from core.files.outputs import OUTPUTS, Output, write_outputs
from core.files.sidecar import DECISIVE, GIVEN, describe, read_sidecar, sidecar_path, write_sidecar
from core.files.writers_2d import ExportJob
from core.geometry.find_scale import calibrated
from core.images.decode import Photo, read_file
from core.images.decode_worker import decode_isolated
from core.predictor import AnyPredictor
from core.weights.model_info import ModelInfo

DEPTH16 = "depth16"
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
        models: the model, or those that every photo chooses from.
        load: loads what predicts with them, called when the first photo needs it.
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

    def run(self, job: Job) -> Entry:
        """One photo, from its file to its files.

        Raises:
            DepthError: the model cannot be loaded, so that no photo of the run will do.
        """
        started = time.perf_counter()
        stem, source = job.stem, job.source
        status: Status = "failed"
        sha256, files, error = None, [], None
        notes: list[str] = []
        try:
            check_name(self.out / stem, (output.suffix for output in self.settings.outputs))
            data = read_file(source)
            sha256 = hashlib.sha256(data).hexdigest()
            stems = [self.out / each for each in (job.stem, *job.others)]
            target = stem_for(stems, sha256, source.name, overwrite=self.settings.overwrite)
            stem = target.relative_to(self.out)
            if self._is_finished(target, sha256):
                forget_claim(target)
                status = "skipped"
            else:
                targets = [output.path(target) for output in self.settings.outputs]
                check_replaceable(target, targets, self._sources)
                # A photo that crashes a native decoder, or makes it chatter, costs one sentence.
                name = job.shown or source.name
                photo = decode_isolated(data, name=name, seconds=_DECODE_SECONDS)
                self._predict(photo, target)
                status = "done"
            files = self._files(target)
            notes = _notes(target)
        except _ModelError as problem:
            raise problem.cause from problem
        except DepthError as problem:
            error = str(problem)
        except (OSError, MemoryError) as problem:
            error = _sentence(problem)
        return Entry(
            input=job.label,
            status=status,
            sha256=sha256,
            stem=stem.as_posix(),
            files=files,
            error=error,
            milliseconds=round((time.perf_counter() - started) * 1000, 1),
            notes=notes,
        )

    def _is_finished(self, stem: Path, sha256: str) -> bool:
        settings = self.settings
        if settings.overwrite or not self._made_alike(stem, sha256, settings.outputs):
            return False
        wanted = {output.name for output in settings.outputs}
        files = (read_sidecar(stem) or {}).get("files", {})
        scale = settings.png_scale
        if DEPTH16 in wanted and scale is not None and files[DEPTH16].get("scale") != scale:
            return False
        return COLOR not in wanted or bool(files[COLOR].get("asked") == vars(settings.colors))

    def _made_alike(self, stem: Path, sha256: str, outputs: Sequence[Output]) -> bool:
        """Whether results are there as they would be made now, these outputs of them whole.

        The sidecar must name each of them, so that a file left over from other settings does not
        pass.
        """
        content, settings = read_sidecar(stem), self.settings.decisive()
        if content is None:
            return False
        made_with, files = content["settings"], content["files"]
        return (
            content["input"].get("sha256") == sha256
            and content["model"].get("sha256") in [info.sha256 for info in self.models]
            and _by_the_photo(made_with) == (len(self.models) > 1)
            and not made_with.get("scene")  # `scene` has filters, cameras and lengths of its own
            and all(made_with.get(key, ...) == settings[key] for key in DECISIVE)
            and all(made_with.get(key) == settings.get(key) for key in GIVEN)
            and all(o.name in files and is_whole(o.path(stem), files[o.name]) for o in outputs)
        )

    def _predict(self, photo: Photo, stem: Path) -> None:
        settings = self.settings
        if self._predictor is None:
            try:
                self._predictor = self._load()
            except DepthError as error:
                raise _ModelError(error) from error
        prediction = calibrated(self._predictor(photo, **settings.prediction), *settings.known)
        kept = self._still_good(stem, photo.sha256)
        work = ExportJob(
            prediction,
            photo.rgb,
            settings.colors,
            png_scale=settings.png_scale,
            apart=settings.apart,
        )
        with staged(stem) as new:
            facts = write_outputs(settings.outputs, new, work)
            files = dict(kept)
            for output in settings.outputs:
                path = output.path(new)
                files[output.name] = {
                    "file": path.name, **facts[output.name], **fingerprint(path)
                }  # fmt: skip
                if output.name == COLOR:  # what was asked for; the facts are what came of it
                    files[COLOR]["asked"] = vars(settings.colors)
            made = {output.path(stem).name: output.path(new) for output in settings.outputs}
            with replacing(stem, made, [each["file"] for each in kept.values()]):
                write_sidecar(stem, describe(photo, prediction, files))

    def _still_good(self, stem: Path, sha256: str) -> dict[str, dict[str, Any]]:
        """Files of other outputs that an earlier run made in the same way."""
        old = read_sidecar(stem)
        if old is None or not self._made_alike(stem, sha256, ()):
            return {}
        asked = {output.name for output in self.settings.outputs}
        return {
            name: facts
            for name, facts in old["files"].items()
            if name in OUTPUTS and name not in asked
            if is_whole(OUTPUTS[name].path(stem), facts)
            if facts.get("file") == OUTPUTS[name].path(stem).name
        }

    def _files(self, stem: Path) -> list[str]:
        paths = [output.path(stem) for output in self.settings.outputs]
        paths.append(sidecar_path(stem))
        return [path.relative_to(self.out).as_posix() for path in paths]


def _by_the_photo(made_with: Mapping[str, Any]) -> bool:
    """Whether the photo chose its model; without the weights to choose by it could not."""
    chosen = made_with.get("chosen")
    return isinstance(chosen, dict) and chosen.get("outdoor") is not None


def _notes(stem: Path) -> list[str]:
    """What a finished photo's sidecar has to say; an older one, or one that was edited, nothing."""
    notes = (read_sidecar(stem) or {}).get("notes")
    return [str(note) for note in notes] if isinstance(notes, list) else []


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
