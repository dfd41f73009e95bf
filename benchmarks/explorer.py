"""The explorer as a reader meets it: first result, moving the level slider, memory over time.

    python -m benchmarks.explorer [--photo PHOTO.jpg] [--interactions 200] [--model NAME]

Starts the explorer, opens it in a headless Chromium, drops a photo (a made-up 12-megapixel JPEG
unless one is given) and moves the level slider. "Server" is the time from the slider's message to
the last message of the answer, as seen on the page's web socket, so it grows when the browser and
other programs want the same cores; "server CPU" is what the server spent on a move. "First result"
is from dropping the photo to the depth on the page. Prints JSON. Needs playwright and Chromium.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import CDPSession, Page, WebSocket, sync_playwright

from app import demo

PORT = 9345
PATIENCE = 180_000


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photo", type=Path)
    parser.add_argument("--interactions", type=int, default=200)
    parser.add_argument("--model", default="")
    parser.add_argument("--port", type=int, default=PORT)
    options = parser.parse_args()
    photo = options.photo.read_bytes() if options.photo else made_up()
    page_ = demo.explorer_page("127.0.0.1", options.port)
    variables = {"LAPDEPTH_MODEL": options.model} if options.model else {}
    process = demo.start(page_, {**os.environ, **variables}, subprocess.DEVNULL)
    try:
        while not demo.answers(page_):
            time.sleep(0.2)
        found = measure(page_.url, process.pid, photo, options.interactions)
    finally:
        demo.stop(process)
    found |= {
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "load_average": [round(load, 1) for load in os.getloadavg()],
    }
    json.dump(found, sys.stdout, indent=2)
    sys.stdout.write("\n")


def made_up(width: int = 4000, height: int = 3000) -> bytes:
    """A JPEG of 12 megapixels with shades and edges."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (height // 100, width // 100, 3), dtype=np.uint8)
    picture = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=92)
    return stream.getvalue()


def measure(url: str, server: int, photo: bytes, interactions: int) -> dict[str, Any]:
    """Everything, in one browser session."""
    executable = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable, args=["--no-sandbox", "--disable-background-networking"]
        )
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(PATIENCE)
        wire = Wire(page)
        page.goto(url)
        settle(page)
        began = time.perf_counter()
        page.locator("[data-testid=stSidebar] input[type=file]").set_input_files(
            {"name": "big.jpg", "mimeType": "image/jpeg", "buffer": photo}
        )
        page.locator("[data-testid=stSidebar]").get_by_text("big.jpg ·").wait_for()
        settle(page)
        first = time.perf_counter() - began
        page.locator("[data-testid=stSidebarNavLink][href*=coarse_to_fine]").click()
        page.get_by_role("heading", level=1).get_by_text("5").wait_for()
        settle(page)
        session = page.context.new_cdp_session(page)
        result = move(page, session, wire, server, interactions)
        browser.close()
    return {"first_result_s": round(first, 2), "photo_bytes": len(photo), **result}


class Wire:
    """When messages cross the page's web socket."""

    def __init__(self, page: Page) -> None:
        self.sent = 0.0
        self.received = 0.0
        page.on("websocket", self._watch)

    def _watch(self, socket: WebSocket) -> None:
        socket.on("framesent", lambda _: setattr(self, "sent", time.perf_counter()))
        socket.on("framereceived", lambda _: setattr(self, "received", time.perf_counter()))


def move(
    page: Page, session: CDPSession, wire: Wire, server: int, interactions: int
) -> dict[str, Any]:
    """Moves the level slider to and fro."""
    slider = page.locator("[data-testid=stSlider] input").first
    spans, answers, memory = [], [], []
    busy = cpu_seconds(server)
    keys = ["ArrowLeft"] * 4 + ["ArrowRight"] * 4
    for turn in range(interactions):
        if turn % 50 == 0:
            memory.append(held(session, server, turn))
        slider.focus()
        began = time.perf_counter()
        slider.press(keys[turn % len(keys)])
        page.wait_for_timeout(80)  # Streamlit waits a moment before it sends a slider's value
        settle(page, pause=0)
        spans.append((time.perf_counter() - began) * 1000)
        answers.append((wire.received - wire.sent) * 1000)
    memory.append(held(session, server, interactions))
    busy = cpu_seconds(server) - busy
    return {
        "interactions": interactions,
        "server_cpu_ms": round(1000 * busy / interactions, 1),
        "server_ms": summary(answers),
        "round_trip_ms": summary(spans),
        "memory": memory,
    }


def cpu_seconds(process: int) -> float:
    """What a process has used of all cores so far."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def held(session: CDPSession, server: int, turn: int) -> dict[str, float]:
    """Megabytes that the page's scripts and the server hold."""
    session.send("HeapProfiler.collectGarbage")
    session.send("Performance.enable")
    values = {m["name"]: m["value"] for m in session.send("Performance.getMetrics")["metrics"]}
    status = Path(f"/proc/{server}/status").read_text()
    resident = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return {
        "after": turn,
        "page_mb": round(values["JSHeapUsedSize"] / 1e6, 1),
        "nodes": values["Nodes"],
        "server_mb": round(int(resident.split()[1]) / 1e3, 1),
    }


def settle(page: Page, pause: int = 200) -> None:
    """Waits until the script has run and nothing on the page is still to be drawn."""
    page.wait_for_function(
        """() => {
          const app = document.querySelector('[data-testid=stApp]');
          return app && app.getAttribute('data-test-script-state') === 'notRunning'
            && document.querySelector('h1')
            && !document.querySelector('[data-testid=stSkeleton], [data-testid=stSpinner]');
        }""",
        timeout=PATIENCE,
    )
    page.wait_for_timeout(pause)


def summary(values: list[float]) -> dict[str, float]:
    """Median and 90th percentile, the first tenth left out as warm-up."""
    kept = sorted(values[len(values) // 10 :])
    return {
        "median": round(statistics.median(kept), 1),
        "p90": round(kept[int(0.9 * (len(kept) - 1))], 1),
    }


if __name__ == "__main__":
    main()
