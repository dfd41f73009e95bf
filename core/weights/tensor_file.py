"""What a safetensors file says it holds, checked before its tensors are read.

The format's own library parses the header and refuses one that does not fit the file: gaps,
overlaps, a wrong length. Added here: a limit for the header and the types that a model may have.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError, safe_open

from core.errors import CheckpointError

MAX_HEADER_BYTES = 1 << 20
DTYPES = ("F32", "F16", "BF16", "I64")  # all that this program writes or reads


@dataclass(frozen=True)
class TensorSpec:
    """A tensor's type, as safetensors names it, and its shape."""

    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Header:
    """What a file claims to hold, checked to be possible for its size."""

    metadata: dict[str, str]
    tensors: dict[str, TensorSpec]


def read_header(path: Path) -> Header:
    """Reads and checks a header; the tensors' bytes are not touched.

    Raises:
        CheckpointError: no such file, no safetensors file, a header over 1 MiB, types other than
            float32, float16, bfloat16 and int64, or sizes that do not add up to the file's.
    """
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
        if length > MAX_HEADER_BYTES:
            raise unusable(path, f"it states a header of {length} bytes")
        with safe_open(path, "np") as opened:
            slices = {name: opened.get_slice(name) for name in opened.keys()}  # noqa: SIM118
            tensors = {
                name: TensorSpec(each.get_dtype(), tuple(each.get_shape()))
                for name, each in slices.items()
            }
            metadata = opened.metadata() or {}
    except OSError as error:
        raise _unreadable(path, error) from error
    except (SafetensorError, ValueError) as error:
        raise unusable(path, f"its header is damaged ({error})") from error
    for name, spec in tensors.items():
        if spec.dtype not in DTYPES:
            raise unusable(path, f"{name} is of type {spec.dtype}, not {', '.join(DTYPES)}")
    return Header(metadata, tensors)


def read_once(path: Path) -> bytes:
    """All bytes of a file whose header is usable.

    Raises:
        CheckpointError: as `read_header`, before anything large is read.
    """
    read_header(path)
    try:
        return path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from error


def metadata_of(data: bytes) -> dict[str, str]:
    """The metadata of a file that the library has read without an error."""
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    return dict(header.get("__metadata__", {}))


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


def unusable(path: Path, why: str) -> CheckpointError:
    """The sentence for a file that is no model."""
    return CheckpointError(
        f"{path.name} is not a usable .safetensors file: {why}. Get the file again, or convert it "
        "again; `import-release` reads the authors' .pkl files."
    )


def _unreadable(path: Path, error: OSError) -> CheckpointError:
    return CheckpointError(
        f"{path} cannot be read ({error.strerror or error}); expected a .safetensors file. Check "
        "the path and its permissions."
    )
