"""`make demo`: both pages start, are announced, and end together. Played by two tiny servers."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app import demo
from core.errors import ConfigError

ROOT = Path(__file__).resolve().parents[2]

# A page that answers 200 on its health path after `delay` seconds and ends by itself after `life`.
# A fifth argument makes it ignore the request to stop.
PAGE = """
import signal, sys, threading, time, os
if sys.argv[5:]:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
from http.server import BaseHTTPRequestHandler, HTTPServer
port, delay, life, status = int(sys.argv[1]), *map(float, sys.argv[2:5])
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers()
    def log_message(self, *_):
        pass
threading.Timer(life, os._exit, [int(status)]).start()
time.sleep(delay)
HTTPServer(("127.0.0.1", port), Handler).serve_forever()
"""

PROGRAM = """
import sys
from app import demo
demo.READY_SECONDS = float(sys.argv[1])
def page(name, port, *behaviour):
    command = (sys.executable, "-c", sys.argv[2], port, *behaviour)
    return demo.Page(name, "PORT", "127.0.0.1", int(port), "/healthz", command)
middle = (3 + len(sys.argv)) // 2
sys.exit(demo.run([page("First", *sys.argv[3:middle]), page("Second", *sys.argv[middle:])]))
"""

LONG = ("0", "60", "0")  # delay, life, exit status


@pytest.fixture
def ports(free_port: Callable[[], int]) -> tuple[int, int]:
    return free_port(), free_port()


@pytest.fixture
def launch(ports: tuple[int, int]) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []

    def run(
        first: tuple[str, ...] = LONG, second: tuple[str, ...] = LONG, ready: float = 30
    ) -> subprocess.Popen[str]:
        program = [sys.executable, "-u", "-c", textwrap.dedent(PROGRAM), str(ready), PAGE]
        program += [str(ports[0]), *first, str(ports[1]), *second]
        process = subprocess.Popen(
            program, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        started.append(process)
        return process

    yield run
    for process in started:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)


def read_until(process: subprocess.Popen[str], text: str) -> str:
    assert process.stdout is not None
    seen = ""
    while text not in seen:
        line = process.stdout.readline()
        assert line, f"the program ended before it said {text!r}:\n{seen}"
        seen += line
    return seen


def listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize("request_to_stop", [signal.SIGINT, signal.SIGTERM])
def test_announces_both_and_one_signal_stops_both(
    launch: Callable[..., subprocess.Popen[str]],
    ports: tuple[int, int],
    request_to_stop: signal.Signals,
) -> None:
    process = launch(second=("0.5", "60", "0"))
    said = read_until(process, "Ctrl-C")
    for port in ports:
        assert f"http://127.0.0.1:{port}" in said
        assert listening(port)
    process.send_signal(request_to_stop)
    assert process.wait(20) == 0
    assert not any(map(listening, ports))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child")
def test_killed_it_leaves_no_page_behind(
    launch: Callable[..., subprocess.Popen[str]], ports: tuple[int, int]
) -> None:
    process = launch()
    read_until(process, "Ctrl-C")
    process.kill()
    process.wait(10)
    deadline = time.monotonic() + 10
    while any(map(listening, ports)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(map(listening, ports))


@pytest.mark.parametrize(("own", "expected"), [("3", 3), ("0", 1)])
def test_when_one_ends_the_other_is_stopped(
    launch: Callable[..., subprocess.Popen[str]],
    ports: tuple[int, int],
    own: str,
    expected: int,
) -> None:
    process = launch(first=("0", "1.5", own))
    assert process.wait(30) == expected
    assert process.stdout is not None
    assert f"First ended by itself (status {own})" in process.stdout.read()
    assert not any(map(listening, ports))


def test_gives_up_on_a_page_that_never_answers(
    launch: Callable[..., subprocess.Popen[str]], ports: tuple[int, int]
) -> None:
    process = launch(second=("60", "60", "0"), ready=2)
    assert process.wait(30) == 1
    assert process.stdout is not None
    assert "Second did not answer within 2 s" in process.stdout.read()
    assert not any(map(listening, ports))


def test_a_taken_port_is_one_sentence_and_nothing_starts(ports: tuple[int, int]) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", ports[1]))
        other.listen()
        environment = {
            **os.environ,
            "HOST": "127.0.0.1",
            "GRADIO_PORT": str(ports[0]),
            "STREAMLIT_PORT": str(ports[1]),
        }
        ended = subprocess.run(
            [sys.executable, "-m", "app.demo"],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert ended.stderr.count("\n") == 1
    assert f"port {ports[1]}" in ended.stderr
    assert f"make demo STREAMLIT_PORT={ports[1] + 1}" in ended.stderr


def test_both_are_asked_to_stop_at_once_and_a_second_ctrl_c_insists(
    launch: Callable[..., subprocess.Popen[str]], ports: tuple[int, int]
) -> None:
    """Two pages that ignore the request: without insisting they would take 12 s."""
    deaf = "deaf"
    process = launch(first=(*LONG, deaf), second=(*LONG, deaf))
    read_until(process, "Ctrl-C")
    process.send_signal(signal.SIGINT)
    read_until(process, "Stopping")
    time.sleep(0.3)  # now it waits for them
    assert process.poll() is None
    started = time.monotonic()
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 0
    assert time.monotonic() - started < demo.STOP_SECONDS / 2
    assert not any(map(listening, ports))


def test_environment_decides_where_they_listen() -> None:
    gradio, explorer = demo.pages_from(
        {"HOST": "0.0.0.0", "GRADIO_PORT": "9101", "STREAMLIT_PORT": "9102"}
    )
    assert (gradio.url, explorer.url) == ("http://127.0.0.1:9101", "http://127.0.0.1:9102")
    assert gradio.host == explorer.host == "0.0.0.0"
    defaults = demo.pages_from({"HOST": ""})
    assert [page.url for page in defaults] == ["http://127.0.0.1:7860", "http://127.0.0.1:8501"]


@pytest.mark.parametrize("port", ["", " ", "0", "65536", "-1", "7860.0", "http", "²", "9" * 5000])
def test_unusable_ports(port: str) -> None:
    if port == "":
        assert demo.pages_from({"GRADIO_PORT": port})[0].port == 7860
        return
    with pytest.raises(ConfigError, match="GRADIO_PORT is .* expected a whole number"):
        demo.pages_from({"GRADIO_PORT": port})


def test_nothing_is_sent_out_unless_asked_for(tmp_path: Path) -> None:
    show = "import os; print({k: v for k, v in os.environ.items()})"
    page = demo.Page("Page", "PORT", "127.0.0.1", 9100, "/", (sys.executable, "-c", show))
    for given, expected in (({}, "False"), ({"GRADIO_ANALYTICS_ENABLED": "True"}, "True")):
        log = tmp_path / "log"
        with log.open("wb") as output:
            demo.start(page, {"PATH": os.environ["PATH"], **given}, output).wait(30)
        said = log.read_text()
        assert f"'GRADIO_ANALYTICS_ENABLED': '{expected}'" in said
        assert "'HF_HUB_OFFLINE': '1'" in said
        assert "'PORT': '9100'" in said
