"""One photo after the other where photos or results lie in object storage.

A photo, its sidecar and the names of its results are brought into a scratch folder, where
`PhotoRunner` finds what it finds on a disk; so the files are the same, byte for byte. What it makes
is sent back, the sidecar last, as the sign that all are there.
"""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from core.batch import storage
from core.batch.manifest import BatchSettings, Entry
from core.batch.photo import PhotoRunner
from core.batch.plan import MANIFEST, TABLE, Job
from core.batch.sidecar import read_sidecar, sidecar_path
from core.errors import ExportError, ImageError
from core.export import OUTPUTS
from core.model_files.model_info import ModelInfo
from core.predictor import AnyPredictor


class StoredPhotoRunner:
    """Does `PhotoRunner`'s work; arguments as there, but that `out` may be an address."""

    def __init__(
        self,
        out: Path | str,
        models: Sequence[ModelInfo],
        load: Callable[[], AnyPredictor],
        settings: BatchSettings,
        *,
        sources: frozenset[str],
    ) -> None:
        self._out, self._settings, self._sources = out, settings, sources
        here = out if isinstance(out, Path) else Path()  # then another one for every photo
        self._runner = PhotoRunner(here, models, load, settings, sources=sources)

    def run(self, job: Job) -> Entry:
        """As `PhotoRunner.run`."""
        started = time.perf_counter()
        with tempfile.TemporaryDirectory(prefix="lapdepth-photo-") as scratch:
            entry = self._run(job, Path(scratch))
        took = round((time.perf_counter() - started) * 1000, 1)
        return replace(entry, input=job.label, milliseconds=took)

    def _run(self, job: Job, scratch: Path) -> Entry:
        entry = Entry(job.label, "failed", None, job.stem.as_posix())
        try:
            if isinstance(self._out, str):
                self._runner.out = scratch / "out"
                self._mirror(self._out, job)
            entry = self._runner.run(replace(job, source=_brought(job.source, scratch)))
            if isinstance(self._out, str) and entry.status == "done":
                self._send(self._out, job)
        except (ExportError, ImageError) as error:
            entry = replace(entry, status="failed", files=(), error=str(error))
        return entry

    def _mirror(self, out: str, job: Job) -> None:
        """The sidecar as it is, and an empty file for every result that is there."""
        names = self._names(job)
        taken = [name for name in names if storage.below(out, name) in self._sources]
        if taken:
            raise ExportError(
                f"The results would replace {', '.join(taken)}, which is no result of this "
                "program, expected a name that is free: choose another output folder."
            )
        sidecar = storage.read_if_there(storage.below(out, names[-1]))
        if sidecar is None:
            return
        results = self._runner.out
        (results / job.stem).parent.mkdir(parents=True, exist_ok=True)
        (results / names[-1]).write_bytes(sidecar)
        # Of other outputs too, which an earlier run may have made and the sidecar goes on to name.
        made = (read_sidecar(results / job.stem) or {}).get("files", {})
        kinds = [output for name, output in OUTPUTS.items() if name in made]
        paths = [output.path(job.stem) for output in kinds]
        there = storage.present([storage.below(out, path.as_posix()) for path in paths])
        for path, present in zip(paths, there, strict=True):
            if present:
                (results / path).touch()

    def _send(self, out: str, job: Job) -> None:
        names = self._names(job)
        # Killed while the files are replaced, they count as undone.
        storage.remove(storage.below(out, names[-1]))
        for name in names:
            storage.write(storage.below(out, name), (self._runner.out / name).read_bytes())

    def _names(self, job: Job) -> list[str]:
        """Of the files of a photo below the output folder, the sidecar last."""
        stem = self._runner.out / job.stem
        paths = [*(output.path(stem) for output in self._settings.outputs), sidecar_path(stem)]
        return [path.relative_to(self._runner.out).as_posix() for path in paths]


def _brought(source: Path | str, scratch: Path) -> Path:
    """A photo as a file of its own name."""
    if isinstance(source, Path):
        return source
    path = scratch / "in" / source.rpartition("/")[2]
    path.parent.mkdir()
    path.write_bytes(storage.read(source))
    return path


def runner_for(
    out: Path | str, *arguments: Any, sources: frozenset[str]
) -> PhotoRunner | StoredPhotoRunner:
    """The runner for the places of a run; arguments as `PhotoRunner`'s."""
    if isinstance(out, Path) and not any(map(storage.is_address, sources)):
        return PhotoRunner(out, *arguments, sources=sources)
    return StoredPhotoRunner(out, *arguments, sources=sources)


@contextlib.contextmanager
def manifests_at(out: Path | str) -> Iterator[Path]:
    """A folder for the run's manifests: the output folder itself, or one that is sent to it.

    Raises:
        ExportError: the store refuses or does not answer.
    """
    if isinstance(out, Path):
        yield out
        return
    with tempfile.TemporaryDirectory(prefix="lapdepth-manifests-") as name:
        folder = Path(name)
        before: dict[str, bytes] = {}
        for file in (MANIFEST, TABLE):
            content = storage.read_if_there(storage.below(out, file))
            if content is not None:
                before[file] = content
                (folder / file).write_bytes(content)
        try:
            yield folder
        finally:
            for path in folder.iterdir():
                content = path.read_bytes()
                if content != before.get(path.name):
                    storage.write(storage.below(out, path.name), content)
