"""Small pieces of HTML that the page shows: measurements, the batch's list, the models."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from PIL import Image

from app.common.result import Result
from app.common.summary import accuracy_sentence, metres, scale_words
from app.common.translations import in_language, of_core, t
from core.files.outputs import OUTPUTS
from core.files.sidecar import read_sidecar
from core.weights.model_info import ModelInfo

_THUMBNAIL = 144  # pixels of the longer side, shown at half of them

EXAMPLE_CALL = """from gradio_client import Client, handle_file

client = Client("http://127.0.0.1:7860")
color, depth16, summary = client.predict(handle_file("photo.jpg"), api_name="/predict")"""


def headline(result: Mapping[str, Any]) -> str:
    """The one number that was asked for, with what the model expects to be wrong in it."""
    if "box" in result:
        value = result["nearest"]
    elif result["distance"] is not None:
        value = result["distance"]
    else:
        value = result["points"][0]["depth"]
    return _with_error(value, result["uncertainty"], metric=result["metric"])


def measured_html(result: Mapping[str, Any], lang: str) -> str:
    """A measurement as one large number and what it means."""
    length = partial(metres, metric=result["metric"])
    expected = [result["uncertainty"]]
    if "box" in result:
        notes = [t("measured.box", lang, median=length(result["median"]))]
        if result["area"] is not None:
            area = f"{result['area']:.2f}"
            if result["area_uncertainty"] is not None:
                area += f" ± {result['area_uncertainty']:.2f}"
            notes.append(t("measured.area", lang, area=area))
            expected.append(result["area_uncertainty"])
    elif result["distance"] is not None:
        ends = " / ".join(length(point["depth"]) for point in result["points"][:2])
        notes = [t("measured.distance", lang, ends=ends)]
    else:
        point = result["points"][0]
        x, y, z = point["position"]
        places = (("left" if x < 0 else "right", x), ("up" if y < 0 else "down", y), ("ahead", z))
        placed = {
            axis: t(f"measured.{word}", lang, metres=f"{abs(number):.2f}")
            for axis, (word, number) in zip("xyz", places, strict=True)
        }
        u, v = point["pixel"]
        notes = [t("measured.point", lang, **placed, u=u, v=v)]
        if point["height"] is not None:
            error = point["height_uncertainty"]
            height = _with_error(point["height"], error, metric=result["metric"])
            notes.append(t("measured.height", lang, height=height))
            expected.append(error)
    if result["calibration"] is not None:
        notes.append(t("measured.calibrated", lang, scale=result["scale"]))
    if not result["metric"]:
        notes.append(t("summary.not_metric" if result["notes"] else "summary.relative", lang))
    notes += result["notes"]
    said = [html.escape("; ".join(notes))]
    if any(error is not None for error in expected):
        known = result["calibration"] is not None
        said.append(html.escape(t("measured.error_known" if known else "measured.error", lang)))
    small = "".join(f"<small>{line}</small>" for line in said)
    return f'<p class="measured">{html.escape(headline(result))}{small}</p>'


def _with_error(value: float, error: float | None, *, metric: bool) -> str:
    length = partial(metres, metric=metric)
    return length(value) if error is None else f"{length(value)} ± {length(error)}"


def scale_html(result: Result, lang: str) -> str:
    """What the photo was rescaled by, or nothing."""
    known = result.prediction.calibration
    if known is None:
        return ""
    name, note = t("summary.scale", lang), scale_words(known, lang)
    return f'<p class="scale">{html.escape(t("explorer.pair", lang, name=name, value=note))}</p>'


def looked_at(stem: Path) -> tuple[str, str, str]:
    """What the list of a batch shows of a photo's files.

    Returns:
        a small picture of the depth as HTML, if a coloured one was asked for; model; range. All
        are empty where the photo has no result.
    """
    about = read_sidecar(stem)
    if about is None:
        return "", "", ""
    low, high = (
        metres(about["depth"][key], metric=about["model"]["metric"]) for key in ("min_m", "max_m")
    )
    color, picture = OUTPUTS["color"].path(stem), ""
    if color.is_file():
        with Image.open(color) as drawn:
            small = drawn.convert("RGB")
        small.thumbnail((_THUMBNAIL, _THUMBNAIL), reducing_gap=2.0)
        picture = picture_html(jpeg_of(small), f'width="{small.width // 2}"')
    return picture, about["model"]["name"], f"{low} – {high}"


def jpeg_of(picture: Image.Image) -> bytes:
    """A small picture for the page, encoded."""
    encoded = io.BytesIO()
    picture.save(encoded, "JPEG", quality=85)
    return encoded.getvalue()


def picture_html(data: bytes, more: str = "", *, alt: str = "", kind: str = "image/jpeg") -> str:
    """An encoded picture inside the page itself: no file is made of it."""
    shown = base64.b64encode(data).decode()
    return f'<img alt="{html.escape(alt)}" {more} src="data:{kind};base64,{shown}">'


def listing_html(
    manifest: Mapping[str, Any], looks: Mapping[str, tuple[str, str, str]], lang: str
) -> str:
    """What became of every photo of a batch.

    Args:
        looks: `looked_at` of the photos, by their stems.
    """
    counts = manifest["counts"]
    lead = t("batch.counts", lang, done=counts["done"] + counts["skipped"], failed=counts["failed"])
    if manifest["left_out"]:
        count = sum(manifest["left_out"].values())
        lead = f"{lead} {t('batch.left_out', lang, count=count)}"
    rows = []
    for photo in manifest["photos"]:
        picture, model, reach = looks.get(photo["stem"], ("", "", ""))
        said = " ".join(of_core(note, lang) for note in photo["notes"])
        if photo["error"]:
            said = in_language(photo["error"], t("batch.failed_why", lang), lang)
        status = t(f"batch.{photo['status']}", lang)
        rows.append([html.escape(cell) for cell in (photo["input"], status, model, reach, said)])
        rows[-1].insert(0, picture)
    keys = ("batch.photo", "batch.status", "summary.model", "summary.depth", "batch.note")
    return f"<p>{html.escape(lead)}</p>{table(['', *(t(key, lang) for key in keys)], rows)}"


def about_html(models: Sequence[ModelInfo], lang: str) -> str:
    """What is installed, how accurate it is, and what to know before trusting a number."""
    rows = [
        map(
            html.escape,
            (
                info.name,
                t("summary.metric", lang),
                f"{info.config.max_depth * 0.018:.2g}–{info.config.max_depth * 0.993:.3g} m",
                accuracy_sentence(info, lang),
                info.training_data,
                info.licence,
            ),
        )
        for info in models
    ]
    keys = ("summary.model", "about.values", "about.reach", "summary.accuracy",
            "summary.trained_on", "summary.licence")  # fmt: skip
    listed = table([t(key, lang) for key in keys], rows) if rows else t("about.none", lang)
    paragraphs = "".join(
        f"<p>{html.escape(t(f'about.{key}', lang))}</p>" for key in ("method", "limits", "camera")
    )
    call = html.escape(EXAMPLE_CALL)
    programs = html.escape(t("about.programs", lang))
    return (
        f"<h2>{t('about.models', lang)}</h2>{listed}{paragraphs}<p>{programs}</p>"
        f'<pre tabindex="0">{call}</pre>'
    )


def table(names: Sequence[str], rows: Iterable[Iterable[str]]) -> str:
    """A table of texts under its names; the cells are HTML."""
    named = [html.escape(name) for name in names]
    head = "".join(f"<th>{name}</th>" for name in named)
    body = ""
    for row in rows:  # a phone, which has no head line, shows the name at each cell
        cells = zip(named, row, strict=True)
        named_cells = (f'<td data-name="{name}">{cell}</td>' for name, cell in cells)
        body += f"<tr>{''.join(named_cells)}</tr>"
    return (
        f'<div class="scroll-x" tabindex="0"><table class="listing"><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )
