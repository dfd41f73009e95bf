"""What the results of each photo of a run are called: after the photo, and the same every time.

A name is the photo's own, without ending, below the folder that it was found in. It grows only
where two photos would share it: by the ending (`a.jpg`, `a.png`), by the folder (`one/a`, `two/a`).
Photos come and go between runs, so a photo also has other names that its results may already have;
the run looks there before it makes any. Names that differ only in case or in the Unicode form of a
letter count as one, since they are one on other machines; what Windows cannot hold in a name is
replaced, since results are unpacked there.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

SPLAT = "_splat"  # of the only output whose name another photo's can have
_NUMBERED = 3  # names with a number that are looked at besides
# https://learn.microsoft.com/windows/win32/fileio/naming-a-file
_NO_NAME = re.compile(r'[\x00-\x1f<>:"|?*\\\ud800-\udfff]')  # and bytes that are no text
_DEVICE = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³]) *(\.|$)", re.IGNORECASE)


@dataclass(frozen=True)
class Found:
    """A file of a run.

    Attributes:
        source: the file.
        relative: where it lies below the folder that was named, with its ending; for a file that
            was named itself, its name.
        root: that folder, absolute; for a file that was named itself, the one it lies in.
        in_folder: found in a folder.
    """

    source: Path
    relative: Path
    root: str
    in_folder: bool = False


def names_for(found: Sequence[Found], taken: Iterable[str] = (), *, mirror: bool = True) -> list[
    tuple[Path, tuple[Path, ...]]
]:  # fmt: skip
    """For every file the stem of its results, and others that they may have from another run.

    Args:
        taken: stems that no file may have.
        mirror: whether the folders of files that were named one by one may show in the names.

    Returns:
        In the same order; no stem belongs to two files.
    """
    paths = _below_roots(found)
    if mirror:
        paths = _apart(paths, found)
    paths = [portable(path) for path in paths]
    own = [_stem(path) for path in paths]
    reserved = {key(Path(name)) for name in taken}
    # The .ply of `a_splat.jpg` would be called as the splats of `a.jpg` are.
    reserved |= {key(stem.with_name(f"{stem.name}{SPLAT}")) for stem in own}
    stems = _unique(own, paths, reserved)
    used = {key(stem) for stem in stems} | reserved
    others: list[list[Path]] = [[] for _ in found]
    # The likeliest names of all files first: none may lose its own to another's third choice.
    for rank in range(len(_others(found[0], paths[0], mirror))) if found else ():
        for index, each in enumerate(found):
            other = _others(each, paths[index], mirror)[rank]
            if key(other) not in used:
                used.add(key(other))
                others[index].append(other)
    return [(stem, tuple(rest)) for stem, rest in zip(stems, others, strict=True)]


def key(stem: Path) -> str:
    """Equal for names that are one on some file system."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", str(stem)).casefold())


def portable(path: Path) -> Path:
    """A relative path below which every system can hold results: `CON` becomes `_CON`."""
    parts = [_DEVICE.sub(r"_\g<0>", _NO_NAME.sub("_", part), count=1) for part in path.parts]
    folders = [re.sub(r"[. ]+$", "_", part) for part in parts[:-1]]
    return Path(*folders, *parts[-1:])


def _others(found: Found, path: Path, mirror: bool) -> list[Path]:
    """Other names, always as many."""
    folder = Path(Path(found.root).name or ".") if mirror else Path()
    here, below = found.relative, folder / found.relative
    names = [_stem(path), path]
    for each in (portable(here), portable(below)):
        names += [_stem(each), each]
    names += [path.with_name(f"{path.name}-{n}") for n in range(2, 2 + _NUMBERED)]
    return names


def _stem(path: Path) -> Path:
    return path.with_name(path.stem)


def _below_roots(found: Sequence[Found]) -> list[Path]:
    """Of several folders each keeps its own name, or what tells two of one name apart."""
    roots = list(dict.fromkeys(each.root for each in found if each.in_folder))
    if len(roots) < 2:
        return [each.relative for each in found]
    labels = dict(zip(roots, _labels(roots), strict=True))
    return [
        labels[each.root] / each.relative if each.in_folder else each.relative for each in found
    ]


def _labels(folders: Sequence[str]) -> list[Path]:
    """Names that tell folders apart: their own where these differ, else the way to each."""
    names = [Path(Path(folder).name) for folder in folders]
    if not _repeated(map(key, names)) and all(str(name) != "." for name in names):
        return names
    common = os.path.commonpath(folders)
    return [Path(os.path.relpath(folder, common)) for folder in folders]


def _apart(paths: Sequence[Path], found: Sequence[Found]) -> list[Path]:
    """Equal paths of files in several folders get these folders in front."""
    equal: dict[str, list[int]] = {}
    for index, path in enumerate(paths):
        equal.setdefault(key(path), []).append(index)
    apart = list(paths)
    for indices in equal.values():
        roots = list(dict.fromkeys(found[index].root for index in indices))
        if len(roots) > 1:
            labels = dict(zip(roots, _labels(roots), strict=True))
            for index in indices:
                apart[index] = labels[found[index].root] / found[index].relative
    return apart


def _unique(stems: Sequence[Path], paths: Sequence[Path], taken: set[str]) -> list[Path]:
    """Each stem once: with the ending where it is not, and with a number where that is not."""
    stems = list(stems)
    for _ in range(2):  # a full name may in turn be another file's stem (`a.jpg`, `a.jpg.tif`)
        clashing = _repeated(map(key, stems)) | taken
        stems = [p if key(s) in clashing else s for s, p in zip(stems, paths, strict=True)]
    used = set(taken)
    unique = []
    for stem in stems:
        candidate, number = stem, 1
        while key(candidate) in used:
            number += 1
            candidate = stem.with_name(f"{stem.name}-{number}")
        used.add(key(candidate))
        unique.append(candidate)
    return unique


def _repeated(keys: Iterable[Hashable]) -> set[Hashable]:
    return {each for each, count in Counter(keys).items() if count > 1}
