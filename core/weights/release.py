"""Imports the authors' checkpoints: their `.pkl` -> our safetensors, strict and exact.

Usage: `python -m core.weights.release SOURCE OUT`.

Runs as a process of its own, so that a file made to harm can at worst end this process. The pickle
is read with `weights_only`: it can name tensors and plain containers, and nothing in it is called.
Prints one line of JSON, {"tensors": n} or {"error": "..."}, and exits with 0 or 1.
"""

from __future__ import annotations

import json
import logging
import pickle
import subprocess
import sys
import tempfile
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from core.atomic import check_own, write_atomic
from core.errors import CheckpointError, ExportError
from core.model import LapDepth, ModelConfig
from core.weights import checkpoint
from core.weights.model_info import ModelInfo, check_name
from core.weights.registry import file_sha256, registered_names
from core.weights.release_keys import ENCODER_NAME, RELEASES, WRAPPER, release_key

DTYPES = (torch.float32, torch.float16, torch.int64)

MAX_SOURCE_BYTES = 4 << 30  # the authors' files are a tenth of it
READER_SECONDS = 900
COUNTER = "num_batches_tracked"

logger = logging.getLogger(__name__)


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


def import_release(
    source: str | Path, dataset: str, name: str, out_dir: Path | None = None
) -> ModelInfo:
    """Converts one of the authors' files.

    Args:
        source: the `.pkl`; never executed, and read in a process of its own.
        dataset: "kitti" or "nyu", which the file does not say.
        name: of the model: `NAME.safetensors` and `NAME.json` (its hash) are written.
        out_dir: `models_folder()` of `core.weights.checkpoint` unless given.

    Returns:
        The imported model's information.

    Raises:
        CheckpointError: an unknown data set, an unusable or taken name, a file that is missing, no
            state_dict, or not the authors' network; tensors that are missing, unexpected or of
            another shape are named.
        ExportError: the result cannot be written.
    """
    source, out_dir = Path(source), out_dir or checkpoint.models_folder()
    if dataset not in RELEASES:
        raise CheckpointError(
            f"There is no release for the data set {dataset!r}; expected one of {list(RELEASES)}. "
            "Choose the one that the file's name says."
        )
    path = out_dir / (check_name(name) + checkpoint.SUFFIX)
    _check_source(source)
    source_sha256 = file_sha256(source)
    _check_free(path, source_sha256)
    tensors = _read_tensors(source, out_dir)
    if all(key.startswith(WRAPPER) for key in tensors):
        tensors = {key.removeprefix(WRAPPER): value for key, value in tensors.items()}
    release = RELEASES[dataset]
    config = ModelConfig(ENCODER_NAME, release.max_depth, norm=_decoder_norm(tensors))
    weights = _rename(tensors, config, source.name)
    info = ModelInfo(
        config=config,
        working_height=release.working_height,
        supervised_levels=False,
        camera=release.camera,
        licence="GPL-3.0, as the authors' release",
        training_data=release.training_data,
        provenance={
            "origin": "imported from the authors' release",
            "authors": "Minsoo Song, Seokjae Lim, Wonjun Kim",
            "paper": "https://doi.org/10.1109/TCSVT.2021.3049869",
            "source_file": source.name,
            "source_sha256": source_sha256,
        },
        published=release.published.get(config.norm, {}),
    )
    saved = checkpoint.save_checkpoint(path, weights, info)
    pin = {"sha256": saved.sha256, "source_file": source.name, "source_sha256": source_sha256}
    write_atomic(path.with_suffix(".json"), (json.dumps(pin, indent=2) + "\n").encode())
    logger.info("imported %s as %s: %d tensors", source, path, len(weights))
    return saved


def _check_source(source: Path) -> None:
    if not source.is_file():
        raise CheckpointError(
            f"{source} is not a file; expected one of the authors' .pkl checkpoints. "
            "Check the path."
        )
    size = source.stat().st_size
    if not 0 < size <= MAX_SOURCE_BYTES:
        raise CheckpointError(
            f"{source.name} has {size} bytes; expected a checkpoint of about 300 MB, at most "
            f"{MAX_SOURCE_BYTES}. Download it again."
        )


def _check_free(path: Path, source_sha256: str) -> None:
    """A name is free if nothing usable has it, or if it came from the same file."""
    if path.stem in registered_names(path.parent):
        raise CheckpointError(
            f"{path.stem!r} is the name of a model that ships with this program; expected another. "
            "Choose a name of your own."
        )
    taken = [model for model in checkpoint.scan_models(path.parent).models if model.path == path]
    if taken and taken[0].provenance.get("source_sha256") != source_sha256:
        raise CheckpointError(
            f"There is a model {path.stem!r} already, and it came from another file; it is left as "
            f"it is. Choose another name, or delete {path} first."
        )
    check_own(path, lambda head, _: checkpoint.METADATA_KEY.encode() in head)
    check_own(path.with_suffix(".json"), lambda head, _: b'"source_sha256"' in head)


def _read_tensors(source: Path, out_dir: Path) -> dict[str, Tensor]:
    """The file's tensors, by way of a temporary file that only holds tensors."""
    try:
        out_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".import-", dir=out_dir) as folder:
            plain = Path(folder) / "tensors.safetensors"
            _read_in_own_process(source, plain)
            return load_file(plain)
    except OSError as error:
        raise ExportError(
            f"{out_dir} cannot be written ({error.strerror or error}); expected a folder with "
            "write permission and 1 GB free. Free some space or choose another folder."
        ) from error


def _read_in_own_process(source: Path, plain: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "core.weights.release",
        str(source.resolve()),
        str(plain.resolve()),
    ]
    try:
        done = subprocess.run(  # noqa: S603 - our own module, and no shell
            command,
            cwd=Path(__file__).resolve().parents[2],
            capture_output=True,
            text=True,
            timeout=READER_SECONDS,
            check=False,
        )
        answer = json.loads(done.stdout.strip().splitlines()[-1])
    except subprocess.TimeoutExpired as error:
        raise CheckpointError(
            f"{source.name} could not be read within {READER_SECONDS} s; expected a checkpoint of "
            "about 300 MB. Download it again."
        ) from error
    except (ValueError, IndexError) as error:
        logger.error("the reader ended with %s: %s", done.returncode, done.stderr[-2000:])
        raise CheckpointError(
            f"{source.name} made the reader fail (exit status {done.returncode}); expected a "
            "pickled state_dict. Download it again; reading takes memory for twice its size."
        ) from error
    if "error" in answer:
        raise CheckpointError(
            f"{source.name} {answer['error']}; expected one of the authors' .pkl checkpoints. "
            "Download it again (a web page may have been saved in its place)."
        )


def _decoder_norm(tensors: Mapping[str, Tensor]) -> str:
    """BatchNorm keeps statistics, GroupNorm has none; the encoder always has BatchNorm."""
    decoder = [key for key in tensors if key.startswith("decoder.")]
    return "batch" if any(key.endswith("running_mean") for key in decoder) else "group"


def _rename(tensors: Mapping[str, Tensor], config: ModelConfig, source: str) -> dict[str, Tensor]:
    """The tensors under our names, every one accounted for.

    Files from before PyTorch 0.4.1 lack BatchNorm's counters; they start at 0 then, which changes
    nothing in use.
    """
    with torch.device("meta"):
        expected = LapDepth(config).state_dict()
    names = {name: release_key(name) for name in expected}
    problems = []
    weights: dict[str, Tensor] = {}
    for name, theirs in names.items():
        shape = expected[name].shape
        if theirs not in tensors:
            if name.endswith(COUNTER):
                weights[name] = torch.zeros((), dtype=torch.int64)
            else:
                problems.append(f"{theirs} is missing")
        elif tensors[theirs].shape != shape:
            problems.append(f"{theirs} is {list(tensors[theirs].shape)}, expected {list(shape)}")
        else:
            weights[name] = tensors[theirs]
    known = set(names.values())
    problems += [f"{key[:120]} is unexpected" for key in tensors if key not in known]
    if problems:
        more = f" and {len(problems) - 6} more" if len(problems) > 6 else ""
        raise CheckpointError(
            f"{source} is not the authors' network ({config.norm} norm): "
            f"{'; '.join(problems[:6])}{more}. Expected LDRN_*_ResNext101_*.pkl of their release."
        )
    return weights


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
