"""Where the time of one HTTP request goes, from the upload to the picture on the client's side.

    python -m benchmarks.request [--rounds 9] [--threads 2] [--model lite-indoor] > request.json

Starts a depth page of its own. `client` is what a program sees that speaks plain HTTP to it:
sending the photo, asking, waiting for the answer, fetching the coloured PNG. `function` is the
endpoint's own time inside that wait (its /metrics), and `parts` are the pieces of that function,
measured in turns in this process with the same photo; what the wait has more is Gradio's queue and
event stream. `gradio_client` is the same request made by that package. Every request brings a photo
that the page has not seen. Prints JSON.
"""

from __future__ import annotations

import argparse
import itertools
import json
import secrets
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.machine import WARM_UP, describe, in_turns, summary, use_threads
from core.threads import usable_threads

SIZES = ((640, 480), (4000, 3000))


def main() -> None:
    """Prints the split for a small and a large photo."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--threads", type=int, default=usable_threads())
    parser.add_argument("--model", default="lite-indoor")
    options = parser.parse_args()
    use_threads(options.threads)
    from benchmarks.own_server import own_server
    from benchmarks.photos import jpeg
    from benchmarks.plain_client import PlainClient
    from benchmarks.programs import at_work, ready_clients

    report = describe(options.threads)
    report |= {"rounds": options.rounds, "warm_up_rounds": WARM_UP, "model": options.model}
    photos = {f"{width}x{height}": jpeg(width, height) for width, height in SIZES}
    with own_server(LAPDEPTH_MODEL=options.model) as (url, pid):
        client = PlainClient(url)
        for size, photo in photos.items():
            report[size] = _requests(client, photo, options.rounds)
            others = ready_clients(url, 1, photo)
            through = at_work(others, options.rounds, photo, pid)
            report[size]["gradio_client"] = through
    for size, photo in photos.items():
        report[size]["parts"] = in_turns(_parts(photo, options.model), options.rounds)
    sys.stdout.write(json.dumps(report, indent=2) + "\n")


def _requests(client: Any, photo: bytes, rounds: int) -> dict[str, Any]:
    """What the client sees of some requests, one after the other."""
    spans: dict[str, list[float]] = {}
    inside: list[float] = []
    for turn in range(rounds + WARM_UP):
        before = _seconds_inside(client)
        steps = _one(client, photo + secrets.token_bytes(8))  # behind the picture: another file
        if turn >= WARM_UP:
            inside.append((_seconds_inside(client) - before) * 1000)
            for step, milliseconds in steps.items():
                spans.setdefault(step, []).append(milliseconds)
    steps = {step: summary(values) for step, values in spans.items()}
    return {"photo_bytes": len(photo), "client": steps, "function": summary(inside)}


def _one(client: Any, photo: bytes) -> dict[str, float]:
    """One request, milliseconds of its steps."""
    clock = [time.perf_counter()]
    reply = client.http.post("/gradio_api/upload", files={"files": ("photo.jpg", photo)})
    image = {"path": reply.raise_for_status().json()[0], "meta": {"_type": "gradio.FileData"}}
    clock.append(time.perf_counter())
    reply = client.http.post("/gradio_api/call/predict", json={"data": [image] + [None] * 9})
    event = reply.raise_for_status().json()["event_id"]
    clock.append(time.perf_counter())
    kind, answer = client.events("predict", event)
    if kind != "complete":
        raise SystemExit(f"the page refused its own photo: {answer}")
    clock.append(time.perf_counter())
    picture = client.http.get(f"/gradio_api/file={answer[0]['path']}").raise_for_status()
    clock.append(time.perf_counter())
    if not picture.content.startswith(b"\x89PNG"):
        raise SystemExit("what came is no PNG file")
    names = ("upload", "ask", "wait for the answer", "fetch the picture")
    spans = {
        name: (end - start) * 1000
        for name, (start, end) in zip(names, itertools.pairwise(clock), strict=True)
    }
    return spans | {"everything": (clock[-1] - clock[0]) * 1000}


def _seconds_inside(client: Any) -> float:
    """Seconds that the server has spent in the endpoint's function so far."""
    name = 'lapdepth_call_seconds_sum{endpoint="predict"}'
    lines = client.http.get("/metrics").text.splitlines()
    return sum(float(line.split()[1]) for line in lines if line.startswith(name))


def _parts(photo: bytes, model: str) -> dict[str, Callable[[], object]]:
    """The pieces of the endpoint's function, in its order."""
    from app.common.request import DepthRequest
    from app.common.result import Result
    from app.common.saving import save_outputs
    from app.common.summary import as_json, with_display_range
    from core.images.decode_worker import decode_isolated
    from core.images.resize import working_size
    from core.predictor import load_predictor

    predictor = load_predictor(model)
    decoded = decode_isolated(photo, name="photo.jpg")
    prediction = predictor(decoded)
    result = with_display_range(Result(decoded, prediction, DepthRequest(model=model)))
    size = working_size(prediction.photo_size, predictor.info.working_height)
    folder = tempfile.TemporaryDirectory(prefix="benchmark-request-")

    def network() -> None:
        from benchmarks.networks import shades

        predictor.engine.run(shades(size[1], size[0]).numpy())

    def files() -> None:
        save_outputs(result, ("color", "depth16"), Path(folder.name))

    return {
        "decode, in the decoder's process": lambda: decode_isolated(photo, name="photo.jpg"),
        "predict": lambda: predictor(decoded),
        "of it the network": network,
        "both PNG files and the sidecar": files,
        "summary": lambda: as_json(result),
    }


if __name__ == "__main__":
    main()
