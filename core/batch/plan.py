"""Which files a run works on; `core.batch.names` calls their results."""

from __future__ import annotations

import glob
import logging
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

from core.batch.names import Found, names_for
from core.errors import ConfigError
from core.files.sidecar import is_result
from core.images.formats import HEAD_BYTES, why_no_picture

_log = logging.getLogger(__name__)

MANIFEST, TABLE = "manifest.json", "manifest.csv"
_TAKEN = (Path(MANIFEST).stem,)  # a photo's sidecar of this name would be the run's manifest

Head = Callable[[], bytes]


@dataclass(frozen=True)
class Job:
    """One photo of a run.

    Attributes:
        stem: where its results go, below the output folder and without suffix: `room/photo`.
        others: other stems, the likeliest first. Its results lie there where an earlier run over
            other photos made them so, or where the stem holds those of another photo.
        shown: what a reader knows it by, where that is not `source`.
    """

    source: Path
    stem: Path
    others: tuple[Path, ...] = ()
    shown: str | None = None

    @property
    def label(self) -> str:
        """What it is called in results and errors."""
        return self.shown or str(self.source)


class LeftOut(Counter[str]):
    """How many files of a folder were left out of a run, by what they are."""

    def __str__(self) -> str:
        kinds = ", ".join(f"{kind} ({count})" for kind, count in sorted(self.items()))
        many = self.total() != 1
        return f"{self.total()} file{'s are' if many else ' is'} left out: {kinds}."


def plan(
    inputs: Sequence[str | Path],
    out: Path,
    *,
    left_out: LeftOut | None = None,
    why_not: Callable[[str, Head], str | None] = why_no_picture,
    mirror: bool = True,
) -> list[Job]:
    """Lists the files of a run, each once, in a stable order.

    Folders are walked, their structure kept; the output folder is left out of them, and whatever
    lies in it and is a result, so that a run never works on its own results. A name that is no
    file is tried as a glob pattern. What a folder or pattern holds besides and is plainly no photo
    is left out; a file that was named itself never is.

    Args:
        why_not: words for a file that is left out, from its name and what reads its head.
        mirror: whether folders of files that were named one by one may show in the results' names;
            False where the caller made them and all files count as found.

    Raises:
        ConfigError: an input that does not exist, a pattern without a match, a folder without a
            photo, nothing but results, or the output folder itself as the only input.
    """
    left_out = LeftOut() if left_out is None else left_out
    found: dict[str, Found] = {}
    is_own = _own_results(out)
    seen: set[str] = set()
    for given in inputs:
        if Path(given).is_dir() and _real(Path(given)) == _real(out):
            if len(inputs) == 1:
                raise ConfigError(
                    f"The output folder {given} is also an input, expected another, or the results "
                    "would be taken for photos: choose another --out."
                )
            # `photos/*` of a shell names it once it is there.
            _log.warning("%s is the output folder; nothing in it is taken for a photo.", given)
            continue
        for each, named in _files(given, out):
            same = same_file_key(each.source)
            if same in found or is_own(each.source):
                continue
            reason = None if named and mirror else _left_out(each.source, why_not)
            if reason is None:
                found[same] = each
            elif same not in seen:
                seen.add(same)
                left_out[reason] += 1
    if not found:
        where = f"in {', '.join(map(str, inputs))[:200]}" if mirror else "among the files"
        only = "nothing but results of this program"
        if left_out:
            only = f"no photo ({str(left_out).removesuffix('.')})"
        raise ConfigError(
            f"There is {only} {where}, expected photos: name other files, or choose another --out."
        )
    names_of_all = names_for(list(found.values()), _TAKEN, mirror=mirror)
    return [
        Job(each.source, stem, others)
        for each, (stem, others) in zip(found.values(), names_of_all, strict=True)
    ]


def _left_out(source: Path, why_not: Callable[[str, Head], str | None]) -> str | None:
    try:
        return why_not(source.name, partial(read_head, source))
    except OSError:  # it is named as a photo that cannot be read
        return None


def read_head(source: Path, count: int = HEAD_BYTES) -> bytes:
    """The first bytes of a file; of a pipe, those that are there."""
    descriptor = os.open(source, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    with os.fdopen(descriptor, "rb") as file:
        return file.read(count)


def job_of(photo: Path) -> Job:
    """A photo alone."""
    ((stem, others),) = names_for([_named(photo)], _TAKEN)
    return Job(photo, stem, others)


def _files(given: str | Path, out: Path) -> Iterator[tuple[Found, bool]]:
    """The files behind one input, and whether each was named itself."""
    path = Path(given)
    if path.is_dir():
        files = list(_in_folder(path, out))
        if not files:
            raise ConfigError(
                f"The folder {given} holds no file, expected photos: name another folder."
            )
        yield from ((each, False) for each in files)
    elif path.exists() or path.is_symlink():
        yield _named(path), True
    # Path.glob takes no absolute pattern.
    elif matches := sorted(glob.glob(str(given), recursive=True)):  # noqa: PTH207
        for match in map(Path, matches):
            for each in _in_folder(match, out) if match.is_dir() else (_named(match),):
                yield each, False
    else:
        raise ConfigError(
            f"There is no {str(given)!r}, expected a file, a folder or a pattern that matches "
            "some: check the path."
        )


def _in_folder(folder: Path, out: Path) -> Iterator[Found]:
    root = same_file_key(folder)
    return (Found(f, f.relative_to(folder), root, True) for f in _walk(folder, out))


def _named(path: Path) -> Found:
    return Found(path, Path(path.name), same_file_key(path.parent))


def _own_results(out: Path) -> Callable[[Path], bool]:
    """Tells what lies in the output folder and is a result."""
    real = lru_cache(maxsize=1000)(_real)

    def is_own(source: Path) -> bool:
        folder, results = real(source.parent), real(out)
        manifest = folder == results and source.name in (MANIFEST, TABLE)
        return folder.is_relative_to(results) and (manifest or is_result(source))

    return is_own


def _real(folder: Path) -> Path:
    """Without links; unlike `Path.resolve` also of a link to itself."""
    return Path(os.path.realpath(folder))


def same_file_key(path: Path) -> str:
    """Equal for two spellings of one path; links keep their own names, and count as files."""
    return os.path.normpath(path.absolute())


def _walk(folder: Path, out: Path) -> Iterator[Path]:
    """All files below a folder, sorted; linked folders are not entered.

    Pipes and devices are left out; links to nothing are not, since a photo is missing there.
    """
    results = _real(out)
    if _real(folder) == results:
        return
    for parent, folders, names in os.walk(folder):
        here = Path(parent)
        folders[:] = sorted(name for name in folders if _real(here / name) != results)
        paths = (here / name for name in sorted(names))
        yield from (path for path in paths if path.is_file() or not path.exists())
