"""Photos and results in object storage: `s3://`, `gs://` and `abfs://` addresses, through Arrow.

Addresses are typed on the command line and nowhere else: a server takes uploaded files only.
Names are taken as they are, without percent signs being decoded, as the stores' own programs do.
Credentials, region and endpoint come from the environment (AWS_ACCESS_KEY_ID, AWS_ENDPOINT_URL,
GOOGLE_APPLICATION_CREDENTIALS, ...), so that no address in a manifest holds a secret.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

from core.errors import ConfigError, EngineError, ExportError, ImageError
from core.images.decode import DEFAULT_LIMITS
from core.images.limits import check_bytes

_ADDRESS = re.compile(r"(?P<root>(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<place>[^/]+))/*(?P<name>.*)")
_SCHEMES = ("s3", "gs", "gcs", "abfs", "abfss", "hdfs")
_WILD = re.compile(r"[*?]")


def is_address(place: object) -> bool:
    """Whether a place is in object storage; a `Path` never is."""
    return isinstance(place, str) and re.match(r"[a-z][a-z0-9+.-]*://", place) is not None


def place(text: str) -> Path | str:
    """What was typed, as a folder or file of this machine or as an address without a last slash.

    Raises:
        ConfigError: an address that no store is known for, or one with a secret in it.
    """
    if not is_address(text):
        return Path(text)
    if text.startswith("file:///"):
        return Path(text.removeprefix("file://"))
    match = _ADDRESS.fullmatch(text)
    if match is None or match["scheme"] not in _SCHEMES:
        raise ConfigError(
            f"Got the address {text}, expected a path, or one with {', '.join(_SCHEMES)} before "
            "its colon: correct it, or mount the store as a folder."
        )
    if re.search(r":[^@]*@", match["place"]):
        raise ConfigError(
            "The address holds a password, expected one without, since it goes into the manifest: "
            "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or their like, instead."
        )
    return text.rstrip("/")


def below(folder: str, name: str | PurePosixPath) -> str:
    """The address of a name below a folder's."""
    return f"{folder}/{name}"


def files_at(address: str) -> list[tuple[str, PurePosixPath]]:
    """The objects behind an address, sorted, each with its path below a folder of results.

    Args:
        address: of an object, of a folder (all below it, their structure kept), or a pattern with
            `*`, `?` and `**`.

    Raises:
        ConfigError: there is none.
        ImageError: the store does not answer.
    """
    root, name = _parted(address)
    with _refusals(address, ImageError):
        files, start = _opened(root)
        if name and files.get_file_info(f"{start}/{name}").is_file:
            return [(address, PurePosixPath(PurePosixPath(name).name))]
        wild = _WILD.search(name)
        fixed = name[: wild.start()].rpartition("/")[0] if wild else name
        found = sorted(_listed(files, "/".join(filter(None, (start, fixed)))))
    keys = [path.removeprefix(f"{start}/") for path in found]
    if wild:
        pattern = _pattern(name)
        chosen = [(key, PurePosixPath(key).name) for key in keys if pattern.fullmatch(key)]
    else:
        chosen = [(key, key.removeprefix(fixed).lstrip("/")) for key in keys]
    if not chosen:
        raise ConfigError(
            f"There is nothing at {address}, expected an object, a folder with some, or a pattern "
            "that matches some: check the address."
        )
    return [(f"{root}/{key}", PurePosixPath(relative)) for key, relative in chosen]


def read(address: str) -> bytes:
    """The bytes of an object of a size that a photo may have.

    Raises:
        ImageError: it is missing, too large, or the store does not answer.
    """
    name = PurePosixPath(address).name
    with _refusals(address, ImageError):
        files, path = _at(address)
        with files.open_input_file(path) as file:
            check_bytes(file.size(), DEFAULT_LIMITS, name)
            return bytes(file.read())


def head(address: str, count: int) -> bytes:
    """The first bytes of an object.

    Raises:
        OSError: it is missing, or the store does not answer.
    """
    files, path = _at(address)
    with files.open_input_file(path) as file:
        return bytes(file.read(count))


def read_if_there(address: str) -> bytes | None:
    """The bytes of a small object; None where there is none.

    Raises:
        ExportError: the store does not answer.
    """
    with _refusals(address, ExportError):
        files, path = _at(address)
        try:
            with files.open_input_file(path) as file:
                return bytes(file.read())
        except FileNotFoundError:
            return None


def sizes(addresses: Sequence[str]) -> list[int | None]:
    """The bytes of each object; None where there is none.

    Raises:
        ExportError: the store does not answer.
    """
    if not addresses:
        return []
    with _refusals(addresses[0], ExportError):
        files, _ = _at(addresses[0])
        infos = files.get_file_info([_at(address)[1] for address in addresses])
        return [info.size if info.is_file else None for info in infos]


def write(address: str, content: bytes) -> None:
    """Stores an object, which appears whole or not at all.

    Raises:
        ExportError: the store refuses or does not answer.
    """
    with _refusals(address, ExportError):
        files, path = _at(address)
        with files.open_output_stream(path) as file:
            file.write(content)


def remove(address: str) -> None:
    """Deletes an object.

    Raises:
        ExportError: the store refuses or does not answer.
    """
    with _refusals(address, ExportError), contextlib.suppress(FileNotFoundError):
        files, path = _at(address)
        files.delete_file(path)


def _parted(address: str) -> tuple[str, str]:
    match = _ADDRESS.fullmatch(address)
    assert match is not None  # noqa: S101 - `place` has checked it
    return match["root"], match["name"]


def _at(address: str) -> tuple[Any, str]:
    root, name = _parted(address)
    files, start = _opened(root)
    return files, f"{start}/{name}"


@cache
def _opened(root: str) -> tuple[Any, str]:
    """A store's file system, and what its paths begin with."""
    try:
        from pyarrow import fs
    except ImportError as error:
        raise EngineError(
            f"Object storage cannot be used ({error}), expected the optional extra storage: "
            "install it with pip install pyarrow."
        ) from error
    files, start = fs.FileSystem.from_uri(root)
    return files, start.rstrip("/")


def _listed(files: Any, folder: str) -> Iterator[str]:
    from pyarrow import fs

    selector = fs.FileSelector(folder, recursive=True, allow_not_found=True)
    return (info.path for info in files.get_file_info(selector) if info.is_file)


def _pattern(name: str) -> re.Pattern[str]:
    parts = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return re.compile(
        "".join(
            parts.get(part) or re.escape(part) for part in re.split(r"(\*\*/|\*\*|\*|\?)", name)
        )
    )


@contextlib.contextmanager
def _refusals(address: str, kind: type[ImageError] | type[ExportError]) -> Iterator[None]:
    """Arrow raises OSError for all that a store or the network does."""
    try:
        yield
    except FileNotFoundError as error:
        raise kind(f"There is no {address}, expected it to be there: check the address.") from error
    except (OSError, ValueError) as error:  # ValueError: an address that Arrow cannot take apart
        raise kind(
            f"{address} cannot be used ({str(error).splitlines()[0][:200]}), expected a store that "
            "answers: check the address, the credentials and the network, and start again."
        ) from error
