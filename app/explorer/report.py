"""One HTML file of one photo with the figures of the pages that explain it; it opens offline."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from app.common.summary import choice_reason, kind_of_values
from app.common.translations import of_core, t
from app.explorer.figure_view import Figure, parts_of
from app.explorer.figures.compare import compare, curves, error_maps, row_of
from app.explorer.figures.features import encoder_features, receptive_fields
from app.explorer.figures.photo import photo_and_depth
from app.explorer.figures.pyramids import (
    bands_row,
    changes_row,
    depths_row,
    energy,
    rebuild,
    residuals_row,
)
from app.explorer.figures.space import SpaceChoice, drawn
from app.explorer.offline_page import Part, html_page
from app.explorer.page_head import formulas_of
from app.explorer.page_scripts.aspp import responses, worth
from app.explorer.page_scripts.atrous import asppview, sampling
from app.explorer.page_scripts.differences import border_figures
from app.explorer.page_scripts.levels import feature_pictures
from app.explorer.page_scripts.loss import Knobs, pulls, sweep
from app.explorer.page_scripts.spp import features_at_heights, profile, resized
from app.explorer.page_scripts.stacking import hidden, stacked
from app.explorer.page_scripts.weights import (
    filter_histograms,
    orders_of,
    relu_curves,
    units_of,
    variant_maps,
)
from app.explorer.session_view import STRIDES, SessionView, scale_sentence
from core.evaluate.metrics import METRICS
from core.evaluate.protocol import FOLDER
from core.geometry.three_d import SpaceOptions
from core.inspect.features import SPP_GRIDS, cascade_taps, spatial_pyramid_pool, taps
from core.inspect.inspection import FILLS

REPORT_POINTS = 30_000
Row = tuple[Sequence[Figure], int]
"""Figures of one row and how many stand side by side."""


def report(view: SessionView, step: Callable[[int, int, str], object] = lambda *_: None) -> str:
    """The whole report.

    Args:
        step: told number, count and name of the section that is made next.
    """
    lang = view.lang
    parts: list[Part] = [_facts(view)]
    sections = _sections(view)
    for index, (page, rows) in enumerate(sections):
        step(index + 1, len(sections), t(f"{page}.title", lang))
        parts.append(f"<h2>{html.escape(t(f'{page}.title', lang))}</h2>")
        parts.append(f"<p>{html.escape(t(f'{page}.lead', lang))}</p>")
        source = formulas_of(page)[1]
        if source:
            words = html.escape(t("explorer.source", lang))
            parts.append(f"<p class='source'>{words}: {html.escape(_plain(source))}</p>")
        for shown, columns in rows(view):
            drawn_parts = parts_of(lang, page, shown, columns, view.photo.sha256)
            beside = columns if len(drawn_parts) > 1 else 1
            parts += [f"<div class='row' style='--columns:{beside}'>", *drawn_parts, "</div>"]
    return html_page(t("export.report_title", lang, name=view.photo.name), parts, lang)


def _sections(view: SessionView) -> list[tuple[str, Callable[[SessionView], Iterator[Row]]]]:
    sections: list[tuple[str, Callable[[SessionView], Iterator[Row]]]] = [
        ("start", _start),
        ("levels", _levels),
        ("differences", _differences),
        ("spp", _spp),
        ("atrous", _atrous),
        ("aspp", _aspp),
        ("stacking", _stacking),
        ("coarse_to_fine", _coarse_to_fine),
        ("weights", _weights),
        ("loss", _loss),
        ("space", _space),
    ]
    return sections if view.truth is None else [*sections, ("compare", _compare)]


def _start(view: SessionView) -> Iterator[Row]:
    shown = photo_and_depth(view)
    yield shown, len(shown)


def _levels(view: SessionView) -> Iterator[Row]:
    yield feature_pictures(view, encoder_features(view, None)), 2


def _differences(view: SessionView) -> Iterator[Row]:
    yield bands_row(view), 5
    yield residuals_row(view), 5
    yield energy(view), 2
    yield border_figures(view), 2


def _spp(view: SessionView) -> Iterator[Row]:
    sizes, features = features_at_heights(view)
    vectors = [spatial_pyramid_pool(feature, SPP_GRIDS) for feature in features]
    yield [profile(view.lang, sizes, vectors)], 1
    yield resized(view)[1], 2


def _atrous(view: SessionView) -> Iterator[Row]:
    lang, rates, kind = view.lang, view.info.config.aspp_rates, view.info.config.aspp
    pyramid = asppview(view, kind, rates)
    for branch, rate in enumerate(rates):
        offsets = cascade_taps(rates, branch) if kind == "dense" else taps(rate)
        yield sampling(view, pyramid, branch, offsets, (0.5, 0.5))[0], 2
    last = len(rates) - 1
    names = {
        "feature16": t("atrous.stage_encoder", lang),
        f"branch{last}": t("atrous.stage_branch", lang, number=last + 1),
        "aspp": t("atrous.stage_aspp", lang),
    }
    yield receptive_fields(view, names, (0.5, 0.5))[0], 3


def _aspp(view: SessionView) -> Iterator[Row]:
    yield responses(view), 3
    shown, total, _ = worth(view, FILLS[0])
    yield [*shown, total], 3


def _stacking(view: SessionView) -> Iterator[Row]:
    yield stacked(view, 0), 4
    for level in range(len(STRIDES) - 1):
        shown, means = hidden(view, level, FILLS[0])
        yield [*shown, means], len(shown) + 1


def _coarse_to_fine(view: SessionView) -> Iterator[Row]:
    steps = rebuild(view.prediction.working.residuals, view.scale, (1.0,) * len(STRIDES))
    yield residuals_row(view), 5
    yield depths_row(view, steps), 5
    yield changes_row(view, steps), 5


def _weights(view: SessionView) -> Iterator[Row]:
    trained = view.info.config.weight_standardisation
    yield variant_maps(view, on=not trained, measured=False), 2
    units, _ = units_of(view, on=trained, measured=False)
    yield [relu_curves(view, units)], 1
    yield filter_histograms(view, "decoder.levels.0.refine"), 2
    yield orders_of(view, "decoder.levels.0.refine", on=trained)[0], 2


def _loss(view: SessionView) -> Iterator[Row]:
    yield pulls(view, Knobs()), 2
    yield [sweep(view, Knobs())], 1


def _space(view: SessionView) -> Iterator[Row]:
    choice = SpaceChoice(SpaceOptions(shape="points"), "photo", REPORT_POINTS)
    yield [drawn(view, choice)[0]], 1


def _compare(view: SessionView) -> Iterator[Row]:
    known = view.truth
    if known is None:
        return
    found = compare(view, known.depth, FOLDER, align=False)
    yield row_of(view, found), 3
    maps = error_maps(view, found)
    yield maps, len(maps)
    yield curves(view, found), 2


def _facts(view: SessionView) -> str:
    """Photo, model, settings and, with ground truth, the metrics, as a table."""
    prediction, info, lang = view.prediction, view.info, view.lang
    width, height = view.size
    camera, choice = prediction.intrinsics, view.choice
    rows = [
        (t("explorer.photo", lang), f"{view.photo.name}, {width} x {height} px"),
        ("SHA-256", view.photo.sha256),
        (t("explorer.model", lang), f"{info.name} ({info.config.encoder})"),
        *([(t("explorer.chosen_because", lang), choice_reason(choice, lang))] if choice else []),
        (t("start.trained_on", lang), info.training_data),
        (t("start.licence", lang), info.licence),
        (t("explorer.settings", lang), _settings(prediction.settings, lang)),
        (
            t("explorer.fov", lang),
            f"{camera.hfov(width):.1f}° ({t(f'space.{camera.source}', lang)})",
        ),
        *([(t("summary.scale", lang), scale)] if (scale := scale_sentence(view)) else []),
        (t("summary.depth", lang), kind_of_values(prediction, lang)),
        *((t("summary.note", lang), of_core(note, lang)) for note in prediction.notes),
    ]
    known = view.truth
    if known is not None:
        metrics = compare(view, known.depth, FOLDER, align=False).metrics.as_dict()
        rows += [(t(f"compare.metric_{key}", lang), f"{metrics[key]:.4f}") for key in METRICS]
    cells = "".join(
        f"<tr><td>{html.escape(name)}</td><td>{html.escape(str(value))}</td></tr>"
        for name, value in rows
    )
    return f"<table>{cells}</table>"


def _settings(settings: Mapping[str, Any], lang: str) -> str:
    """How the network ran, in words."""
    width, height = settings["working_size"]
    said = [f"{width} x {height} px"]
    if settings["flip"]:
        said.append(t("explorer.flip", lang))
    return ", ".join((*said, settings["engine"], settings["device"], settings["precision"]))


def _plain(markdown: str) -> str:
    """A source without its links' addresses: "[doi:x](https://...)" becomes "doi:x"."""
    return re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", markdown)
