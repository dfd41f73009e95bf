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
from core.batch.results import has_its_size, is_whole
from core.errors import ExportError, ImageError
from core.files.sidecar import named_files, read_sidecar, sidecar_path
from core.predictor import AnyPredictor
from core.weights.model_info import ModelInfo


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
        check = is_whole if isinstance(out, Path) else has_its_size
        self._runner = PhotoRunner(here, models, load, settings, sources=sources, check=check)

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
                self._send(self._out, Path(entry.stem))
        except (ExportError, ImageError) as error:
            entry = replace(entry, status="failed", files=(), error=str(error))
        return entry

    def _mirror(self, out: str, job: Job) -> None:
        """The sidecars of the photo's names as they are, and files as long as the results are."""
        here = self._runner.out
        stems = (job.stem, *job.others)
        sidecars = [sidecar_path(stem).as_posix() for stem in stems]
        for stem, present in zip(stems, self._there(out, sidecars), strict=True):
            if present is None:
                continue
            content = storage.read_if_there(storage.below(out, sidecar_path(stem).as_posix()))
            (here / stem).parent.mkdir(parents=True, exist_ok=True)
            sidecar_path(here / stem).write_bytes(content or b"")
        free = False
        for stem in stems:
            held = named_files(read_sidecar(here / stem))
            if not sidecar_path(here / stem).exists():
                if free:
                    continue  # results go to the first free name at most
                free = True
            # Of other outputs too, which an earlier run may have made and the sidecar names.
            made = (stem.with_name(name) for name in held)
            wanted = (output.path(stem) for output in self._settings.outputs)
            paths = list(dict.fromkeys(path.as_posix() for path in (*wanted, *made)))
            for path, size in zip(paths, self._there(out, paths), strict=True):
                if size is not None:
                    (here / path).parent.mkdir(parents=True, exist_ok=True)
                    with (here / path).open("wb") as file:
                        file.truncate(size)  # no room on the disk: nobody reads it

    def _there(self, out: str, names: Sequence[str]) -> list[int | None]:
        return storage.sizes([storage.below(out, name) for name in names])

    def _send(self, out: str, stem: Path) -> None:
        here = self._runner.out
        names = [output.path(stem).as_posix() for output in self._settings.outputs]
        sidecar = sidecar_path(stem).as_posix()
        old = storage.read_if_there(storage.below(out, sidecar))
        # Killed while the files are replaced, they count as undone.
        storage.remove(storage.below(out, sidecar))
        if old is not None:
            scratch = here / "old" / stem.name
            scratch.parent.mkdir(exist_ok=True)
            sidecar_path(scratch).write_bytes(old)
            still = named_files(read_sidecar(here / stem))
            for name in set(named_files(read_sidecar(scratch))) - {*still}:
                storage.remove(storage.below(out, stem.with_name(name).as_posix()))
        for name in (*names, sidecar):
            storage.write(storage.below(out, name), (here / name).read_bytes())


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
