"""What leaves the page when a file was refused or a call failed: done in the browser.

The server may be the one that refuses (it is busy, the call took too long), and only the browser
knows which photo is in its box by now.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from app.gradio_handlers import EMPTY

_KEEP = "{__type__: 'update'}"


def follow(drawn: Any, photo: Any, shown: Any, outputs: Sequence[Any]) -> None:
    """After each drawing: no refused photo in the box, no other photo's results beside it.

    Args:
        drawn: the event that draws the page.
        photo, shown: the photo's box, and what the page shows (`Handlers.show`).
        outputs: what the drawing fills.
    """
    drawn.then(
        None,
        [photo, shown],
        photo,
        js=f"(photo, shown) => photo && shown?.refused === photo.path ? null : {_KEEP}",
        api_visibility="private",
    )
    drawn.failure(
        None,
        [photo, shown],
        list(outputs),
        js=(
            f"(photo, shown) => photo && shown?.photo === photo.path"
            f" ? Array({len(outputs)}).fill({_KEEP}) : {json.dumps(EMPTY)}"
        ),
        api_visibility="private",
    )


def cleared_on_failure(event: Any, outputs: Sequence[Any], cleared: Sequence[Any]) -> None:
    """An event that failed leaves nothing of an earlier one.

    Args:
        event: of the page.
        outputs: what it fills.
        cleared: their values where there is no result.
    """
    js = f"() => {json.dumps(cleared)}"
    event.failure(None, None, list(outputs), js=js, api_visibility="private")
