"""The helper for Open3D's system libraries: says what is missing, installs only as root."""

from __future__ import annotations

import pytest

from scripts import system_libs


def lacking(monkeypatch: pytest.MonkeyPatch, *gone: str) -> None:
    def load(name: str) -> None:
        if name in gone:
            raise OSError(f"{name}: cannot open shared object file")

    monkeypatch.setattr(system_libs.ctypes, "CDLL", load)
    monkeypatch.setattr(system_libs.sys, "platform", "linux")
    monkeypatch.setattr(system_libs.sys, "argv", ["system_libs.py"])


def test_names_the_packages_when_not_root(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lacking(monkeypatch, "libusb-1.0.so.0", "libGL.so.1")
    monkeypatch.setattr(system_libs.os, "geteuid", lambda: 1000)
    monkeypatch.setattr(system_libs, "install", lambda _: pytest.fail("not allowed to"))
    assert system_libs.main() == 1
    assert "sudo apt-get install libusb-1.0-0 libgl1" in capsys.readouterr().err


def test_installs_just_those_as_root(monkeypatch: pytest.MonkeyPatch) -> None:
    lacking(monkeypatch, "libEGL.so.1")
    monkeypatch.setattr(system_libs.os, "geteuid", lambda: 0)
    monkeypatch.setattr(system_libs.shutil, "which", lambda _: "/usr/bin/apt-get")
    asked: list[list[str]] = []

    def install(packages: list[str]) -> bool:
        asked.append(packages)
        lacking(monkeypatch)
        return True

    monkeypatch.setattr(system_libs, "install", install)
    assert system_libs.main() == 0
    assert asked == [["libegl1"]]


def test_a_failed_installation_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lacking(monkeypatch, "libX11.so.6")
    monkeypatch.setattr(system_libs.os, "geteuid", lambda: 0)
    monkeypatch.setattr(system_libs.shutil, "which", lambda _: "/usr/bin/apt-get")
    monkeypatch.setattr(system_libs, "install", lambda _: False)
    assert system_libs.main() == 1
    assert "libx11-6" in capsys.readouterr().err
