"""Safetensors files without their tensors: what they say of themselves, and their hash."""

from __future__ import annotations

import hashlib
from pathlib import Path

from safetensors import SafetensorError, safe_open

from core.errors import CheckpointError


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
