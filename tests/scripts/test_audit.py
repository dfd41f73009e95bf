"""The audit of dependencies: it passes here, and it fails where a version is too old."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts import audit


def test_nothing_here_is_on_the_list() -> None:
    assert audit.main() == 0


def test_the_list_names_packages_that_are_used() -> None:
    _, advisories = audit.read_list()
    known = audit.pinned().keys() | audit.installed().keys()
    assert {audit.plain(entry.package) for entry in advisories} <= known


def test_what_is_too_old_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    old = tmp_path / "constraints.txt"
    old.write_text("# pins\nPillow==12.3.0\npython_multipart==0.0.26\ntorch==2.13.0+cpu\n")
    monkeypatch.setattr(audit, "installed", lambda: audit.pinned(old))
    assert audit.main() == 1
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 2
    assert said[0].startswith("pillow 12.3.0 (installed) has a known vulnerability, expected 13.0")
    assert "0.0.27 or newer" in said[1]
