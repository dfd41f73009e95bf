"""Runs over photos as the tests start them: with an engine that answers at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.batch.manifest import BatchSettings, Entry, Totals
from core.batch.plan import plan
from core.batch.run import predict_files
from core.files.outputs import parse_outputs
from core.predictor import Predictor
from tests.tiny_checkpoint import picture, tiny_config, tiny_info

Run = Callable[..., tuple[Totals, list[Entry]]]
INFO = tiny_info(tiny_config())
INFO = INFO.saved_as(Path("tiny.safetensors"), "a" * 64)


class Flat:
    """An engine that answers at once and counts how often it is asked."""

    name, device, precision = "flat", "cpu", "float32"

    def __init__(self) -> None:
        self.runs = 0

    def run(self, image: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        self.runs += 1
        n, _, height, width = image.shape
        return [np.full((n, 1, height // s, width // s), 0.1, np.float32) for s in (16, 8, 4, 2, 1)]


def starter(tmp_path: Path, engine: Flat) -> Run:
    """Predicts inputs into tmp_path/out; keywords go to `BatchSettings`."""

    def start(
        *inputs: Path, save: str = "color,depth16", info: Any = INFO, **settings: Any
    ) -> tuple[Totals, list[Entry]]:
        entries: list[Entry] = []
        totals = predict_files(
            plan(inputs, tmp_path / "out"),
            tmp_path / "out",
            [info],
            lambda: Predictor(info, engine),
            BatchSettings(parse_outputs(save), **settings),
            on_entry=entries.append,
        )
        return totals, entries

    return start


def photo(path: Path, seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture(48, 32, seed)).save(path)
    return path


def files(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def stems(inputs: Sequence[Path], out: Path) -> list[str]:
    return [job.stem.as_posix() for job in plan(inputs, out)]
