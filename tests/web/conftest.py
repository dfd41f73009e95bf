"""The browser edition, built once around a tiny model and served from this machine."""

from __future__ import annotations

import functools
import http.server
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from core.engines import onnx_check, onnx_file
from core.predictor import Predictor, load_predictor
from scripts.web import lay_out
from tests.conftest import Visit, visit

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROOT = Path(__file__).resolve().parents[2]
WEB = ROOT / "web"
LEAST_NODE = 20
_NO_NETWORK = re.compile(r"ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ENETUNREACH|network")


@pytest.fixture(scope="session")
def node_packages() -> Path:
    """The folder web/, with its packages installed."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("Node is not installed: apt-get install nodejs npm")
    said = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
    if int(said.strip().lstrip("v").split(".")[0]) < LEAST_NODE:
        pytest.skip(f"Node is {said.strip()}, the browser edition needs {LEAST_NODE} or newer")
    installed = WEB / "node_modules" / ".installed"
    command = ["make", "--silent", installed.relative_to(ROOT).as_posix()]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode and _NO_NETWORK.search(done.stderr):
        pytest.skip("the packages of web/ are not installed and their registry cannot be reached")
    assert done.returncode == 0, done.stderr
    return WEB


def node(*command: str, **environment: str) -> str:
    """What a command of web/ prints; its failure is the test's."""
    done = subprocess.run(
        command, cwd=WEB, capture_output=True, text=True, env={**os.environ, **environment}
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def site(
    node_packages: Path, tiny_models: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The address of the built page, whose models are "tiny" and its copy "second"."""
    folder = tmp_path_factory.mktemp("web")
    first = tiny_models / "tiny.safetensors"
    second = shutil.copy(first, tmp_path_factory.mktemp("second") / "second.safetensors")
    with pytest.MonkeyPatch.context() as patch:
        for module in (onnx_check, onnx_file):  # tests of their own try every size
            patch.setattr(module, "CHECKED_SIZES", ((1, 96, 96),))
        lay_out(folder, (str(first), str(second)))
    node("node", "build.mjs", str(folder))

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="session")
def program(tiny_models: Path) -> Predictor:
    """The same model in the program."""
    return load_predictor(tiny_models / "tiny.safetensors", engine="onnx")


@pytest.fixture(scope="module")
def opened(browser: Browser, site: str) -> Iterator[Visit]:
    """One visitor for all tests of a module: loading takes longest."""
    window = {"width": 1400, "height": 950}
    with visit(
        browser, site, "body[data-ready]",
        viewport=window, accept_downloads=True, permissions=["camera"],
    ) as found:  # fmt: skip
        yield found


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Says that the browser edition was tested: a skipped test is easily overlooked."""
    passed = terminalreporter.stats.get("passed", [])
    count = sum("tests/web/" in each.nodeid and each.when == "call" for each in passed)
    if count:
        said = dict(pair for each in passed for pair in each.user_properties)
        own = said.get("vitest", "its own tests did not run")
        terminalreporter.write_line(f"browser edition: {count} tests passed; vitest: {own}")
