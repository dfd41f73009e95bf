"""The files of deploy/: each is read by the program it is for, where that is installed."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import yaml
from gradio_client import Client, handle_file

from app.server.main import gradio_page
from scripts import space

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROOT = Path(__file__).resolve().parents[1]
DEPLOY = ROOT / "deploy"
PHOTO = ROOT / "assets" / "examples" / "coffee.jpg"


# nginx


@dataclass(frozen=True)
class Proxy:
    """A running nginx: the addresses of its two sites, the port of plain HTTP, and its log."""

    depth: str
    explorer: str
    plain: int
    log: Path

    def upstreams(self) -> list[str]:
        """Who answered each request so far."""
        return [json.loads(line)["upstream"] for line in self.log.read_text().splitlines()]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a self-signed certificate for 127.0.0.1 and localhost."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed: apt-get install openssl")
    folder = tmp_path_factory.mktemp("certificates")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost",
         "-keyout", folder / "privkey.pem", "-out", folder / "fullchain.pem"],
        check=True,
        capture_output=True,
    )  # fmt: skip
    return folder


@pytest.fixture(scope="module")
def proxy(
    certificate: Path, free_port: Callable[[], int], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[list[str], list[str]], Proxy]]:
    """Starts nginx with deploy/nginx.conf, its names, ports and paths changed to ours."""
    nginx = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if nginx is None:
        pytest.skip("nginx is not installed: apt-get install nginx-light")
    running: list[subprocess.Popen[bytes]] = []

    def start(depth: list[str], explorer: list[str]) -> Proxy:
        plain, secure = free_port(), free_port()
        folder = tmp_path_factory.mktemp("nginx")
        changes = {
            "/etc/nginx/certificates": str(certificate),
            "/run/nginx.pid": str(folder / "pid"),
            "/dev/stdout": str(folder / "access.log"),
            "listen 80 ": f"listen 127.0.0.1:{plain} ",
            "listen 443 ": f"listen 127.0.0.1:{secure} ",
            "depth.example.org": "127.0.0.1",
            "explorer.example.org": "localhost",
            "        server 127.0.0.1:7860;": "".join(f"server {place};" for place in depth),
            "        server 127.0.0.1:8501;": "".join(f"server {place};" for place in explorer),
            "worker_processes auto;": "worker_processes 1;",
        }
        text = (DEPLOY / "nginx.conf").read_text()
        for old, new in changes.items():
            assert old in text, old
            text = text.replace(old, new)
        (folder / "nginx.conf").write_text(text)
        command = [nginx, "-e", "stderr", "-p", str(folder), "-c", str(folder / "nginx.conf")]
        said = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
        assert said.returncode == 0, said.stderr
        assert "warn" not in said.stderr, said.stderr
        with (folder / "error.log").open("wb") as log:
            process = subprocess.Popen([*command, "-g", "daemon off;"], stdout=log, stderr=log)
        running.append(process)
        for _ in range(100):
            try:
                httpx.get(f"http://127.0.0.1:{plain}", timeout=5)
                break
            except httpx.TransportError:
                assert process.poll() is None, (folder / "error.log").read_text()
        log = folder / "access.log"
        return Proxy(f"https://127.0.0.1:{secure}", f"https://localhost:{secure}", plain, log)

    yield start
    for process in running:
        process.terminate()
        process.wait(10)


@pytest.fixture(scope="module")
def front(
    proxy: Callable[[list[str], list[str]], Proxy], studio_url: str, explorer_url: str
) -> Proxy:
    """nginx in front of both real pages."""
    return proxy([studio_url.removeprefix("http://")], [explorer_url.removeprefix("http://")])


def test_plain_http_is_sent_to_tls(front: Proxy) -> None:
    reply = httpx.get(f"http://127.0.0.1:{front.plain}/a?b=c", timeout=30)
    assert (reply.status_code, reply.headers["location"]) == (301, "https://127.0.0.1/a?b=c")


def test_programs_call_the_endpoints_through_it(front: Proxy, tmp_path: Path) -> None:
    client = Client(front.depth, verbose=False, ssl_verify=False, download_files=tmp_path)
    cloud, summary = client.predict(
        handle_file(PHOTO), model="tiny", density=0.05, api_name="/point_cloud"
    )
    assert summary["points"] > 1000
    assert Path(cloud).read_bytes().startswith(b"ply\n")


@pytest.mark.browser
def test_people_use_both_pages_through_it(front: Proxy, browser: Browser) -> None:
    context = browser.new_context(ignore_https_errors=True)
    page = context.new_page()
    page.set_default_timeout(60_000)
    sockets: list[str] = []
    page.on("websocket", lambda socket: sockets.append(socket.url))
    page.goto(front.depth)
    page.locator("#photo input[type=file]").first.set_input_files(PHOTO)
    page.locator("dl.summary").wait_for()
    cookies = {cookie["name"]: cookie for cookie in context.cookies()}
    assert re.fullmatch("[0-9a-f]{32}", cookies["studio_visitor"]["value"])
    assert cookies["studio_visitor"]["secure"]
    page.goto(front.explorer)
    page.locator(".dv-stage").first.wait_for()
    page.locator("[data-testid=stFileUploaderDropzoneInput]").first.set_input_files(PHOTO)
    page.get_by_text(PHOTO.name).first.wait_for()
    assert any(url.startswith("wss://localhost") for url in sockets)
    context.close()


@pytest.fixture(scope="module")
def replicas() -> Iterator[list[str]]:
    """Three servers that answer with their own address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = f"{self.server.server_address[1]}".encode()  # type: ignore[attr-defined]
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815 - the library's name

        def log_message(self, *_: Any) -> None:
            pass

    servers = [ThreadingHTTPServer(("127.0.0.1", 0), Handler) for _ in range(3)]
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    yield [f"127.0.0.1:{server.server_address[1]}" for server in servers]
    for server in servers:
        server.shutdown()
        server.server_close()


def test_a_visitor_stays_with_one_of_several_processes(
    proxy: Callable[[list[str], list[str]], Proxy], replicas: list[str]
) -> None:
    site = proxy(replicas, replicas)
    served = []
    for _ in range(16):  # browsers, all at one address
        with httpx.Client(verify=False, timeout=30) as browser:
            first = browser.get(site.depth, headers={"Accept": "text/html,*/*"})
            rest = [browser.get(f"{site.depth}/config"), browser.post(f"{site.depth}/upload")]
            assert {reply.text for reply in rest} == {first.text}
            assert not any("set-cookie" in reply.headers for reply in rest)
            served.append(first.text)
    assert len(set(served)) > 1, "every visitor has the same process"
    programs = {  # a program without cookies is known by its address
        httpx.get(f"{site.depth}/config", verify=False, timeout=30).text for _ in range(8)
    }
    assert len(programs) == 1


# systemd, compose, Space, image


def test_the_service_is_one_that_systemd_understands(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed: apt-get install systemd")
    text = (DEPLOY / "lapdepth-studio.service").read_text()
    assert "/opt/lapdepth-studio/.venv/bin/python" in text
    unit = tmp_path / "lapdepth-studio.service"
    unit.write_text(text.replace("/opt/lapdepth-studio", str(ROOT)))
    template = (DEPLOY / "lapdepth-depth@.service").read_text()
    another = tmp_path / "lapdepth-depth@7861.service"
    another.write_text(template.replace("/opt/lapdepth-studio", str(ROOT)))
    said = subprocess.run(
        ["systemd-analyze", "verify", unit, another], capture_output=True, text=True, check=False
    )
    assert (said.returncode, said.stderr) == (0, "")
    # One of several is confined as the one is.
    confined = text[text.index("# A user of its own") :].replace(
        "=lapdepth-studio", "=lapdepth-depth-%i"
    )
    assert template.endswith(confined)


@pytest.fixture(scope="module")
def laid_out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("space") / "space"
    space.lay_out(folder)
    return folder


def test_the_space_has_a_card_and_what_its_dockerfile_copies(laid_out: Path) -> None:
    _, header, _ = (laid_out / "README.md").read_text().split("---\n")
    card = yaml.safe_load(header)
    dockerfile = (laid_out / "Dockerfile").read_text()
    assert (card["sdk"], card["license"]) == ("docker", "apache-2.0")
    assert f"GRADIO_PORT={card['app_port']}" in dockerfile
    assert "--uid 1000" in dockerfile  # the user that runs a Space
    assert "LAPDEPTH_FRAMES=https://huggingface.co" in dockerfile
    for path in space.copied(dockerfile):
        assert (laid_out / path).exists(), path
    # A Space's repository takes files above 10 MB through LFS only.
    large = {path.suffix for path in laid_out.rglob("*") if path.stat().st_size > 10_000_000}
    by_lfs = (laid_out / ".gitattributes").read_text()
    assert all(f"*{suffix} filter=lfs" in by_lfs for suffix in large)


def test_what_the_image_holds_is_enough_to_run(
    laid_out: Path, free_port: Callable[[], int]
) -> None:
    """The folder is the image's: what the Dockerfile copies, and nothing else."""
    page = gradio_page("127.0.0.1", free_port())
    settings = {
        "LAPDEPTH_PAGES": "depth",
        "LAPDEPTH_LOG": "json",
        "LAPDEPTH_FRAMES": "https://huggingface.co",
        "GRADIO_PORT": str(page.port),
    }
    environment = {**os.environ, **settings}
    environment.pop("PYTHONPATH", None)
    for name in ("scripts", "tests", "benchmarks"):
        for path in (*laid_out.glob("app/**/*.py"), *laid_out.glob("core/**/*.py")):
            assert not re.search(rf"^\s*(from|import) {name}\b", path.read_text(), re.M), path
    assert (laid_out / "app" / "explorer" / ".streamlit" / "config.toml").is_file()
    program = subprocess.Popen(
        [sys.executable, "-m", "app.demo"],
        cwd=laid_out,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert program.stdout is not None
        lines = []
        for line in program.stdout:
            lines.append(json.loads(line))  # every line, from the first
            if page.url in lines[-1]["message"]:
                break
        checked = [sys.executable, "-m", "app.demo", "--check"]
        assert subprocess.run(checked, cwd=laid_out, env=environment, check=False).returncode == 0
        reply = httpx.get(page.url, timeout=30)
        policy = reply.headers["content-security-policy"]
        assert policy.endswith("frame-ancestors 'self' https://huggingface.co")
        program.send_signal(signal.SIGTERM)
        lines += [json.loads(line) for line in program.stdout]
        assert program.wait(20) == 0
        assert {"time", "level", "logger", "message"} <= lines[0].keys()
    finally:
        program.kill()
        program.communicate()
