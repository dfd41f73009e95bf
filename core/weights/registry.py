"""Which bytes a checkpoint must have: the shipped models' registry, and imported models' sidecars.

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

from core.atomic import write_atomic
from core.errors import CheckpointError
from core.weights.tensor_file import file_sha256

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
    text = json.dumps(dict(sorted(pins.items())), indent=2) + "\n"
    write_atomic(path.parent / REGISTRY, text.encode())
    return sha256


def pin_graph(checkpoint: Path, graph: bytes) -> None:
    """Ships a model's graph for ONNX Runtime beside it, `NAME.onnx.gz`, and records its hash."""
    pins = _read_json(checkpoint.parent / REGISTRY)
    packed = gzip.compress(graph, mtime=0)
    pins[checkpoint.stem]["graph"] = hashlib.sha256(packed).hexdigest()
    write_atomic(checkpoint.with_name(checkpoint.stem + GRAPH), packed)
    text = json.dumps(dict(sorted(pins.items())), indent=2) + "\n"
    write_atomic(checkpoint.parent / REGISTRY, text.encode())


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
