"""Half an hour of mixed good and bad requests: does memory, or the number of files, grow?

    .venv/bin/python -m benchmarks.soak --minutes 30 --clients 8 --out docs/measurements/soak.json

Every client sends, one after the other, good photos (their 16-bit depth must be the
same bytes every time), point clouds and measurements, and now and then a damaged
picture or a malformed call. Every `SAMPLE_SECONDS` the server's memory (with its decoders'), file
descriptors and temporary files are noted; the slopes are those of a straight line through what came
after the warm-up.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import random
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil

from benchmarks.own_server import OwnServer, own_server
from benchmarks.plain_client import PlainClient
from benchmarks.storm import Tally, try_call, try_picture
from scripts.hostile.calls import malformed
from scripts.hostile.corpus import corpus
from scripts.hostile.mutations import mutated

SAMPLE_SECONDS = 5.0
WARM_UP_SHARE = 0.25
# Nothing is taken from the memory of results: every good photo goes through the network again.
# What came within a minute is kept whatever the limit, so that a fast machine needs a larger one.
SETTINGS = {"LAPDEPTH_TEMP_MB": "600", "LAPDEPTH_CACHE_MB": "0", "LAPDEPTH_MODEL": "lite-indoor"}
PHOTOS = {"room.jpg": 192, "books.jpg": 96}  # and their working heights


@dataclass
class Soak:
    """What the clients saw.

    Attributes:
        good: requests that had to succeed.
        failed: those of them that did not, one line each.
        bad: what came of the damaged pictures and malformed calls.
        depths: digest of the depth of each photo and resolution.
    """

    good: int = 0
    failed: list[str] = field(default_factory=list)
    bad: Tally = field(default_factory=Tally)
    depths: dict[tuple[str, int], str] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def done(self, name: str, problem: str | None) -> None:
        """Counts a good request."""
        with self.lock:
            self.good += 1
            if problem:
                self.failed.append(f"{name}: {problem[:300]}")

    def same(self, key: tuple[str, int], digest: str) -> str | None:
        """What is wrong with a depth, or None: the first one of its kind is right."""
        with self.lock:
            first = self.depths.setdefault(key, digest)
        return None if first == digest else "other bytes than the first time"


def good_request(client: PlainClient, kind: str, name: str, data: bytes, soak: Soak) -> None:
    """One request that has to succeed."""
    resolution = PHOTOS[name]
    try:
        uploaded = client.http.post("/gradio_api/upload", files={"files": (name, data)})
        uploaded.raise_for_status()
        image = {"path": uploaded.json()[0], "meta": {"_type": "gradio.FileData"}}
        if kind == "predict":
            outcome, value = client.call("predict", [image, None, resolution, *[None] * 5])
        elif kind == "measure":
            outcome, value = client.call("measure", [image, None, [[9, 9], [50, 60]], None, None])
        else:
            outcome, value = client.call("point_cloud", [image, None, "ply", None, None, 0.1])
        problem = None if outcome == "complete" else str(value)
        if problem is None and kind == "predict":
            depth = client.http.get(value[1]["url"])
            depth.raise_for_status()
            digest = hashlib.sha256(depth.content).hexdigest()
            problem = soak.same((name, resolution), digest)
    except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
        problem = f"{type(error).__name__} {error}"
    soak.done(f"{kind} {name}", problem)


def client_loop(url: str, seed: int, until: float, soak: Soak, files: dict[str, bytes]) -> None:
    """One client, until the time is over."""
    client, chance = PlainClient(url), random.Random(seed)  # noqa: S311 - no secret
    endpoints = client.endpoints()
    photos = {name: Path("assets/examples", name).read_bytes() for name in PHOTOS}
    names = sorted(files)
    while time.monotonic() < until:
        drawn = chance.random()
        if drawn < 0.15:
            name = chance.choice(names)
            try_picture(client, name, mutated(files[name], chance), soak.bad)
        elif drawn < 0.3:
            try_call(client, malformed(chance, endpoints), soak.bad)
        else:
            kind = chance.choice(("predict", "predict", "predict", "measure", "point_cloud"))
            name = chance.choice(list(PHOTOS))
            good_request(client, kind, name, photos[name], soak)


def sample(server: OwnServer, soak: Soak) -> dict[str, float]:
    """The server now."""
    main = psutil.Process(server.process.pid)
    decoders = main.children(recursive=True)
    sizes = file_sizes(server.temp)
    return {
        "requests": soak.good + sum(soak.bad.counts.values()),
        "memory_mb": main.memory_info().rss / 1e6,
        "decoders_mb": sum(child.memory_info().rss for child in decoders) / 1e6,
        "descriptors": main.num_fds(),
        "threads": main.num_threads(),
        "temp_files": len(sizes),
        "temp_mb": sum(sizes) / 1e6,
    }


def file_sizes(folder: Path) -> list[int]:
    """Bytes of every file below a folder whose files come and go."""
    sizes = []
    for parent, _, names in os.walk(folder):  # passes over a folder that is gone already
        for name in names:
            with contextlib.suppress(OSError):
                sizes.append(Path(parent, name).stat().st_size)
    return sizes


def slopes(samples: list[dict[str, float]]) -> dict[str, float]:
    """Growth of each number per 100 requests, after the warm-up."""
    kept = samples[int(len(samples) * WARM_UP_SHARE) :]
    requests = np.array([entry["requests"] for entry in kept]) / 100
    names = [name for name in kept[0] if name != "requests"]
    return {
        name: float(np.polyfit(requests, [entry[name] for entry in kept], 1)[0]) for name in names
    }


def run(minutes: float, clients: int) -> dict[str, Any]:
    """The whole soak; JSON-ready."""
    files = {name: data for name, data in corpus().items() if len(data) < 100_000}
    soak, samples = Soak(), []
    with own_server(**SETTINGS) as server:
        until = time.monotonic() + minutes * 60
        threads = [
            threading.Thread(target=client_loop, args=(server.url, seed, until, soak, files))
            for seed in range(clients)
        ]
        for thread in threads:
            thread.start()
        while time.monotonic() < until:
            time.sleep(SAMPLE_SECONDS)
            samples.append(sample(server, soak))
        for thread in threads:
            thread.join()
        log = server.log.read_text(errors="replace")
    return {
        "minutes": minutes,
        "clients": clients,
        "good_requests": soak.good,
        "good_failed": len(soak.failed),
        "failures": soak.failed[:20],
        "bad_requests": dict(soak.bad.counts),
        "bad_faults": soak.bad.faults[:20],
        "tracebacks_in_log": log.count("Traceback"),
        "first": samples[0],
        "after_warm_up": samples[int(len(samples) * WARM_UP_SHARE)],
        "last": samples[-1],
        "per_100_requests": slopes(samples),
        "samples": samples,
    }


def main() -> int:
    """Prints the result; 1 where a good request failed or a bad one was answered wrongly."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    result = run(options.minutes, options.clients)
    if options.out:
        options.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    shown = {key: value for key, value in result.items() if key != "samples"}
    sys.stdout.write(json.dumps(shown, indent=2) + "\n")
    return int(bool(result["good_failed"] or result["bad_faults"]))


if __name__ == "__main__":
    sys.exit(main())
