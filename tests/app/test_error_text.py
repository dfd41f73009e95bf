"""Errors on a page: the core's sentence alone in English, behind a Chinese one in Chinese."""

from __future__ import annotations

import pytest

from app.common.translations import INTERNAL, error_sentence
from core import errors

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type)]
KINDS.remove(errors.DepthError)


@pytest.mark.parametrize("kind", KINDS)
def test_chinese_says_first_what_kind_of_thing_went_wrong(kind: type[Exception]) -> None:
    words = error_sentence(kind("got, expected: remedy."), "zh")
    assert words.endswith("got, expected: remedy.")
    first = words.partition("got")[0]
    assert "内部" not in first
    others = {
        error_sentence(other("got"), "zh").removesuffix("got")
        for other in KINDS
        if other is not kind
    }
    assert first not in others


def test_a_bug_keeps_its_number_in_chinese() -> None:
    words = error_sentence(KeyError("x"), "zh")
    assert "内部出错" in words
    assert INTERNAL in words
