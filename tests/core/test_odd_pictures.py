"""Files that rare programs write, and files that lie: the picture, or one sentence."""

from __future__ import annotations

import numpy as np

from core.errors import ImageError
from core.images.decode_worker import decode_isolated
from tests.core.odd_pictures import GREY, RGB, odd_pictures

EXPECTED = {"same": RGB.astype(float), "grey": np.repeat(GREY[..., None], 3, 2).astype(float)}


def outcome(name: str, data: bytes) -> str:
    """What is wrong with what comes of a file; nothing, if all is well."""
    kind = name.partition("-")[0]
    try:
        photo = decode_isolated(data, name=name)
    except ImageError as error:
        said = str(error)
        sentence = said.startswith(name) and "expected" in said
        broken = "crash" in said or "took longer" in said
        return "" if kind in ("refused", "odd") and sentence and not broken else said
    if kind == "refused":
        return f"{name} was read"
    if kind in EXPECTED and photo.rgb.shape != EXPECTED[kind].shape:
        return f"{name} has the shape {photo.rgb.shape}"
    if kind in EXPECTED and np.abs(photo.rgb - EXPECTED[kind]).mean() >= 4:
        return f"{name} is another picture"
    return ""


def test_every_odd_picture_is_itself_or_one_sentence() -> None:
    files = dict(odd_pictures())
    assert len(files) > 50
    wrong = [said for name, data in files.items() if (said := outcome(name, data))]
    assert wrong == []
