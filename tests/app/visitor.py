"""A visitor of the depth page without a browser: its fields' values, and its calls."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
from PIL import Image

from core.camera import Intrinsics, SizedCamera
from core.files.colormap import COLORMAPS
from core.scale.profile import Profile
from tests.core.pictures import encode
from tests.tiny_checkpoint import picture

MODELS = ("tiny", "other")


class Visitor:
    """A browser on the page: its fields' values, and calls that send and receive them.

    Args:
        url: of the server.
        number: of the visitor; decides everything that is asked for.
    """

    def __init__(self, url: str, number: int) -> None:
        self.number = number
        self.lang = "zh" if number % 3 == 0 else "en"
        self.name = f"visitor-{number}.png"
        self.data = encode(Image.fromarray(picture(96 + 4 * number, 96, number)), "PNG")
        self.set: dict[str, Any] = {
            "model": MODELS[number % 2],
            "resolution": str((96, 112, 128)[number % 3]),
            "fov": str(40 + number) if number % 4 else "",
            "flip": number % 5 == 0,
            "colormap": list(COLORMAPS)[number % len(COLORMAPS)],
            "kinds": ["npy", "color"],
        }
        self.profile = own_profile(number) if number >= 3 else None
        self.length = [10, 20, 80, 70, 1.0 + number] if number % 2 else None
        headers = {"accept-language": self.lang}
        self.http = httpx.Client(base_url=f"{url}/gradio_api", headers=headers, timeout=120)
        config = httpx.get(f"{url}/config", headers=headers, timeout=60).json()
        self.events = config["dependencies"]
        self.ids: dict[str, int] = {}
        self.values: dict[int, Any] = {}
        for part in config["components"]:
            self.values[part["id"]] = part["props"].get("value")
            if part["props"].get("elem_id"):
                self.ids[part["props"]["elem_id"]] = part["id"]
        self.values |= {self.ids[name]: value for name, value in self.set.items()}

    def event(self, name: str, kind: str) -> dict[str, Any]:
        """What the server does when something happens to a part of the page."""
        target = [self.ids[name], kind]
        found: dict[str, Any] = next(
            e for e in self.events if target in e["targets"] and e["backend_fn"]
        )
        return found

    def call(self, name: str, kind: str, **marked: Any) -> list[Any]:
        """Lets it happen, and fills the page with what comes back."""
        event = self.event(name, kind)
        session = f"visitor{self.number}"
        sent = [self.values[part] for part in event["inputs"]]
        if "ends" in marked:
            sent[-2:] = [marked["ends"], str(marked["metres"])]
        body = {"data": sent, "fn_index": event["id"], "session_hash": session}
        self.http.post("/queue/join", json=body).raise_for_status()
        with self.http.stream("GET", "/queue/data", params={"session_hash": session}) as reply:
            for line in reply.iter_lines():
                if "process_completed" in line:
                    break
        message = json.loads(line.removeprefix("data: "))
        assert message["success"], message
        output: list[Any] = message["output"]["data"]
        for part, value in zip(event["outputs"], output, strict=True):
            update = isinstance(value, dict) and value.get("__type__") == "update"
            if not update:
                self.values[part] = value
            elif "value" in value:
                self.values[part] = value["value"]
        return output

    def upload(self, part: str, name: str, data: bytes) -> None:
        """Puts a file into a part of the page."""
        sent = self.http.post("/upload", files={"files": (name, data)})
        self.values[self.ids[part]] = {"path": sent.json()[0], "meta": {"_type": "gradio.FileData"}}

    def visit(self) -> Visitor:
        """A photo, the profile and the length where there are any, then the files."""
        self.upload("photo", self.name, self.data)
        self.call("photo", "change")
        if self.profile:
            self.upload("profile-upload", "mine.json", self.profile.to_json().encode())
            self.call("profile-upload", "upload")
            self.call("photo", "change")
        if self.length:
            ends = [self.length[:2], self.length[2:4]]
            self.call("calibrate-apply", "click", ends=ends, metres=self.length[4])
            self.call("photo", "change")
        self.call("make-files", "click")
        return self

    def files(self) -> dict[str, bytes]:
        """The files' names and contents."""
        paths = [entry["path"] for entry in self.values[self.ids["files"]]]
        return {Path(path).name: self.http.get(f"/file={path}").content for path in paths}


def own_profile(number: int) -> Profile:
    """One that nobody else has."""
    camera = Intrinsics(100.0 + number, 100.0 + number, 47.5 + 2 * number, 47.5)
    sized = SizedCamera(96 + 4 * number, 96, camera)
    return Profile(f"of {number}", MODELS[number % 2], "0" * 64, sized, 1.0 + number / 10)
