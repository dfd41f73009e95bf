"""A run over photos: what was asked for, what became of each, and the file that says so."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, BinaryIO, Literal

from core import __version__
from core.atomic import write_atomic
from core.batch.plan import MANIFEST, TABLE
from core.errors import ExportError
from core.files.depth_maps import ColorSettings
from core.files.outputs import Output
from core.images.resize import checked_resolution
from core.prediction import checked_switch
from core.scale.calibration import Measurement, camera_of, given
from core.weights.choice_table import AUTO
from core.weights.model_info import ModelInfo

if TYPE_CHECKING:
    from core.files.geometry_process import Apart

# How a cell begins that Excel and its like calculate: `=cmd.jpg` may be the name of a photo.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

_HEAD = 1 << 16  # of a manifest: all but its photos

Status = Literal["done", "skipped", "failed"]


@dataclass(frozen=True, kw_only=True)
class DepthSettings:
    """How a photo, or every photo or clip of a run, is predicted.

    Attributes:
        resolution: working height in pixels; None is the model's.
        flip: average with the mirrored photo.
        fov: horizontal field of view in degrees; None takes EXIF or the training camera.
        intrinsics: fx, fy, cx, cy in pixels, instead of a field of view.
        known: measurements in the photo, or in the clip's first frame, which is the only one then,
            or a profile for all; they give the scale.
        colors: of the colour picture, or of the video.
        overwrite: also redo what is finished.
        png_scale: steps per metre of the 16-bit PNGs; None: each photo or clip its own.

    Raises:
        ConfigError: a resolution out of range, or a switch that is neither True nor False.
    """

    resolution: int | None = None
    flip: bool = False
    fov: float | None = None
    intrinsics: tuple[float, ...] | None = None
    known: tuple[Measurement, ...] = ()
    colors: ColorSettings = field(default_factory=ColorSettings)
    overwrite: bool = False
    png_scale: float | None = None

    def __post_init__(self) -> None:
        if self.resolution is not None:
            checked_resolution(self.resolution)
        for name in ("flip", "overwrite"):
            checked_switch(name, getattr(self, name))

    @property
    def prediction(self) -> dict[str, Any]:
        """What decides the prediction beside the model: the keywords of a predictor."""
        camera = camera_of(self.known, self.fov, self.intrinsics)
        return {
            "resolution": self.resolution, "flip": self.flip, "fov": self.fov, "intrinsics": camera
        }  # fmt: skip

    def decisive(self) -> dict[str, Any]:
        """The settings that decide the result, as a sidecar holds them."""
        asked = self.resolution
        return {
            "resolution": None if asked is None else checked_resolution(asked),
            "flip": bool(self.flip),
            "fov": self.fov,
            "intrinsics": None if self.intrinsics is None else list(self.intrinsics),
            **given(self.known),
        }


@dataclass(frozen=True)
class BatchSettings(DepthSettings):
    """What is made of every photo.

    Attributes:
        outputs: files wanted, of `core.files.outputs.OUTPUTS`.
        precision: of the network's arithmetic, as in `core.load_predictor`.
        apart: what geometry may cost, as in `core.files.writers_2d.ExportJob`.
    """

    outputs: Sequence[Output]
    precision: str = "float32"
    apart: Apart | None = None

    def decisive(self) -> dict[str, Any]:
        return {**super().decisive(), "precision": self.precision}


@dataclass(frozen=True)
class Entry:
    """What became of one photo; a line of the manifest.

    Attributes:
        input: the file as it was found.
        status: "done", "skipped" (finished before) or "failed".
        sha256: of the file; None where it could not be read.
        stem: of its results below the output folder.
        files: written or found, below the output folder.
        error: the sentence for the user, where it failed.
        notes: what the user should know of its result.
    """

    input: str
    status: Status
    sha256: str | None
    stem: str
    files: Sequence[str] = ()
    error: str | None = None
    milliseconds: float = 0.0
    notes: Sequence[str] = ()

    def to_line(self) -> str:
        """One line of JSON."""
        return json.dumps(vars(self)) + "\n"


@dataclass
class Totals:
    """How many photos came to what end."""

    done: int = 0
    skipped: int = 0
    failed: int = 0

    def count(self, entry: Entry) -> None:
        """Adds one photo."""
        setattr(self, entry.status, getattr(self, entry.status) + 1)


def described(models: Sequence[ModelInfo]) -> dict[str, Any]:
    """The model of a run, or the models that its photos chose from, JSON-ready."""
    names = [{"name": info.name, "sha256": info.sha256} for info in models]
    return names[0] if len(names) == 1 else {"name": AUTO, "models": names}


def write_manifests(
    folder: Path,
    models: Sequence[ModelInfo],
    settings: BatchSettings,
    totals: Totals,
    lines: IO[str],
    left_out: Mapping[str, int] | None = None,
) -> None:
    """Writes a run's `manifest.json` and `manifest.csv`.

    Entries are copied from `lines`, so that memory does not grow with them.

    Args:
        models: the model, or those that every photo chose from.
        lines: the entries, one `Entry.to_line` each.
        left_out: files that are plainly no photo, by what they are.

    Raises:
        ExportError: one cannot be written.
    """
    head = {
        "version": __version__,
        "model": described(models),
        "settings": {
            **settings.decisive(),
            "save": [output.name for output in settings.outputs],
            "colormap": settings.colors.colormap,
        },
        "png_scale": settings.png_scale,
        "counts": vars(totals),
        "left_out": dict(left_out or {}),
    }

    def write(file: BinaryIO) -> None:
        file.write(json.dumps(head, indent=2)[:-2].encode() + b',\n  "photos": [')
        lines.seek(0)
        for index, line in enumerate(lines):
            file.write((",\n    " if index else "\n    ").encode() + line.rstrip("\n").encode())
        file.write(b"\n  ]\n}\n")

    write_atomic(folder / MANIFEST, write)
    lines.seek(0)
    write_table(folder / TABLE, head, map(json.loads, lines))


def write_table(path: Path, head: Mapping[str, Any], photos: Iterable[Mapping[str, Any]]) -> None:
    """Writes a manifest as a table: a line for every photo, the run's settings on each.

    Args:
        path: of the table: UTF-8, commas, a line of names first. Lists are joined by ";", what is
            not set is empty. A text that a spreadsheet would take for a formula begins with "'";
            bytes of a name that are no text are escaped as in the manifest.
        head: of the manifest: version, model and settings.

    Raises:
        ExportError: it cannot be written.
    """
    settings = {name: value for name, value in head["settings"].items() if name != "model"}
    same = {"model": head["model"]["name"], **settings, "png_scale": head["png_scale"]}
    same["version"] = head["version"]

    def write(file: BinaryIO) -> None:
        text = io.TextIOWrapper(file, "utf-8", errors="backslashreplace", newline="")
        rows = csv.writer(text)
        rows.writerow([*(each.name for each in fields(Entry)), *same])
        for photo in photos:
            rows.writerow([_cell(value) for value in (*photo.values(), *same.values())])
        text.detach()

    write_atomic(path, write)


def _cell(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        value = ";".join(map(str, value))
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def check_replaceable(folder: Path) -> None:
    """Refuses to write a manifest over a file of that name that is not a manifest.

    Raises:
        ExportError: the output folder has one, of the user's.
    """
    for name, is_ours in {MANIFEST: _is_manifest, TABLE: _is_table}.items():
        path = folder / name
        if not os.path.lexists(path):
            continue
        head = b""
        with contextlib.suppress(OSError), path.open("rb") as file:  # a folder is none either
            head = file.read(_HEAD)
        if not is_ours(head):
            raise ExportError(
                f"The list of results would replace {name} in {folder}, which is no result of "
                "this program, expected a name that is free: move it away, or choose another "
                "output folder."
            )


def _is_manifest(head: bytes) -> bool:
    keys = ("model", "settings", "counts", "photos")
    return head.startswith(b'{\n  "version": ') and all(
        b'\n  "%b": ' % key.encode() in head for key in keys
    )


def _is_table(head: bytes) -> bool:
    names = ",".join(each.name for each in fields(Entry))
    return head.startswith(f"{names},model,".encode())
