"""What is said about a result: as JSON for programs, as sentences for people."""

from __future__ import annotations

import html
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from app.common.result import Result
from app.common.translations import of_core, t
from core.errors import ConfigError
from core.files.colormap import auto_range
from core.prediction import Prediction
from core.scale.calibration import Calibration
from core.scale.profile import Profile
from core.weights.choice_table import Choice
from core.weights.model_info import ModelInfo

_MEDIAN_SAMPLES = 250_000


@dataclass(frozen=True)
class DepthRange:
    """Extent of a depth map in metres, over its valid pixels."""

    min: float
    max: float
    median: float


def depth_range(result: Result) -> DepthRange:
    """Nearest, farthest and median depth in metres; the median of an even sample."""
    depth = result.prediction.depth
    step = max(1, math.isqrt(depth.size // _MEDIAN_SAMPLES))
    return DepthRange(
        float(np.fmin.reduce(depth, axis=None)),
        float(np.fmax.reduce(depth, axis=None)),
        float(np.nanmedian(depth[::step, ::step])),
    )


def display_range(result: Result) -> tuple[float, float]:
    """Ends of the colour bar in metres: the fixed ones where given, else from the picture.

    Raises:
        ConfigError: a fixed end on the wrong side of the picture's own.
    """
    near, far = result.request.colors.near, result.request.colors.far
    if near is None or far is None:
        nearest, farthest = auto_range(result.prediction.depth)
        near = nearest if near is None else near
        far = farthest if far is None else far
    if not near < far:
        raise ConfigError(
            f"The range would go from {near:.4g} m to {far:.4g} m, expected near below far: "
            "give both ends, or leave both empty to take them from the picture."
        )
    return near, far


def with_display_range(result: Result) -> Result:
    """The same result with both ends of its colour bar stated, so that they are found once."""
    near, far = display_range(result)
    colors = replace(result.request.colors, near=near, far=far)
    return replace(result, request=replace(result.request, colors=colors))


def accuracy(info: ModelInfo) -> list[tuple[str, float, float, int | None]]:
    """(data set, mean relative error, share within 25 %, images) that this program measured."""
    rows = []
    for data, figures in info.measured.items():
        if isinstance(figures, Mapping) and {"abs_rel", "delta1"} <= figures.keys():
            images = figures.get("images")
            rows.append((str(data), float(figures["abs_rel"]), float(figures["delta1"]), images))
    return rows


def as_json(result: Result) -> dict[str, Any]:
    """The summary that the HTTP endpoints return; lengths in metres, pixels of the photo."""
    prediction, photo = result.prediction, result.photo
    info, height, width = prediction.info, *prediction.depth.shape
    extent, known = depth_range(result), prediction.calibration
    return {
        "model": info.name,
        "model_sha256": info.sha256,
        "model_choice": None if result.choice is None else result.choice.to_dict(),
        "metric": prediction.metric,
        "unit": prediction.unit,
        "range": [extent.min, extent.max],
        "median": extent.median,
        "colour_range": list(display_range(result)),
        "intrinsics": prediction.intrinsics.to_dict(),
        "fov": prediction.intrinsics.hfov(width),
        "focal_scale": prediction.focal_scale,
        "scale": prediction.scale,
        "calibration": None if known is None else known.to_dict(),
        "scale_facts": prediction.scale_facts(),
        "milliseconds": prediction.milliseconds,
        "width": width,
        "height": height,
        "photo_sha256": photo.sha256,
        "photo_format": photo.format,
        "notes": list(prediction.notes),
        "settings": result.request.to_dict(),
        "max_depth": info.config.max_depth,
        "measured": dict(info.measured),
        "training_data": info.training_data,
        "licence": info.licence,
    }


def _camera_words(result: Result, lang: str) -> str:
    """The camera of a photo and where it is from; of a panorama, how it was seen."""
    prediction, camera = result.prediction, result.prediction.intrinsics
    fov = camera.hfov(prediction.photo_size[0])
    if camera.projection != "pinhole":
        return t("summary.camera_sphere", lang, fov=fov, views=prediction.settings["views"])
    source = "numbers" if result.request.intrinsics else camera.source
    values = t("summary.camera_values", lang, fov=fov, focal=camera.fx)
    return f"{values} – {t(f'summary.camera_{source}', lang)}"


def metres(value: float, *, metric: bool = True) -> str:
    """A depth for people: centimetres up to 10 m, then decimetres; no unit where it has none."""
    number = f"{value:.2f}" if value < 10 else f"{value:.1f}"
    return f"{number} m" if metric else number


def kind_of_values(prediction: Prediction, lang: str) -> str:
    """Whether the values are metres, and why not where the model alone would give them."""
    if prediction.metric:
        return t("summary.metric", lang)
    return t("summary.not_metric", lang)


def as_html(result: Result, lang: str) -> str:
    """The summary as a table for the page."""
    rows = "".join(
        f"<dt>{html.escape(name)}</dt><dd>{html.escape(value)}</dd>"
        for name, value in _rows(result, lang)
    )
    return f'<dl class="summary">{rows}</dl>'


def accuracy_sentence(info: ModelInfo, lang: str) -> str:
    """How accurate a model is, on which data; says so when nobody measured it."""
    rows = []
    for data, error, share, images in accuracy(info):
        name = data
        if images is not None:
            name = t("summary.accuracy_images", lang, name=data, count=images)
        rows.append(t("summary.accuracy_of", lang, error=error, share=share, data=name))
    return "; ".join(rows) or t("summary.accuracy_unknown", lang)


def choice_reason(choice: Choice, lang: str) -> str:
    """Why the photo has this model."""
    if choice.outdoor is None:
        return t("summary.choice_none", lang, model=choice.model)
    outdoors = choice.outdoor > 0.5
    share = choice.outdoor if outdoors else 1 - choice.outdoor
    return t("summary.choice_outdoor" if outdoors else "summary.choice_indoor", lang, share=share)


def choice_sentence(choice: Choice, lang: str, *, explorer: bool = False) -> str:
    """Why the photo has this model, and what to do where that is doubtful.

    Args:
        explorer: names the model and the explorer's own way to another one.
    """
    said = choice_reason(choice, lang)
    if choice.outdoor is None:
        return said
    if explorer:
        said = t("explorer.chosen", lang, model=choice.model, place=said)
    if not choice.doubtful:
        return said
    doubt = t("explorer.choice_doubt" if explorer else "summary.choice_doubt", lang)
    return f"{said} {doubt}" if explorer else f"{said}. {doubt}"


def scale_words(known: Calibration, lang: str) -> str:
    """What a photo was rescaled by, and from what."""
    if len(known.known) == 1 and known.length is not None:
        return t("summary.scale_value", lang, scale=known.scale, metres=known.length.metres)
    kinds = dict.fromkeys(each.kind for each in known.known)
    profile = next((each.name for each in known.known if isinstance(each, Profile)), "")
    keys = (f"summary.from_{kind.replace(' ', '_')}" for kind in kinds)
    source = t("summary.and", lang).join(t(key, lang, name=profile) for key in keys)
    return t("summary.scale_from", lang, scale=known.scale, source=source)


def _rows(result: Result, lang: str) -> Iterator[tuple[str, str]]:
    prediction, photo = result.prediction, result.photo
    info, extent = prediction.info, depth_range(result)
    yield (
        t("summary.depth", lang),
        t(
            "summary.range",
            lang,
            low=metres(extent.min, metric=prediction.metric),
            high=metres(extent.max, metric=prediction.metric),
            middle=metres(extent.median, metric=prediction.metric),
        ),
    )
    yield t("summary.model", lang), f"{info.name} – {kind_of_values(prediction, lang)}"
    if result.choice is not None:
        yield t("summary.choice", lang), choice_sentence(result.choice, lang)
    yield t("summary.accuracy", lang), accuracy_sentence(info, lang)
    yield t("summary.camera", lang), _camera_words(result, lang)
    if info.config.focal is None:
        yield t("summary.focal_scale", lang), t("summary.focal_scale_one", lang)
    else:
        scale = t("summary.focal_scale_value", lang, value=prediction.focal_scale)
        yield t("summary.focal_scale", lang), scale
    if prediction.calibration is not None:
        yield t("summary.scale", lang), scale_words(prediction.calibration, lang)
    yield t("summary.photo", lang), f"{photo.rgb.shape[1]} × {photo.rgb.shape[0]}, {photo.format}"
    for note in prediction.notes:
        yield t("summary.note", lang), of_core(note, lang)
    yield t("summary.time", lang), t("summary.time_value", lang, ms=prediction.milliseconds)
    yield t("summary.trained_on", lang), info.training_data
    yield t("summary.licence", lang), info.licence
