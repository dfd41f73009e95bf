"""Turns a pickled state_dict into a safetensors file.

Usage: `python -m core.model_files.release_reader SOURCE OUT`.

Runs as a process of its own, so that a file made to harm can at worst end this process. The pickle
is read with `weights_only`: it can name tensors and plain containers, and nothing in it is called.
Prints one line of JSON, {"tensors": n} or {"error": "..."}, and exits with 0 or 1.
"""

from __future__ import annotations

import json
import pickle
import sys
import warnings
import zipfile
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

DTYPES = (torch.float32, torch.float16, torch.int64)


def read_tensors(source: Path) -> dict[str, Tensor]:
    """Reads the tensors of a pickled state_dict.

    Raises:
        ValueError: the file is no such thing, or unpacks to more than its own size; the text is
            the end of a sentence that begins with the file's name.
    """
    size = source.stat().st_size
    zipped = zipfile.is_zipfile(source)
    if zipped:
        with zipfile.ZipFile(source) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
        if unpacked > size:
            raise ValueError(f"is {size} bytes but would unpack to {unpacked}")
    try:
        with warnings.catch_warnings(action="ignore"):  # of an unusual pickle protocol
            loaded = torch.load(source, map_location="cpu", weights_only=True, mmap=zipped)
    except pickle.UnpicklingError as error:
        reason = str(error).strip().splitlines()
        told = next((line for line in reason if "Unsupported" in line or "GLOBAL" in line), "")
        raise ValueError(
            f"is not a plain pickled state_dict; nothing in it was executed. {told}".strip()
        ) from error
    except Exception as error:  # a damaged file fails in many places of the reader
        raise ValueError(f"cannot be read by PyTorch ({type(error).__name__})") from error
    if not isinstance(loaded, dict) or not loaded:
        raise ValueError(f"holds {type(loaded).__name__}, not a state_dict with tensors")
    for name, value in loaded.items():
        dense = isinstance(value, Tensor) and value.layout == torch.strided
        if not isinstance(name, str) or not dense or value.dtype not in DTYPES:
            kind = value.dtype if isinstance(value, Tensor) else type(value).__name__
            raise ValueError(
                f"holds {str(name)[:80]!r} of type {kind}, not a float or int64 tensor"
            )
    # A tensor may repeat its storage, so its shape can be far larger than the file.
    total = sum(value.numel() * value.element_size() for value in loaded.values())
    if total > size:
        raise ValueError(f"is {size} bytes but states tensors of {total}")
    return {name: value.detach().clone().contiguous() for name, value in loaded.items()}


def main(source: str, out: str) -> int:
    """Converts one file and prints what came of it."""
    try:
        tensors = read_tensors(Path(source))
        save_file(tensors, out)
    except (ValueError, OSError) as error:
        sys.stdout.write(json.dumps({"error": str(error)}) + "\n")
        return 1
    sys.stdout.write(json.dumps({"tensors": len(tensors)}) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
