"""The files of one photo's results: whose they are, whether they are whole, how they are replaced.

A file is ours if the sidecar beside it names it; nothing else is ever replaced, whatever was asked
for. New results are made in a folder of their own beside the old ones and take their names
together; what an earlier run left under other settings goes at the same time, so that a sidecar
never stands beside results that it does not describe. While the names change hands, a claim says
which files a killed run may have left without their sidecar.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from core.atomic import open_stage, write_atomic, write_refused
from core.batch.names import key
from core.errors import ExportError
from core.files.sidecar import is_plain, named_files, read_sidecar, retract_sidecar, sidecar_path

_log = logging.getLogger(__name__)

_CHUNK = 1 << 20
_MOST_PATH = 4095  # bytes of a whole path on Linux; macOS takes 1023

_STAGE_BYTES = 70  # of the folder in which results are made, and of a temporary name in it


def fingerprint(path: Path) -> dict[str, Any]:
    """Size and SHA-256 of a file, or of a folder's files one behind the other, JSON-ready.

    Raises:
        OSError: it cannot be read.
    """
    digest, size = hashlib.sha256(), 0
    for part in sorted(path.iterdir()) if path.is_dir() else (path,):
        with part.open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
                size += len(chunk)
    return {"bytes": size, "sha256": digest.hexdigest()}


def is_whole(path: Path, facts: Mapping[str, Any]) -> bool:
    """Whether a result is there as its sidecar says that it was written."""
    try:
        return fingerprint(path).items() <= facts.items()
    except OSError:
        return False


def same_result(stem: Path, content: Mapping[str, Any]) -> dict[str, Any]:
    """The files that an earlier sidecar describes and that are of the same depth as a new one's."""
    old = read_sidecar(stem) or {}
    parts = ("model", "intrinsics", "focal_scale", "calibration", "settings")
    alike = old.get("input", {}).get("sha256") == content["input"]["sha256"] and all(
        old.get(part) == json.loads(json.dumps(content[part])) for part in parts
    )
    if not alike:
        return {}
    return {
        name: facts
        for name, facts in old["files"].items()
        if is_plain(str(facts.get("file"))) and is_whole(stem.with_name(facts["file"]), facts)
    }


def check_replaceable(
    stem: Path, targets: Iterable[Path], inputs: frozenset[str] = frozenset()
) -> None:
    """Lets nothing be replaced that is no result of this program.

    Args:
        targets: the files or folders to be written, all in its folder.
        inputs: absolute paths of the run's own photos.

    Raises:
        ExportError: something is there that neither a sidecar nor a claim names.
    """
    sidecar = sidecar_path(stem)
    ours = {key(Path(name)) for name in _owned(stem)}
    if read_sidecar(stem) is not None:
        ours.add(key(Path(sidecar.name)))
    foreign = [
        path.name
        for path in (*targets, sidecar)
        if os.path.lexists(path)
        and (key(Path(path.name)) not in ours or os.path.normpath(path.absolute()) in inputs)
    ]
    if foreign:
        raise ExportError(
            f"The results would replace {', '.join(foreign)} in {stem.parent}, which is no result "
            "of this program, expected a name that is free: move it away, or choose another "
            "output folder."
        )


def check_name(stem: Path, suffixes: Iterable[str]) -> None:
    """Refuses a name that the file system cannot hold, before anything is written.

    Raises:
        ExportError: it is too long.
    """
    folder = stem.parent.absolute()
    suffix = max((*suffixes, ".json"), key=len)
    there = next(each for each in (folder, *folder.parents) if each.is_dir())
    with contextlib.suppress(OSError, ValueError, AttributeError):  # no such limit is known
        most = os.pathconf(there, "PC_NAME_MAX")
        parts = (*folder.relative_to(there).parts, f"{stem.name}{suffix}")
        longest = max(len(os.fsencode(part)) for part in parts)
        if 0 < most < longest:
            raise _too_long(stem, f"a name of {longest} bytes", most)
    whole = len(os.fsencode(folder)) + len(os.fsencode(f"{stem.name}{suffix}")) + _STAGE_BYTES
    if whole > _MOST_PATH:
        raise _too_long(stem, f"a path of {whole} bytes", _MOST_PATH)


def _too_long(stem: Path, what: str, most: int) -> ExportError:
    name = stem.name if len(stem.name) < 60 else f"{stem.name[:40]}..."
    return ExportError(
        f"The results of {name} would have {what}, expected at most {most} here: give the photo "
        "a shorter name, or choose an output folder that is not so deep."
    )


def stem_for(stems: Sequence[Path], sha256: str, name: str, *, overwrite: bool) -> Path:
    """Where a photo's results are, or else where they may go.

    Results of another photo keep their place, unless it has this one's name and may be
    overwritten.

    Args:
        stems: that the results may have, the likeliest first; a single one is taken.

    Raises:
        ExportError: all of them hold results of other photos.
    """
    if len(stems) == 1:
        return stems[0]
    held = {stem: read_sidecar(stem) for stem in stems}
    photos = {stem: about["input"] for stem, about in held.items() if about is not None}
    for stem, photo in photos.items():
        if photo.get("sha256") == sha256:
            return stem
    for stem in stems:
        if stem not in photos or (overwrite and photos[stem].get("name") == name):
            if stem != stems[0] and stems[0] in photos:
                _log.warning(
                    "The results of %s are named %s, since %s holds those of another file; "
                    "--overwrite replaces those of one with the same name.",
                    name, stem.name, stems[0].name,
                )  # fmt: skip
            return stem
    raise ExportError(
        f"The names {', '.join(stem.name for stem in stems)} hold the results of other files, "
        "expected one that is free: choose another output folder, or add --overwrite."
    )


@contextlib.contextmanager
def staged(stem: Path) -> Iterator[Path]:
    """Where new results are made: the same name in a folder of their own, which goes again.

    Raises:
        ExportError: the folder cannot be made.
    """
    with contextlib.ExitStack() as stack:
        try:
            folder = stack.enter_context(open_stage(stem.parent))
        except OSError as error:
            raise write_refused(stem.name, error) from error
        yield folder / stem.name


@contextlib.contextmanager
def replacing(stem: Path, made: Mapping[str, Path], kept: Iterable[str] = ()) -> Iterator[None]:
    """Puts new results in the place of the old ones; the block then writes their sidecar.

    Args:
        made: by name: where each new file or folder lies now, on the same disk.
        kept: names of older ones that the new sidecar goes on to describe.

    Raises:
        ExportError: the disk refused. Then no result of either kind is left.
    """
    folder, claim = stem.parent, _claim_path(stem)
    check_replaceable(stem, [folder / name for name in made])
    stale = _owned(stem) - {*kept}
    write_atomic(claim, json.dumps(sorted({*made, *stale})).encode())
    retract_sidecar(stem)
    try:
        for name in stale:
            _remove(folder / name)
        for name, path in made.items():
            path.rename(folder / name)
        yield
    except (OSError, ExportError) as error:
        for name in made:
            with contextlib.suppress(OSError):
                _remove(folder / name)
        with contextlib.suppress(OSError):
            claim.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise write_refused(stem.name, error) from error
        raise
    claim.unlink(missing_ok=True)


def forget_claim(stem: Path) -> None:
    """Removes the claim of a run that was killed after it had written the sidecar."""
    with contextlib.suppress(OSError):
        _claim_path(stem).unlink(missing_ok=True)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _claim_path(stem: Path) -> Path:
    digest = hashlib.sha256(os.fsencode(stem.name)).hexdigest()[:16]
    return stem.with_name(f".lapdepth-{digest}.claim")


def _owned(stem: Path) -> set[str]:
    """The names beside a stem that its sidecar describes or a claim says are ours."""
    names = (*named_files(read_sidecar(stem)), *_claimed(stem))
    return {name for name in names if name.startswith(stem.name)}


def _claimed(stem: Path) -> list[str]:
    """The files that a killed run was giving their names."""
    try:
        names = json.loads(_claim_path(stem).read_bytes())
    except (OSError, ValueError, RecursionError):
        return []
    texts = [name for name in names if isinstance(name, str)] if isinstance(names, list) else []
    return [name for name in texts if is_plain(name)]
