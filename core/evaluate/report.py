"""An evaluation as text, JSON, CSV and a gallery of its worst frames."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from PIL.PngImagePlugin import PngInfo

from core.atomic import write_atomic
from core.evaluate.metrics import METRICS, DepthMetrics
from core.evaluate.scoring import Evaluation, Example
from core.files.colormap import colorize

_GALLERY_HEIGHT = 180  # pixels of one picture
_LABEL_HEIGHT = 16
_ALIGNED = {"median": "scale-aligned", "scale_shift": "scale-and-shift-aligned"}
_GEOMETRY = (
    *(("edge_f1_0.25", "F1 0.25"), ("edge_f1_0.5", "F1 0.5"), ("edge_f1_1.0", "F1 1.0")),
    *(("border_accuracy_px", "acc px"), ("border_completeness_px", "compl px")),
    *(("normal_mean_deg", "normals"), ("normal_11", "<11.25"), ("normal_22", "<22.5")),
    *(("normal_30", "<30"), ("planarity_cm", "plane cm")),
)
_WORST_ERROR = 0.5  # AbsRel at which the error picture is fully bright

COLUMNS = ("name", "pixels", *METRICS, *(f"aligned_{key}" for key in METRICS), "scale")
_SOFTWARE = "LapDepth Studio"  # in a gallery, by which a later run knows that it may replace it


def as_dict(result: Evaluation) -> dict[str, Any]:
    """Everything but the pictures and the per-image figures, ready for JSON.

    The nine metric keys and `images` (how many frames were scored) are at the top level.
    """
    content: dict[str, Any] = result.mean.as_dict()
    content["images"] = len(result.images)
    content |= result.about
    content["protocol"] = result.protocol
    content["skipped"] = list(result.skipped)
    content["interval95"] = {key: list(ends) for key, ends in result.intervals.items()}
    content["failed"] = dict(result.failed)
    content["aligned"] = {"method": result.alignment} | result.aligned.as_dict()
    if result.geometry is not None:
        content["geometry"] = _finite(result.geometry)
    if result.levels:
        content["levels"] = [
            {"stride": level.stride}
            | level.metrics.as_dict()
            | ({"geometry": _finite(level.geometry)} if level.geometry else {})
            for level in result.levels
        ]
    content["by_scene"] = [
        {"label": scene, "images": count} | row.as_dict()
        for scene, (count, row) in result.by_scene.items()
    ]
    content["by_range"] = [asdict(item) for item in result.by_range]
    content["by_border"] = [asdict(item) for item in result.by_border]
    content["sparsification"] = None
    if result.sparsification is not None:
        content["sparsification"] = asdict(result.sparsification) | {
            "monotonic": result.sparsification.monotonic
        }
    for key, rows in (("baselines", result.baselines), ("known", result.known)):
        content[key] = {name: figures.as_dict() for name, figures in rows.items()}
    return content


def to_json(result: Evaluation) -> str:
    """`as_dict` as indented JSON, figures rounded to six places."""
    return json.dumps(_rounded(as_dict(result)), indent=2)


def format_table(result: Evaluation) -> str:
    """The figures as plain text for a terminal."""
    shown = {
        key: result.about.get(key)
        for key in ("dataset", "model", "flip", "resolution", "precision")
    }
    about = ", ".join(f"{key} {value}" for key, value in shown.items() if value is not None)
    lines = [f"{result.protocol}: {len(result.images)} images" + (f" ({about})" if about else "")]
    lines += [f"note: {note}" for note in result.about.get("notes", ())]
    names = ["metric", _ALIGNED[result.alignment], *result.baselines]
    rows = [result.mean, result.aligned, *result.baselines.values()]
    width = max(len(name) for name in names) + 2
    lines.append(" " * width + "".join(f"{key:>10}" for key in METRICS))
    for name, row in zip(names, rows, strict=True):
        lines.append(f"{name:<{width}}" + _numbers(row))
        if name == "metric":
            for end, label in enumerate(("95 % from", "95 % to")):
                numbers = "".join(f"{result.intervals[key][end]:>10.4f}" for key in METRICS)
                lines.append(f"{label:>{width - 1}} " + numbers)
    if result.known:
        wide = max(map(len, result.known)) + 2
        lines += ["", f"{'given':<{wide}}" + "".join(f"{key:>10}" for key in METRICS)]
        lines += [f"{name:<{wide}}" + _numbers(row) for name, row in result.known.items()]
    if result.geometry:
        lines += ["", " " * 9 + "".join(f"{title:>10}" for _, title in _GEOMETRY)]
        lines.append(f"{'geometry':<9}" + _geometry_row(result.geometry))
    elif result.geometry is not None:
        lines += ["", "geometry: the ground truth is too sparse to have borders"]
    if result.levels:
        titles = ["abs_rel", "rmse", "delta1"]
        titles += [title for _, title in _GEOMETRY] if result.levels[0].geometry else []
        lines += ["", f"{'level':<9}" + "".join(f"{title:>10}" for title in titles)]
    for level in result.levels:
        figures = _optional(level.metrics.abs_rel, level.metrics.rmse, level.metrics.delta1)
        figures += _geometry_row(level.geometry) if level.geometry else ""
        lines.append(f"{'1/' + str(level.stride):<9}" + figures)
    if result.by_scene:
        lines += ["", f"{'by scene':<32}{'images':>8}{'abs_rel':>10}{'rmse':>10}{'delta1':>10}"]
    for scene, (count, row) in result.by_scene.items():
        lines.append(f"{scene:<32}{count:>8}" + _optional(row.abs_rel, row.rmse, row.delta1))
    for title, bins in (("by depth", result.by_range), ("to border", result.by_border)):
        if bins:
            lines += ["", f"{title:<12}{'pixels':>12}{'abs_rel':>10}{'rmse':>10}{'delta1':>10}"]
        for item in bins:
            lines.append(
                f"{item.label:<12}{item.pixels:>12}"
                + _optional(item.abs_rel, item.rmse, item.delta1)
            )
    if result.sparsification is not None:
        s = result.sparsification
        falls = "falls throughout" if s.monotonic else "does not fall throughout"
        lines += ["", f"confidence: AUSE {s.ause:.4f}, AURG {s.aurg:.4f}, the error {falls}"]
    for name, reason in result.failed.items():
        lines += ["", f"left out, {name}: {reason}"]
    if result.skipped:
        lines += ["", f"left out, no ground truth that counts: {', '.join(result.skipped)}"]
    return "\n".join(lines)


def is_own_csv(head: bytes, tail: bytes) -> bool:  # noqa: ARG001 - as `core.atomic.check_own` asks
    """Whether a file with these first bytes is a table of `write_csv`."""
    return head.startswith(f"{','.join(COLUMNS)}\n".encode())


def is_own_gallery(head: bytes, tail: bytes) -> bool:  # noqa: ARG001 - as above
    """Whether a file with these first bytes is a picture of `write_gallery`."""
    return head.startswith(b"\x89PNG") and f"Software\0{_SOFTWARE}".encode() in head[:4096]


def write_csv(result: Evaluation, path: Path) -> None:
    """Writes one line per image: name, pixels, the nine figures, the aligned ones, the scale.

    Raises:
        ExportError: the file cannot be written.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for image in result.images:
        figures = [*image.metrics.as_dict().values(), *image.aligned.as_dict().values()]
        numbers = [f"{value:.6g}" for value in (*figures, image.scale)]
        writer.writerow([image.name, image.pixels, *numbers])
    write_atomic(path, text.getvalue().encode())


def write_gallery(result: Evaluation, path: Path) -> None:
    """Writes the worst frames as one PNG: per row photo, prediction, truth, relative error.

    Prediction and truth share one colour range per row; error is bright at 50 % and more.

    Raises:
        ExportError: the file cannot be written.
    """
    rows = [_gallery_row(example) for example in result.worst]
    width = max((row.width for row in rows), default=_GALLERY_HEIGHT)
    sheet = Image.new("RGB", (width, max(sum(row.height for row in rows), 1)))
    top = 0
    for row in rows:
        sheet.paste(row, (0, top))
        top += row.height
    encoded = io.BytesIO()
    about = PngInfo()
    about.add_text("Software", _SOFTWARE)
    sheet.save(encoded, "PNG", pnginfo=about)
    write_atomic(path, encoded.getvalue())


def _gallery_row(example: Example) -> Image.Image:
    measured = example.gt > 0
    near, far = (float(v) for v in np.percentile(example.gt[measured], [2, 98]))
    far = max(far, near * 1.01)
    error = np.zeros(example.gt.shape)
    error[measured] = np.abs(example.depth - example.gt)[measured] / example.gt[measured]
    rightness = _WORST_ERROR - np.clip(error, 0, _WORST_ERROR)  # the maps paint low values bright
    pictures = [
        example.rgb,
        _painted(example.depth, np.isfinite(example.depth), near, far),
        _painted(example.gt, measured, near, far),
        _painted(rightness, example.valid, 0.0, _WORST_ERROR, "inferno"),
    ]
    height, width = example.gt.shape
    scaled = round(width * _GALLERY_HEIGHT / height)
    row = Image.new("RGB", (scaled * len(pictures), _GALLERY_HEIGHT + _LABEL_HEIGHT))
    for column, picture in enumerate(pictures):
        # Sparse LiDAR points would vanish in a smooth reduction.
        small = Image.fromarray(picture).resize((scaled, _GALLERY_HEIGHT), Image.Resampling.NEAREST)
        row.paste(small, (column * scaled, _LABEL_HEIGHT))
    m = example.result.metrics
    label = (
        f"{example.result.name}   abs_rel {m.abs_rel:.3f}   rmse {m.rmse:.2f} m   "
        f"delta1 {m.delta1:.3f}   colours {near:.1f} to {far:.1f} m"
    )
    ImageDraw.Draw(row).text((4, 2), label, fill=(255, 255, 255))
    return row


def _painted(
    values: NDArray[np.floating],
    shown: NDArray[np.bool_],
    near: float,
    far: float,
    colormap: str = "viridis",
) -> NDArray[np.uint8]:
    return colorize(np.where(shown, values, np.nan).astype(np.float32), colormap, near, far)


def _geometry_row(figures: dict[str, float]) -> str:
    return _optional(*(_finite(figures)[key] for key, _ in _GEOMETRY))


def _finite(figures: dict[str, float]) -> dict[str, float | None]:
    return {key: None if np.isnan(value) else value for key, value in figures.items()}


def _numbers(row: DepthMetrics) -> str:
    return "".join(f"{value:>10.4f}" for value in row.as_dict().values())


def _optional(*values: float | None) -> str:
    return "".join(f"{'-' if value is None else f'{value:.4f}':>10}" for value in values)


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_rounded(item) for item in value]
    return value
