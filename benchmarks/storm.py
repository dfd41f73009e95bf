"""Two thousand damaged pictures and five hundred malformed calls against a running depth page.

    .venv/bin/python -m benchmarks.storm --images 2000 --calls 500

Starts a server of its own, or takes --url. Every answer has to be depth or one sentence, within ten
seconds, with a status that fits; after each hundred a good photo must give the very bytes that it
gave at first. Ends with the counts, and with status 1 where one of them is not what it should be.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from benchmarks.own_server import own_server
from benchmarks.plain_client import PlainClient
from scripts.hostile.calls import Call, malformed
from scripts.hostile.corpus import corpus
from scripts.hostile.mutations import mutated

SECONDS = 10.0
HUNDRED = 100
GOOD = Path("assets/examples/room.jpg")
_LEAKS = re.compile(r"Traceback|site-packages|\.py\b|/home/|/root/|/tmp/|object at 0x")


@dataclass
class Tally:
    """What came of the requests.

    Attributes:
        counts: "depth", "sentence", and everything that must not happen.
        faults: what must not happen, one line each.
        slowest: seconds.
    """

    counts: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    slowest: float = 0.0

    def fault(self, kind: str, text: str) -> None:
        """Counts what must not happen."""
        self.counts[kind] += 1
        self.faults.append(f"{kind}: {text[:300]}")

    def timed(self, name: str, started: float) -> None:
        """Notes how long a request took."""
        took = time.monotonic() - started
        self.slowest = max(self.slowest, took)
        if took > SECONDS:
            self.fault("hang", f"{name} took {took:.1f} s")


def good_answer(client: PlainClient) -> str:
    """A digest of the 16-bit depth of the good photo."""
    kind, value = client.predict(GOOD.name, GOOD.read_bytes(), 192)
    if kind != "complete":
        raise ValueError(f"the good photo got {value!r}")
    depth = client.http.get(value[1]["url"])
    depth.raise_for_status()
    return hashlib.sha256(depth.content).hexdigest()


def try_picture(client: PlainClient, name: str, data: bytes, tally: Tally) -> None:
    """Sends one picture and judges the answer."""
    started = time.monotonic()
    try:
        kind, value = client.predict(name, data)
        if kind == "complete":
            low, high = value[2]["range"]
            ok = 0 < low <= high < 1e4 and value[2]["metric"]
            tally.counts["depth"] += 1
            if not ok:
                tally.fault("wrong depth", f"{name}: {value[2]}")
        else:
            judge_sentence(name, value, tally)
    except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
        tally.fault("crash", f"{name}: {type(error).__name__} {error}")
    tally.timed(name, started)


def judge_sentence(name: str, text: object, tally: Tally) -> None:
    """One sentence or two, ending in a full stop, with nothing of the program's inside."""
    tally.counts["sentence"] += 1
    ok = isinstance(text, str) and text.endswith(".") and "\n" not in text and len(text) < 500
    if not ok:
        tally.fault("no sentence", f"{name}: {text!r}")
    elif _LEAKS.search(str(text).replace(name, "")):
        tally.fault("traceback", f"{name}: {text}")
    elif "Something went wrong inside" in str(text):
        tally.fault("bug", f"{name}: {text}")


def try_call(client: PlainClient, call: Call, tally: Tally) -> None:
    """Sends one malformed call and judges the answer."""
    started = time.monotonic()
    name = f"{call.method} {call.path[:60]} {call.body[:120]!r}"
    try:
        headers = {key: value.encode("latin-1") for key, value in call.headers.items()}
        request = client.http.build_request(
            call.method, "/", content=call.body or None, headers=headers
        )
        request.url = client.http.base_url.copy_with(raw_path=call.path.encode("ascii"))
        reply = client.http.send(request, stream=True)
        body = next(reply.iter_raw(65536), b"") if call.streams else reply.read()
        reply.close()
        text = body.decode("utf-8", "replace")
        tally.counts[str(reply.status_code)] += 1
        if reply.status_code not in call.statuses:
            tally.fault("wrong status", f"{reply.status_code} for {name}: {text[:100]}")
        page = reply.headers.get("content-type", "")[:9] == "text/html"
        # An upload is answered with the path by which Gradio's clients name it, and the page's
        # description lists its own examples that way.
        own_paths = page or call.path == "/gradio_api/upload" or "/config" in call.path
        if _LEAKS.search(text) and not own_paths:
            tally.fault("traceback", f"{name}: {text[:200]}")
        if call.runs and reply.status_code == 200:
            endpoint = call.path.rsplit("/", 1)[1]
            kind, value = client.events(endpoint, json.loads(text)["event_id"])
            if kind != "error":
                tally.fault("accepted", f"{name}: {value!r}")
            else:
                judge_sentence(name, value, tally)
    except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
        tally.fault("crash", f"{name}: {type(error).__name__} {error}")
    tally.timed(name, started)


def storm(url: str, images: int, calls: int, seed: int, everything: bool) -> dict[str, Tally]:
    """Sends all of it, four at a time, and a good photo after each hundred."""
    client = PlainClient(url)
    chance = random.Random(seed)  # noqa: S311 - no secret
    files = corpus()
    small = {name: data for name, data in files.items() if len(data) < 200_000}
    first = good_answer(client)
    tallies = {"pictures": Tally(), "calls": Tally(), "good photos": Tally()}
    damaged = [
        (name, mutated(data, chance))
        for name, data in (chance.choice(list(small.items())) for _ in range(images))
    ]
    pictures = [*(files.items() if everything else ()), *damaged]
    endpoints = client.endpoints()
    requests = [malformed(chance, endpoints) for _ in range(calls)]
    jobs: list[Callable[[], None]] = []
    for name, data in pictures:
        jobs.append(lambda n=name, d=data: try_picture(client, n, d, tallies["pictures"]))  # type: ignore[misc]
    for request in requests:
        jobs.append(lambda r=request: try_call(client, r, tallies["calls"]))  # type: ignore[misc]
    with ThreadPoolExecutor(4) as pool:
        for start in range(0, len(jobs), HUNDRED):
            list(pool.map(lambda job: job(), jobs[start : start + HUNDRED]))
            tally, begun = tallies["good photos"], time.monotonic()
            try:
                same = good_answer(client) == first
                tally.counts["same bytes" if same else "other bytes"] += 1
                if not same:
                    tally.fault("other depth", f"after {start + HUNDRED} requests")
            except (httpx.HTTPError, ValueError, KeyError) as error:
                tally.fault("crash", f"good photo after {start + HUNDRED}: {error}")
            tally.timed("good photo", begun)
            faults = sum(len(tally.faults) for tally in tallies.values())
            sys.stderr.write(f"{min(start + HUNDRED, len(jobs))} of {len(jobs)}, {faults} faults\n")
    return tallies


def main() -> int:
    """Prints the counts; 1 where something happened that must not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--calls", type=int, default=500)
    parser.add_argument("--corpus", action="store_true", help="the undamaged files too")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--model", default="auto", help="auto, or one that is faster")
    parser.add_argument("--url")
    options = parser.parse_args()
    arguments = (options.images, options.calls, options.seed, options.corpus)
    if options.url:
        tallies = storm(options.url, *arguments)
    else:
        # No memory of results: the good photo goes through the network every time.
        with own_server(LAPDEPTH_CACHE_MB="0", LAPDEPTH_MODEL=options.model) as server:
            tallies = storm(server.url, *arguments)
            if server.process.poll() is not None:
                tallies["calls"].fault("crash", "the server ended")
    for name, tally in tallies.items():
        counts = ", ".join(f"{count} {kind}" for kind, count in sorted(tally.counts.items()))
        sys.stdout.write(f"{name}: {counts}; slowest {tally.slowest:.1f} s\n")
    faults = [fault for tally in tallies.values() for fault in tally.faults]
    sys.stdout.write("\n".join([f"{len(faults)} faults", *faults[:40], ""]))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
