"""The files of checkpoints, without their tensors: where they lie, and which bytes they must have.

`checkpoints/registry.json` pins what ships with the program, the `NAME.json` beside an imported
checkpoint what the import wrote. Both map to `{"sha256": ...}`.

In a checkout they lie beside the packages; an installed package holds them (`setup.py`).
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from core.atomic import write_atomic
from core.errors import CheckpointError

_PACKAGE = Path(__file__).resolve().parents[1]


def shipped(name: str) -> Path:
    """The folder `checkpoints` or `assets` of this program, wherever it runs from."""
    installed = _PACKAGE / "_shipped" / name
    return installed if installed.is_dir() else _PACKAGE.parent / name


EXAMPLES = shipped("assets") / "examples"
REGISTRY = "registry.json"
GRAPH = ".onnx.gz"

_digests: dict[tuple[str, int, int, int], str] = {}  # by path, inode, size and time of change

MODELS_VARIABLE = "LAPDEPTH_MODELS"


def named_folder(environment: Mapping[str, str] | None = None) -> Path | None:
    """The folder of checkpoints that LAPDEPTH_MODELS names, or None.

    Raises:
        CheckpointError: there is no such folder.
    """
    name = (os.environ if environment is None else environment).get(MODELS_VARIABLE)
    if not name:
        return None
    folder = Path(name).expanduser().absolute()
    if not folder.is_dir():
        raise CheckpointError(
            f"LAPDEPTH_MODELS is {name!r}, expected a folder that is there: correct it, make the "
            "folder, or unset it for the models that ship with the program."
        )
    return folder


def pin_checkpoint(path: Path) -> str:
    """Records a shipped model's hash in the `registry.json` of its folder; returns the hash."""
    pins = _read_json(path.parent / REGISTRY)
    sha256 = file_sha256(path)
    pins[path.stem] = {"sha256": sha256}
    _write_pins(path.parent, pins)
    return sha256


def pin_graph(checkpoint: Path, graph: bytes) -> None:
    """Ships a model's graph for ONNX Runtime beside it, `NAME.onnx.gz`, and records its hash."""
    pins = _read_json(checkpoint.parent / REGISTRY)
    packed = gzip.compress(graph, mtime=0)
    pins[checkpoint.stem]["graph"] = hashlib.sha256(packed).hexdigest()
    write_atomic(checkpoint.with_name(checkpoint.stem + GRAPH), packed)
    _write_pins(checkpoint.parent, pins)


def _write_pins(folder: Path, pins: Mapping[str, Any]) -> None:
    text = json.dumps(dict(sorted(pins.items())), indent=2) + "\n"
    write_atomic(folder / REGISTRY, text.encode())


def graph_of(folder: Path, sha256: str) -> bytes | None:
    """The graph, packed by gzip, that ships with the checkpoint of this hash, or None.

    Raises:
        CheckpointError: it is missing, or not the one that was recorded.
    """
    for name, entry in _read_json(folder / REGISTRY).items():
        if entry["sha256"] == sha256 and "graph" in entry:
            path = folder / f"{name}{GRAPH}"
            graph = path.read_bytes() if path.is_file() else b""
            if hashlib.sha256(graph).hexdigest() == entry["graph"]:
                return graph
            raise CheckpointError(
                f"{path.name} is missing or not the file that was recorded, expected what ships "
                "with the model: restore it."
            )
    return None


def registered_names(folder: Path) -> set[str]:
    """The names of the shipped models, whose hashes are pinned in the folder's registry."""
    return set(_read_json(folder / REGISTRY))


def pinned_sha256(path: Path) -> str | None:
    """The hash that the registry, or else the sidecar `NAME.json`, states for a checkpoint.

    Raises:
        CheckpointError: either file is there but damaged.
    """
    source = path.parent / REGISTRY
    entry = _read_json(source).get(path.stem)
    if entry is None:
        source = path.with_suffix(".json")
        entry = _read_json(source) or None
    if entry is None:
        return None
    sha256 = entry.get("sha256") if isinstance(entry, dict) else None
    if not isinstance(sha256, str):
        raise CheckpointError(
            f"{source.name} states no SHA-256 for {path.name}; expected "
            '{"sha256": "..."}. Restore it, or import the model again.'
        )
    return sha256


def _read_json(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_bytes())
        if not isinstance(values, dict):
            raise ValueError(f"a {type(values).__name__} in place of an object")
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError, RecursionError) as error:
        raise CheckpointError(
            f"{path} cannot be read ({error}); expected the JSON that this program writes. "
            "Restore it, or import the model again."
        ) from error
    return values


def known_sha256(path: Path) -> str:
    """The file's hash, computed once for as long as the file is not touched."""
    try:
        stat = path.stat()
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read ({error.strerror}).") from error
    key = (str(path.absolute()), stat.st_ino, stat.st_size, stat.st_ctime_ns)
    if key not in _digests:
        _digests[key] = file_sha256(path)
    return _digests[key]


def read_metadata(path: Path) -> dict[str, str]:
    """What a file says of itself; the tensors' bytes are not touched.

    Raises:
        CheckpointError: no such file, no safetensors file, or tensors that do not fill it from the
            first byte to the last.
    """
    try:
        with path.open("rb"), safe_open(path, "np") as file:
            return file.metadata() or {}
    except OSError as error:
        raise _unreadable(path, error) from error
    except SafetensorError as error:
        raise unusable(path, error) from error


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal.

    Raises:
        CheckpointError: the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise _unreadable(path, error) from error


def read_bytes(path: Path) -> bytes:
    """All of a file whose header is in order.

    Raises:
        CheckpointError: as `read_metadata`, before anything large is read.
    """
    read_metadata(path)
    try:
        return path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from error


def unusable(path: Path, error: Exception) -> CheckpointError:
    """The error for a file that the library refuses."""
    return CheckpointError(
        f"{path.name} is not a usable .safetensors file: its header is damaged ({error}). Get the "
        "file again, or convert it again; `import-release` reads the authors' .pkl files."
    )


def _unreadable(path: Path, error: OSError) -> CheckpointError:
    return CheckpointError(
        f"{path} cannot be read ({error.strerror or error}); expected a .safetensors file. Check "
        "the path and its permissions."
    )
