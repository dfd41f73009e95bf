"""What adapting came to, as the page shows it: the verdict, figures, a few frames."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from app.common.translations import t
from core.files.colormap import auto_range
from core.files.depth_maps import ColorSettings, encode_color
from core.images.decode_worker import decode_isolated
from core.predictor import Predictor

_WIDTH = 320


def compared(frame: Any, before: Predictor, after: Predictor, lang: str) -> str:
    """A held-out frame: photo, depth before, depth after, in one range of colours."""
    photo = decode_isolated(frame.rgb_path)
    camera: dict[str, Any] = {}
    if isinstance(frame.camera, tuple):
        camera = {"intrinsics": frame.camera}
    elif frame.camera is not None:
        camera = {"fov": frame.camera}
    depths = [predictor(photo, **camera).depth for predictor in (before, after)]
    near, far = auto_range(depths[1])
    colours = ColorSettings(near=near, far=far)
    step = max(1, photo.rgb.shape[1] // _WIDTH)
    pictures = [
        ("image/jpeg", _jpeg(photo.rgb[::step, ::step]), t("studio.adapt_photo", lang)),
        *(
            ("image/png", encode_color(depth[::step, ::step], colours), said)
            for said, depth in zip(
                (t("studio.adapt_before", lang), t("studio.adapt_after", lang)), depths, strict=True
            )
        ),
    ]
    figures = "".join(
        f'<figure><img alt="{html.escape(said)}" src="data:{kind};base64,'
        f'{base64.b64encode(data).decode()}"><figcaption>{html.escape(said)}</figcaption></figure>'
        for kind, data, said in pictures
    )
    return f'<div class="adapted">{figures}</div>'


def _jpeg(rgb: NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "JPEG", quality=85)
    return buffer.getvalue()


def report_html(report: dict[str, Any], lang: str) -> str:
    """What came of it, for people: the verdict, the figures on held-out frames, the licence."""
    learn, choose, judge = report["frames"]
    key = "adapt_kept" if report["kept"] else "adapt_not_kept"
    verdict = t(f"studio.{key}", lang, **report)
    about = t(
        "studio.adapt_about", lang, learn=learn, choose=choose, judge=judge,
        seconds=report["seconds"], scale=report["scale"], steps=report["steps"],
        mix=report["mix"],
    )  # fmt: skip
    head = ("", "AbsRel", "RMSE (m)", "SILog", "δ<1.25")
    rows = [
        (t(f"studio.adapt_{when}", lang), *(f"{report[when][key]:.3f}" for key in
                                            ("abs_rel", "rmse", "silog", "delta1")))
        for when in ("before", "after")
    ]  # fmt: skip
    frames = [
        (name, f"{was:.3f}", f"{now:.3f}") for name, (was, now) in report["per_frame"].items()
    ]
    frame_head = (t("studio.adapt_frame", lang), "AbsRel " + t("studio.adapt_before", lang),
                  t("studio.adapt_after", lang))  # fmt: skip
    licence = t("studio.adapt_licence", lang, licence=report["licence"], base=report["base"])
    said = "".join(f"<p>{html.escape(each)}</p>" for each in (about, licence, *report["notes"]))
    return (
        f"<p><strong>{html.escape(verdict)}</strong></p>{_table(head, rows)}{said}"
        f"{_table(frame_head, frames)}"
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    cells = [
        "<tr>" + "".join(f"<{kind}>{html.escape(cell)}</{kind}>" for cell in row) + "</tr>"
        for kind, row in (("th", head), *(("td", row) for row in rows))
    ]
    return f'<table class="listing">{"".join(cells)}</table>'
