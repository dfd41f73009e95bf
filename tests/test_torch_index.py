"""Which torch the set-up takes: the small one where no card is there and its index answers."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from scripts import torch_index


class _Index(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/whl/cpu/torch/" else 404)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def test_an_index_that_answers_is_told_from_one_that_does_not() -> None:
    server = HTTPServer(("127.0.0.1", 0), _Index)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    host = f"http://127.0.0.1:{server.server_port}"
    try:
        assert torch_index.reached(f"{host}/whl/cpu")
        assert not torch_index.reached(f"{host}/whl")
    finally:
        server.shutdown()
        server.server_close()
    assert not torch_index.reached(f"{host}/whl/cpu", seconds=1)


@pytest.mark.parametrize(
    ("platform", "card", "answers", "index", "word"),
    [
        ("linux", False, True, torch_index.CPU_INDEX, "small"),
        ("linux", False, False, "", "does not answer"),
        ("linux", True, True, "", "CUDA"),
        ("darwin", False, True, "", ""),
    ],
)
def test_it_says_what_is_taken_and_why(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    platform: str,
    card: bool,
    answers: bool,
    index: str,
    word: str,
) -> None:
    monkeypatch.setattr("sys.platform", platform)
    monkeypatch.setattr(torch_index, "has_card", lambda: card)
    monkeypatch.setattr(torch_index, "reached", lambda _index: answers)
    torch_index.main()
    told = capsys.readouterr()
    assert told.out.strip() == index
    assert word in told.err


def test_a_loaded_driver_is_seen(tmp_path: Path) -> None:
    driver = tmp_path / "version"
    assert not torch_index.has_card((str(driver),))
    driver.touch()
    assert torch_index.has_card((str(driver),))
