"""Fixtures for every test: real data, running pages, and a headless Chromium to look at them."""

from __future__ import annotations

import os

# Read when the libraries load, so they are set before anything else is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("STREAMLIT_BROWSER_GATHER_USAGE_STATS", "false")
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest

from app import demo

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).resolve().parents[1]
PAGES = {"gradio": demo.gradio_page, "explorer": demo.explorer_page}
PORTS = {"gradio": "GRADIO_PORT", "explorer": "STREAMLIT_PORT"}
# Without the networking flags Chromium looks up its maker's hosts at every start.
CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",  # a camera that shows a moving test picture
    "--use-fake-ui-for-media-stream",
)

# The same examples in every run; a loaded machine is no failure.
hypothesis.settings.register_profile("suite", deadline=None, derandomize=True, print_blob=True)
hypothesis.settings.load_profile("suite")


@pytest.fixture(scope="session")
def data_root() -> Path:
    """The folder with the real data sets (LAPDEPTH_DATA, default ../shared/data)."""
    root = Path(os.environ.get("LAPDEPTH_DATA") or "../shared/data")
    root = root if root.is_absolute() else ROOT / root
    if not (root / "nyu").is_dir():
        pytest.skip(f"no real data at {root}; set LAPDEPTH_DATA to the folder that holds nyu/")
    return root


@pytest.fixture(scope="session")
def free_port() -> Callable[[], int]:
    """Gives ports of 127.0.0.1 that nobody listens on."""

    def pick() -> int:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
            return port

    return pick


@pytest.fixture(scope="session")
def serve(
    tmp_path_factory: pytest.TempPathFactory, free_port: Callable[[], int]
) -> Iterator[Callable[..., str]]:
    """Starts a page once and gives its address: serve("gradio"), serve("explorer", NAME="value").

    Keywords are environment variables for the process. It ends with the session.
    """
    running: dict[tuple[str, ...], tuple[str, subprocess.Popen[bytes]]] = {}
    logs = tmp_path_factory.mktemp("servers")

    def start(kind: str, **environment: str) -> str:
        key = (kind, *(f"{name}={value}" for name, value in sorted(environment.items())))
        if key not in running:
            fixed = environment.get(PORTS[kind])
            page = PAGES[kind]("127.0.0.1", int(fixed) if fixed else free_port())
            log = logs / f"{kind}-{page.port}.log"
            with log.open("wb") as output:
                process = demo.start(page, {**os.environ, **environment}, output)
            running[key] = (page.url, process)
            _wait_until_ready(page, process, log)
        return running[key][0]

    yield start
    demo.stop(*(process for _, process in running.values()))


def _wait_until_ready(page: demo.Page, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 300  # a loaded machine is no failure
    while not demo.answers(page):
        if process.poll() is not None or time.monotonic() > deadline:
            demo.stop(process)
            tail = log.read_text(errors="replace")[-3000:]
            pytest.fail(f"{page.name} did not answer {page.health}; its log ends with:\n{tail}")
        time.sleep(0.2)


# All tests of running pages share these two servers, unless they need other settings.
@pytest.fixture(scope="session")
def tiny_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of checkpoints that holds one: "tiny"."""
    from tests.tiny_checkpoint import save_tiny  # loads PyTorch, which few tests need

    folder = tmp_path_factory.mktemp("models")
    save_tiny(folder)
    return folder


@pytest.fixture(scope="session")
def pages(
    tiny_models: Path, free_port: Callable[[], int], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """Settings of two pages that know each other, with the model "tiny"."""
    return {
        "LAPDEPTH_MODELS": str(tiny_models),
        "LAPDEPTH_HANDOFF": str(tmp_path_factory.mktemp("handoff")),
        "LAPDEPTH_PROFILES": str(tmp_path_factory.mktemp("profiles")),
        **{variable: str(free_port()) for variable in PORTS.values()},
    }


@pytest.fixture(scope="session")
def studio_url(serve: Callable[..., str], pages: dict[str, str]) -> str:
    """The address of a running depth page whose model is "tiny"."""
    return serve("gradio", **pages)


@pytest.fixture(scope="session")
def explorer_url(serve: Callable[..., str], pages: dict[str, str]) -> str:
    """The address of a running explorer whose model is "tiny"."""
    return serve("explorer", **pages, LAPDEPTH_MODEL="tiny")


# One per module, not per session: Playwright keeps an event loop in this thread while it runs,
# and tests of asynchronous code could not start theirs.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium of the system."""
    driver = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    executable = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
    if executable is None:
        pytest.skip("chromium is not installed: apt-get install chromium")
    with driver.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=executable, args=list(CHROMIUM_FLAGS))
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh tab with its own cookies and storage."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    tab = context.new_page()
    tab.set_default_timeout(60_000)  # a loaded machine is no failure
    yield tab
    context.close()


@pytest.fixture
def console_errors(page: Page) -> list[str]:
    """What the page writes to the console as errors, and the exceptions it does not catch."""
    errors: list[str] = []
    page.on("console", lambda entry: entry.type == "error" and errors.append(entry.text))
    page.on("pageerror", lambda error: errors.append(str(error)))
    return errors


@pytest.fixture
def foreign_requests(page: Page) -> list[str]:
    """The addresses outside this machine that the page asks for."""
    requests: list[str] = []
    local = re.compile(r"(data|blob|about):|(https?|wss?)://(127\.0\.0\.1|localhost)[:/]")
    page.on(
        "request",
        lambda request: local.match(request.url) or requests.append(request.url),
    )
    return requests


@dataclass(frozen=True)
class Visit:
    """A page in a browser, and what it complained about or asked for elsewhere since."""

    page: Page
    errors: list[str]
    foreign: list[str]


@contextmanager
def visit(browser: Browser, url: str, ready: str, **options: Any) -> Iterator[Visit]:
    """One visitor in a context of these options, when the selector `ready` is there."""
    context = browser.new_context(**options)
    page = context.new_page()
    page.set_default_timeout(120_000)  # a loaded machine is no failure
    found = Visit(page, [], [])
    page.on("console", lambda entry: entry.type == "error" and found.errors.append(entry.text))
    page.on("pageerror", lambda error: found.errors.append(str(error)))
    local = re.compile(rf"(data|blob):|{re.escape(url)}")
    # Of the context: the requests of workers are not the page's.
    context.on("request", lambda r: local.match(r.url) or found.foreign.append(r.url))
    page.goto(url)
    page.wait_for_selector(ready)
    yield found
    context.close()


def pytest_addoption(parser: pytest.Parser) -> None:
    """`make unit PYTEST_ARGS=--shots`."""
    parser.addoption("--shots", action="store_true", help="leave pictures in test-artifacts/")


@pytest.fixture
def shot(request: pytest.FixtureRequest) -> Callable[[Page, str], None]:
    """With --shots: saves the tab as test-artifacts/NAME.png, for a person to look at."""

    def save(tab: Page, name: str) -> None:
        if request.config.getoption("--shots"):
            tab.screenshot(path=ROOT / "test-artifacts" / f"{name}.png")  # makes the folder

    return save
