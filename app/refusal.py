"""A request that is answered with one sentence instead of a result."""

from __future__ import annotations

import errno
import json
import math
from dataclasses import dataclass

from app.http_body import SlowError, TooLargeError
from app.sentence import INTERNAL, sentence

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)


@dataclass(frozen=True)
class Refusal:
    """Why a request is answered here: HTTP status, a sentence, seconds until it may come again."""

    status: int
    detail: str
    retry_after: float = math.nan


def as_refusal(error: BaseException | None, too_large: str = "") -> Refusal:
    """What a request that could not be answered gets."""
    while isinstance(error, ExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]  # a framework's task group
    if isinstance(error, TooLargeError):
        return Refusal(413, too_large or "The request is larger than this server takes.")
    if isinstance(error, SlowError):
        return Refusal(408, "The request stopped half-way, expected all of it: send it again.")
    if isinstance(error, OSError) and error.errno in _FULL:
        return Refusal(
            507,
            "The server's disk is full or cannot be written, expected room for the upload: try "
            "again later.",
        )
    return Refusal(500, sentence(error or RuntimeError("an answer with status 500")))


def refused_directly(body: bytes) -> Refusal | None:
    """The sentence inside Gradio's own answer 500 to a direct call that was refused, or None.

    Gradio says 500 for every error; only a bug of ours deserves that.
    """
    try:
        said = json.loads(body)["error"]
    except (ValueError, TypeError, KeyError):
        return None
    if not isinstance(said, str) or not said or said.startswith(INTERNAL):
        return None
    return Refusal(400, said)
