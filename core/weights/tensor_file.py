"""The header of a safetensors file, read by ourselves so that nothing is believed or allocated.

Layout (https://github.com/huggingface/safetensors): 8 bytes little-endian header length, a JSON
header, then the tensors' bytes without gaps.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from core.errors import CheckpointError

MAX_HEADER_BYTES = 1 << 20
ITEM_BYTES = {"F32": 4, "F16": 2, "BF16": 2, "I64": 8}  # all that this program writes or reads


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
            return _header(file, path)
    except OSError as error:
        raise CheckpointError(
            f"{path} cannot be read ({error.strerror}); expected a .safetensors file. Check the "
            "path and its permissions."
        ) from error


def _header(file: IO[bytes], path: Path) -> Header:
    start = file.read(8)
    file.seek(0, 2)
    size = file.tell()
    length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
    if not 2 <= length <= min(MAX_HEADER_BYTES, size - 8):
        raise _unusable(path, f"it states a header of {length} bytes in a file of {size}")
    file.seek(8)
    text = file.read(length)
    try:
        entries = json.loads(text)
        metadata = entries.pop("__metadata__", {})
        tensors = {name: _tensor_spec(entry) for name, entry in entries.items()}
        _check_layout(entries.values(), size - 8 - length)
        if not all(isinstance(value, str) for value in metadata.values()):
            raise ValueError("metadata that is not text")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise _unusable(path, f"its header is damaged ({error})") from error
    return Header(metadata, tensors)


def read_once(path: Path) -> tuple[bytes, Header]:
    """All bytes of a file and the checked header of those very bytes.

    Raises:
        CheckpointError: as `read_header`, before anything large is read.
    """
    read_header(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CheckpointError(
            f"{path} cannot be read ({error.strerror}); check the path and its permissions."
        ) from error
    return data, _header(io.BytesIO(data), path)


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal.

    Raises:
        CheckpointError: the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise CheckpointError(
            f"{path} cannot be read ({error.strerror}); check the path and its permissions."
        ) from error


def _tensor_spec(entry: Any) -> TensorSpec:
    dtype, shape = entry["dtype"], entry["shape"]
    begin, end = entry["data_offsets"]
    if dtype not in ITEM_BYTES:
        raise ValueError(f"type {dtype!r}, expected one of {', '.join(ITEM_BYTES)}")
    if not all(type(number) is int and number >= 0 for number in (*shape, begin, end)):
        raise ValueError(f"shape {shape!r} at {begin!r} to {end!r}")
    if end - begin != math.prod(shape) * ITEM_BYTES[dtype]:
        raise ValueError(f"shape {shape!r} of {dtype} in {end - begin} bytes")
    return TensorSpec(dtype, tuple(shape))


def _check_layout(entries: Iterable[Any], size: int) -> None:
    """The tensors fill the file from the first byte to the last, without gap or overlap."""
    position = 0
    for begin, end in sorted(tuple(entry["data_offsets"]) for entry in entries):
        if begin != position:
            raise ValueError(f"a gap or overlap at byte {position}")
        position = end
    if position != size:
        raise ValueError(f"{position} bytes of tensors in a file that holds {size}")


def _unusable(path: Path, why: str) -> CheckpointError:
    return CheckpointError(
        f"{path.name} is not a usable .safetensors file: {why}. Get the file again, or convert it "
        "again; `import-release` reads the authors' .pkl files."
    )
