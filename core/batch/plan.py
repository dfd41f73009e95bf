"""Which files a run works on, and what each of their results is called."""

from __future__ import annotations

import glob
import logging
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from core.batch import storage
from core.batch.sidecar import is_result
from core.errors import ConfigError

_log = logging.getLogger(__name__)

MANIFEST, TABLE = "manifest.json", "manifest.csv"
_TAKEN = (Path(MANIFEST).stem,)  # a photo's sidecar of this name would be the run's manifest


@dataclass(frozen=True)
class Job:
    """One photo of a run.

    Attributes:
        source: the file; a text is its address in object storage.
        stem: where its results go, below the output folder and without suffix: `room/photo`.
        shown: what a reader knows it by, where that is not `source`.
    """

    source: Path | str
    stem: Path
    shown: str | None = None

    @property
    def label(self) -> str:
        """What it is called in results and errors."""
        return self.shown or str(self.source)


def plan(inputs: Sequence[str | Path], out: Path | str) -> list[Job]:
    """Lists the files of a run, each once, in a stable order.

    Folders are walked, their structure kept; the output folder is left out of them, and whatever
    lies in it and is a result, so that a run never works on its own results. A name that is no
    file is tried as a glob pattern.

    Args:
        inputs: files, folders, patterns; a text may also be an address in object storage.
        out: the output folder, or its address.

    Raises:
        ConfigError: an input that does not exist, a pattern without a match, a folder without a
            file, nothing but results, or the output folder itself as the only input.
    """
    found: dict[str, Path] = {}  # source -> wanted path below `out`, with its extension
    is_own = _own_results(out)
    for given in inputs:
        if _is_folder_of_results(given, out):
            if len(inputs) == 1:
                raise _also_an_input(given)
            # `photos/*` of a shell names it once it is there.
            _log.warning("%s is the output folder; nothing in it is taken for a photo.", given)
            continue
        for source, relative in _files(given, out):
            if not is_own(source):
                found.setdefault(same_file_key(source), relative)
    if not found:
        raise ConfigError(
            f"There is nothing but results of this program in {', '.join(map(str, inputs))[:200]}, "
            "expected photos: name other files, or choose another --out."
        )
    sources = list(found)
    stems = _stems([found[source] for source in sources])
    return [Job(source_of(source), stem) for source, stem in zip(sources, stems, strict=True)]


def source_of(text: str) -> Path | str:
    """A photo's place from its text, as `Job.source` holds it."""
    return text if storage.is_address(text) else Path(text)


def _files(given: str | Path, out: Path | str) -> Iterator[tuple[Path | str, Path]]:
    """The files behind one input, each with its path below the output folder."""
    path = storage.place(given) if isinstance(given, str) else given
    if isinstance(path, str):
        yield from _objects(path, out)
    elif path.is_dir():
        files = list(_walk(path, out))
        if not files:
            raise ConfigError(
                f"The folder {given} holds no file, expected photos: name another folder."
            )
        yield from ((file, file.relative_to(path)) for file in files)
    elif path.exists() or path.is_symlink():
        yield path, Path(path.name)
    elif matches := sorted(_matches(str(given))):
        for match in matches:
            if Path(match).is_dir():
                yield from ((f, f.relative_to(match)) for f in _walk(Path(match), out))
            else:
                yield Path(match), Path(Path(match).name)
    else:
        raise ConfigError(
            f"There is no {str(given)!r}, expected a file, a folder or a pattern that matches "
            "some: check the path."
        )


def _objects(address: str, out: Path | str) -> Iterator[tuple[str, Path]]:
    for source, relative in storage.files_at(address):
        if isinstance(out, Path) or not source.startswith(f"{out}/"):
            yield source, Path(relative)


def _is_folder_of_results(given: str | Path, out: Path | str) -> bool:
    place = storage.place(given) if isinstance(given, str) else given
    if isinstance(place, str) or isinstance(out, str):
        return place == out
    return place.is_dir() and _real(place) == _real(out)


def _own_results(out: Path | str) -> Callable[[Path | str], bool]:
    """Tells what lies in the output folder and is a result."""
    real = lru_cache(maxsize=1000)(_real)

    def is_own(source: Path | str) -> bool:
        if isinstance(source, str) or isinstance(out, str):
            return False  # an address below another is left out by its name
        folder, results = real(source.parent), real(out)
        manifest = folder == results and source.name in (MANIFEST, TABLE)
        return folder.is_relative_to(results) and (manifest or is_result(source))

    return is_own


def _real(folder: Path) -> Path:
    """Without links; unlike `Path.resolve` also of a link to itself."""
    return Path(os.path.realpath(folder))


def _also_an_input(given: str | Path) -> ConfigError:
    return ConfigError(
        f"The output folder {given} is also an input, expected another, or the results would be "
        "taken for photos: choose another --out."
    )


def same_file_key(path: Path | str) -> str:
    """Equal for two spellings of one path; links keep their own names, and count as files."""
    if isinstance(path, str):
        return path
    return os.path.normpath(path.absolute())


def _matches(pattern: str) -> list[str]:
    return glob.glob(pattern, recursive=True)  # noqa: PTH207 - Path.glob takes no absolute pattern


def _walk(folder: Path, out: Path | str) -> Iterator[Path]:
    """All files below a folder, sorted; linked folders are not entered.

    Pipes and devices are left out; links to nothing are not, since a photo is missing there.
    """
    results = _real(out) if isinstance(out, Path) else None
    if _real(folder) == results:
        return
    for parent, folders, names in os.walk(folder):
        here = Path(parent)
        folders[:] = sorted(name for name in folders if _real(here / name) != results)
        paths = (here / name for name in sorted(names))
        yield from (path for path in paths if path.is_file() or not path.exists())


def _stems(wanted: Sequence[Path]) -> list[Path]:
    """A stem for every file, no two alike even where upper and lower case are one.

    `a.jpg` becomes `a`. Where that is not unique it becomes `a.jpg`, and where that is not either
    (two folders with an `a.jpg` each), `a.jpg-2`.
    """
    stems = [path.with_name(path.stem) for path in wanted]
    clashing = _repeated(map(_key, stems)) | {_key(Path(name)) for name in _TAKEN}
    stems = [
        path if _key(stem) in clashing else stem for path, stem in zip(wanted, stems, strict=True)
    ]
    # A full name may in turn be another file's stem (`a.jpg` and `a.jpg.tif`).
    clashing = _repeated(map(_key, stems))
    stems = [
        path if _key(stem) in clashing else stem for path, stem in zip(wanted, stems, strict=True)
    ]
    used: set[str] = set()
    unique = []
    for stem in stems:
        candidate, number = stem, 1
        while _key(candidate) in used:
            number += 1
            candidate = stem.with_name(f"{stem.name}-{number}")
        used.add(_key(candidate))
        unique.append(candidate)
    return unique


def _key(stem: Path) -> str:
    return str(stem).casefold()


def _repeated(keys: Iterable[str]) -> set[str]:
    seen: set[str] = set()
    again: set[str] = set()
    for key in keys:
        (again if key in seen else seen).add(key)
    return again
