"""Photos that come packed in a zip: unpacked within limits, and nowhere but where they should."""

from __future__ import annotations

import shutil
import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from core.batch.zip_names import names_of
from core.errors import ExportError, ImageError

MAX_BYTES = 4_000_000_000  # of everything unpacked
_ODD = (":", "\0")  # of drives, and of streams on Windows


def unpack(archive: Path, folder: Path, most_files: int, most_bytes: int = MAX_BYTES) -> int:
    """Unpacks a zip, its folders kept; hidden files and what macOS adds are left out.

    Args:
        archive: the zip.
        folder: where to, made when missing.
        most_files: more are refused, before anything is unpacked.
        most_bytes: of all files together, counted while they are unpacked: a zip may lie.

    Returns:
        How many files there are now.

    Raises:
        ImageError: no zip, a damaged or encrypted one, too much in it, or a name that leads out.
        ExportError: the disk refused.
    """
    try:
        with zipfile.ZipFile(archive) as source:
            listed = source.infolist()
            named = zip(listed, names_of(listed), strict=True)
            members = [(member, name) for member, name in named if _wanted(name)]
            if not 0 < len(members) <= most_files:
                raise ImageError(
                    f"{archive.name} holds {len(members)} photos, expected 1 to {most_files}: "
                    "pack fewer into one zip, or use the command line."
                )
            targets = [_target(member, name, folder, archive.name) for member, name in members]
            if len(set(targets)) < len(targets):
                raise ImageError(
                    f"{archive.name} holds two files of one name, expected different ones: pack "
                    "the photos anew."
                )
            left = most_bytes
            for (member, _), target in zip(members, targets, strict=True):
                left -= _copy(source, member, target, left, archive.name)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError) as error:
        raise ImageError(
            f"{archive.name} cannot be unpacked ({error}), expected an ordinary zip without a "
            "password: pack it anew."
        ) from error
    except OSError as error:
        raise ExportError(
            f"{archive.name} cannot be unpacked ({error.strerror or error}), expected a disk with "
            "free space: free some, or pack fewer photos."
        ) from error
    return len(members)


def _wanted(name: str) -> bool:
    parts = PurePosixPath(name).parts
    hidden = any(part.startswith(".") and part != ".." for part in parts)
    return not (name.endswith("/") or hidden or "__MACOSX" in parts)


def _target(member: zipfile.ZipInfo, given: str, folder: Path, archive: str) -> Path:
    name = PurePosixPath(given)
    link = stat.S_ISLNK(member.external_attr >> 16)
    leads_out = name.is_absolute() or not name.parts or ".." in name.parts
    if link or leads_out or any(c in given for c in _ODD):
        raise ImageError(
            f"{archive} holds the name {given[:60]!r}, expected plain files inside it: pack "
            "the photos anew."
        )
    return folder / name


def _copy(
    source: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path, left: int, archive: str
) -> int:
    target.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    with source.open(member) as packed, target.open("wb") as file:
        while chunk := packed.read(1 << 20):
            written += len(chunk)
            if written > left:
                shutil.rmtree(target.parent, ignore_errors=True)
                raise ImageError(
                    f"{archive} unpacks to more than this server takes at once, expected less: "
                    "pack fewer or smaller photos."
                )
            file.write(chunk)
    return written
