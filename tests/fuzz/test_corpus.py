"""What the fuzzer found or found useful, tried again; and the harness itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.fuzz import targets

CORPUS = Path(__file__).parent / "corpus"


@pytest.mark.parametrize("target", sorted(targets.TARGETS))
def test_nothing_but_a_sentence_comes_of_the_corpus(target: str) -> None:
    inputs = {path.name: path.read_bytes() for path in (CORPUS / target).iterdir()}
    assert inputs
    for name, data in inputs.items():
        try:
            targets.run(target, data)
        except Exception as error:
            raise AssertionError(f"{target}/{name}") from error


def test_a_finding_gets_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(targets.TARGETS, "names", lambda data: {}[data])
    with pytest.raises(KeyError):
        targets.run("names", b"a")
