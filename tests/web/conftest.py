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
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from core.engines import onnx_check, onnx_file
from core.predictor import Predictor, load_predictor
from scripts.web import lay_out

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

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


@dataclass(frozen=True)
class Opened:
    """The page in a browser, and what it complained about or asked for elsewhere since."""

    page: Page
    context: BrowserContext
    errors: list[str]
    foreign: list[str]


@pytest.fixture(scope="module")
def opened(browser: Browser, site: str) -> Iterator[Opened]:
    """One visitor for all tests of a module: loading takes longest."""
    context = browser.new_context(
        viewport={"width": 1400, "height": 950}, accept_downloads=True, permissions=["camera"]
    )
    page = context.new_page()
    page.set_default_timeout(120_000)  # a loaded machine is no failure
    found = Opened(page, context, [], [])
    page.on("console", lambda entry: entry.type == "error" and found.errors.append(entry.text))
    page.on("pageerror", lambda error: found.errors.append(str(error)))
    local = re.compile(rf"(data|blob):|{re.escape(site)}")
    # Of the context: the workers' requests are not the page's.
    context.on("request", lambda r: local.match(r.url) or found.foreign.append(r.url))
    page.goto(site)
    page.wait_for_selector("body[data-ready]")
    yield found
    context.close()


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Says that the browser edition was tested: a skipped test is easily overlooked."""
    passed = terminalreporter.stats.get("passed", [])
    count = sum("tests/web/" in each.nodeid and each.when == "call" for each in passed)
    if count:
        said = dict(pair for each in passed for pair in each.user_properties)
        own = said.get("vitest", "its own tests did not run")
        terminalreporter.write_line(f"browser edition: {count} tests passed; vitest: {own}")
