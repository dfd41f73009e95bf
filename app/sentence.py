"""The one place that turns an error into what a user reads."""

from __future__ import annotations

import logging
import re
import secrets

from core.errors import DepthError

log = logging.getLogger(__name__)

INTERNAL = "Something went wrong inside the program"  # how a bug of ours begins its sentence
_PATHS = re.compile(r"(?<![\w.])(?:/[\w.+@~-]+){2,}")


def sentence(error: BaseException) -> str:
    """What a user reads about an error: one sentence, no traceback, no path of the server.

    What is not a `DepthError` is a bug or the machine's limit; it goes to the log with its
    traceback, under the number that the user is told.
    """
    if isinstance(error, DepthError):
        text = " ".join(str(error).split())
        text = _PATHS.sub(lambda match: match[0].rsplit("/", 1)[1], text)
        return text.translate({ord("<"): "‹", ord(">"): "›"})  # the page would read it as HTML
    if isinstance(error, MemoryError):
        log.error("out of memory", exc_info=error)
        return (
            "The server has no memory left for a photo of this size, expected less work at a "
            "time: try again in a moment, or send a smaller photo."
        )
    number = secrets.token_hex(4)
    log.error("internal error %s", number, exc_info=error)
    return (
        f"{INTERNAL} (number {number}), expected a result: try "
        "again, and if it stays, report this number with the server's log."
    )
