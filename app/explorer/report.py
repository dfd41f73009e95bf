"""One HTML file of one photo with the views of all pages; it opens offline."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator, Sequence

from app.common.summary import kind_of_values
from app.common.text import t
from app.explorer.display import Shown, formulas_of
from app.explorer.figures.compare import compare, curves, error_maps, row_of
from app.explorer.figures.features import encoder_features
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
from app.explorer.pages.aspp import receptive_fields, responses, worth
from app.explorer.pages.atrous import asppview, sampling
from app.explorer.pages.differences import border_figures
from app.explorer.pages.levels import feature_pictures
from app.explorer.pages.loss import Knobs, pulls, sweep
from app.explorer.pages.spp import features_at_heights, profile, resized
from app.explorer.pages.stacking import hidden, stacked
from app.explorer.pages.weights import (
    filter_histograms,
    orders_of,
    relu_curves,
    units_of,
    variant_maps,
)
from app.explorer.plots.maps import fit
from app.explorer.session_view import STRIDES, Look, chosen_because, scale_sentence
from core.evaluate.metrics import METRICS
from core.evaluate.protocol import FOLDER
from core.geometry.build import SpaceOptions
from core.inspect.features import SPP_GRIDS, cascade_taps, spatial_pyramid_pool, taps
from core.inspect.inspection import FILLS

REPORT_POINTS = 30_000
Row = tuple[Sequence[Shown], int]
"""Figures of one row and how many stand side by side."""


def report(look: Look, step: Callable[[float, str], object] = lambda _share, _name: None) -> str:
    """The whole report.

    Args:
        look: photo, model and prediction.
        step: told how much is done (0..1) and the name of the next section.

    Raises:
        DepthError: a view that this photo cannot have.
    """
    lang = look.lang
    parts: list[Part] = [_facts(look)]
    sections = _sections(look)
    for index, (page, rows) in enumerate(sections):
        step(index / len(sections), t(f"{page}.title", lang))
        parts.append(f"<h2>{html.escape(t(f'{page}.title', lang))}</h2>")
        parts.append(f"<p>{html.escape(t(f'{page}.lead', lang))}</p>")
        source = formulas_of(page)[1]
        if source:
            words = html.escape(t("explorer.source", lang))
            parts.append(f"<p class='source'>{words}: {html.escape(_plain(source))}</p>")
        for shown, columns in rows(look):
            parts.append(f"<div class='row' style='--columns:{columns}'>")
            fit([item.figure for item in shown], columns)
            parts += [(item.alt, item.figure) for item in shown]
            parts.append("</div>")
    step(1.0, "")
    return html_page(t("export.report_title", lang, name=look.photo.name), parts, lang)


def _sections(look: Look) -> list[tuple[str, Callable[[Look], Iterator[Row]]]]:
    sections: list[tuple[str, Callable[[Look], Iterator[Row]]]] = [
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
    if look.truth is not None:
        sections.append(("compare", _compare))
    return sections


def _start(look: Look) -> Iterator[Row]:
    shown = photo_and_depth(look)
    yield shown, len(shown)


def _levels(look: Look) -> Iterator[Row]:
    yield feature_pictures(look, encoder_features(look, None)), 2


def _differences(look: Look) -> Iterator[Row]:
    yield bands_row(look), 5
    yield residuals_row(look), 5
    yield energy(look), 2
    yield border_figures(look), 2


def _spp(look: Look) -> Iterator[Row]:
    sizes, features = features_at_heights(look)
    vectors = [spatial_pyramid_pool(feature, SPP_GRIDS) for feature in features]
    yield [profile(look.lang, sizes, vectors)], 1
    yield resized(look)[1], 2


def _atrous(look: Look) -> Iterator[Row]:
    lang, rates, kind = look.lang, look.info.config.aspp_rates, look.info.config.aspp
    view = asppview(look, kind, rates)
    for branch, rate in enumerate(rates):
        offsets = cascade_taps(rates, branch) if kind == "dense" else taps(rate)
        yield sampling(look, view, branch, offsets, (0.5, 0.5)).shown, 2
    last = len(rates) - 1
    names = {
        "feature16": t("atrous.stage_encoder", lang),
        f"branch{last}": t("atrous.stage_branch", lang, number=last + 1),
        "aspp": t("atrous.stage_aspp", lang),
    }
    yield receptive_fields(look, names, (0.5, 0.5))[0], 3


def _aspp(look: Look) -> Iterator[Row]:
    yield responses(look), 3
    shown, total, _ = worth(look, FILLS[0])
    yield [*shown, total], 3


def _stacking(look: Look) -> Iterator[Row]:
    yield stacked(look, 0), 4
    for level in range(len(STRIDES) - 1):
        shown, means = hidden(look, level, FILLS[0])
        yield [*shown, means], len(shown) + 1


def _coarse_to_fine(look: Look) -> Iterator[Row]:
    steps = rebuild(look.prediction.working.residuals, look.scale, (1.0,) * len(STRIDES))
    yield residuals_row(look), 5
    yield depths_row(look, steps), 5
    yield changes_row(look, steps), 5


def _weights(look: Look) -> Iterator[Row]:
    trained = look.info.config.weight_standardisation
    yield variant_maps(look, on=not trained, measured=False), 2
    units, _ = units_of(look, on=trained, measured=False)
    yield [relu_curves(look, units)], 1
    yield filter_histograms(look, "decoder.levels.0.refine"), 2
    yield orders_of(look, "decoder.levels.0.refine", on=trained)[0], 2


def _loss(look: Look) -> Iterator[Row]:
    yield pulls(look, Knobs()), 2
    yield [sweep(look, Knobs())], 1


def _space(look: Look) -> Iterator[Row]:
    choice = SpaceChoice(SpaceOptions(shape="points"), "photo", REPORT_POINTS)
    yield [drawn(look, choice)[0]], 1


def _compare(look: Look) -> Iterator[Row]:
    known = look.truth
    if known is None:
        return
    found = compare(look, known.depth, FOLDER, align=False)
    yield row_of(look, found), 3
    maps = error_maps(look, found)
    yield maps, len(maps)
    yield curves(look, found), 2


def _facts(look: Look) -> str:
    """Photo, model, settings and, with ground truth, the metrics, as a table."""
    prediction, info, lang = look.prediction, look.info, look.lang
    width, height = look.size
    camera, because = prediction.intrinsics, chosen_because(look)
    rows = [
        (t("explorer.photo", lang), f"{look.photo.name}, {width} x {height} px"),
        ("SHA-256", look.photo.sha256),
        (t("explorer.model", lang), f"{info.name} ({info.config.encoder})"),
        *([(t("explorer.chosen_because", lang), because)] if because else []),
        (t("start.trained_on", lang), info.training_data),
        (t("start.licence", lang), info.licence),
        (
            t("explorer.settings", lang),
            ", ".join(f"{key}: {value}" for key, value in prediction.settings.items()),
        ),
        (
            t("explorer.fov", lang),
            f"{camera.hfov(width):.1f}° ({t(f'space.{camera.source}', lang)})",
        ),
        *([(t("summary.scale", lang), scale_sentence(look))] if look.known else []),
        (t("summary.depth", lang), kind_of_values(prediction, lang)),
        *((t("summary.note", lang), note) for note in prediction.notes),
    ]
    known = look.truth
    if known is not None:
        metrics = compare(look, known.depth, FOLDER, align=False).metrics.as_dict()
        rows += [(key, f"{metrics[key]:.4f}") for key in METRICS]
    cells = "".join(
        f"<tr><td>{html.escape(name)}</td><td>{html.escape(str(value))}</td></tr>"
        for name, value in rows
    )
    return f"<table>{cells}</table>"


def _plain(markdown: str) -> str:
    """A source without its links' addresses: "[doi:x](https://...)" becomes "doi:x"."""
    text, rest = "", markdown
    while "](" in rest:
        before, _, rest = rest.partition("](")
        text += before.replace("[", "", 1) if "[" in before else before
        rest = rest.partition(")")[2]
    return text + rest
