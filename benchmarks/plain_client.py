"""The depth page's HTTP interface without Gradio's client, as a stranger may speak it."""

from __future__ import annotations

import json
import re
from typing import Any

import httpx


class PlainClient:
    """Plain HTTP, as a stranger speaks it.

    Args:
        url: of the server.
    """

    def __init__(self, url: str) -> None:
        self.http = httpx.Client(base_url=url, timeout=60)

    def predict(self, name: str, data: bytes, resolution: int = 96) -> tuple[str, Any]:
        """("complete", results) or ("error", sentence) for a picture."""
        reply = self.http.post("/gradio_api/upload", files={"files": (name, data)})
        if reply.status_code != 200:
            return "error", str(reply.json()["detail"])
        image = {"path": reply.json()[0], "meta": {"_type": "gradio.FileData"}}
        arguments = [image, None, resolution, None, None, None, None, None]
        return self.call("predict", arguments)

    def endpoints(self) -> dict[str, int]:
        """Names, and how many arguments each takes, as the server describes itself."""
        described = self.http.get("/gradio_api/info").raise_for_status().json()["named_endpoints"]
        return {name[1:]: len(about["parameters"]) for name, about in described.items()}

    def call(self, endpoint: str, arguments: list[Any]) -> tuple[str, Any]:
        """One call to its end."""
        reply = self.http.post(f"/gradio_api/call/{endpoint}", json={"data": arguments})
        if reply.status_code != 200:
            raise ValueError(f"status {reply.status_code} for a well-formed call: {reply.text}")
        return self.events(endpoint, reply.json()["event_id"])

    def events(self, endpoint: str, event: str) -> tuple[str, Any]:
        """The last event of a call."""
        text = self.http.get(f"/gradio_api/call/{endpoint}/{event}").text
        found = re.findall(r"event: (\w+)\ndata: (.*)", text)
        if not found:
            raise ValueError(f"no event came: {text!r}")
        kind, content = found[-1]
        value = json.loads(content)
        return kind, value["error"] if kind == "error" and isinstance(value, dict) else value
