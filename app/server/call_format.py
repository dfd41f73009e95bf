"""What is wrong with the JSON of a call, found before Gradio sees it.

Only its form: the values of the arguments are checked in `app/common/request.py`.
"""

from __future__ import annotations

import json
import math
from functools import cached_property
from typing import Any

from app.common.blocks import GuardedBlocks

_SHOWN = 40  # characters of a name that nobody knows


class CallCheck:
    """Checks calls against the functions of a page."""

    def __init__(self, page: GuardedBlocks) -> None:
        self._page = page
        public = [fn for fn in page.fns.values() if fn.api_visibility == "public"]
        self._endpoints = {str(fn.api_name): len(fn.inputs) for fn in public}
        self._functions = {key: len(fn.inputs) for key, fn in page.fns.items() if fn.fn is not None}

    @cached_property
    def _parameters(self) -> dict[str, dict[str, bool]]:
        """By endpoint: the names of its arguments, and whether each may be left out."""
        described = self._page.get_api_info()["named_endpoints"]
        return {
            name.removeprefix("/"): {
                str(parameter["parameter_name"]): bool(parameter["parameter_has_default"])
                for parameter in endpoint["parameters"]
            }
            for name, endpoint in described.items()
        }

    def problem(
        self, body: bytes, name: str | None, numbered: bool, named_arguments: bool
    ) -> str | None:
        """What is wrong with the JSON of a call, or None.

        Args:
            name: of the function, in the address.
            numbered: whether a number in the call counts for more than that name, as for the page.
            named_arguments: whether its arguments have names instead of an order.
        """
        try:
            call = json.loads(body, parse_constant=_finite, parse_float=_finite)
        except (ValueError, RecursionError):
            return "The call is not JSON, expected an object with the key data."
        if not isinstance(call, dict):
            return "The call is not a JSON object, expected one with the key data."
        if call.get("session_hash") == "":  # Gradio's queue would stumble over it, for everybody
            return "The call's session_hash is empty, expected a text of its own, or none."
        function = call.get("fn_index") if numbered else None
        if function is not None or name is None:
            if type(function) is not int or function not in self._functions:
                return "The call names no function of this page, expected its number as fn_index."
            least = most = self._functions[function]
        elif name not in self._endpoints:
            known = ", ".join(f"/{key}" for key in self._endpoints)
            return f"There is no endpoint of this name, expected one of {known}."
        else:
            least, most = 1, self._endpoints[name]
        if named_arguments:
            return self._misnamed(call, name or "")
        if not isinstance(call.get("data"), list):
            return "The call has no list under the key data, expected the arguments in order."
        if not least <= len(call["data"]) <= (most if function is None else math.inf):
            return f"The call has {len(call['data'])} arguments, expected {least} to {most}."
        return None

    def _misnamed(self, call: dict[str, Any], name: str) -> str | None:
        """What is wrong with the names of a call's arguments, over which Gradio would stumble."""
        parameters = self._parameters[name]
        unknown = [key for key in call if key not in parameters]
        if unknown:
            shown = ascii(unknown[0])[:_SHOWN]
            return f"The call has an argument {shown}, expected some of {', '.join(parameters)}."
        absent = [key for key, optional in parameters.items() if not (optional or key in call)]
        if absent:
            return f"The call has no argument {absent[0]}, expected a value for it."
        return None

    def completed(self, body: bytes, name: str | None, numbered: bool) -> bytes:
        """A call by name with null for every argument that was left out at its end."""
        call = json.loads(body)
        if name not in self._endpoints or not isinstance(call.get("data"), list):
            return body
        if numbered and call.get("fn_index") is not None:
            return body
        missing = self._endpoints[name] - len(call["data"])
        return json.dumps({**call, "data": [*call["data"], *[None] * missing]}).encode()


def _finite(text: str) -> float:
    """A number of JSON, which knows neither NaN nor infinity."""
    if not math.isfinite(number := float(text)):
        raise ValueError(text)
    return number
