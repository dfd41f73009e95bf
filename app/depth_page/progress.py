"""What the page says while it works: the step, how much is done, and the time left."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import gradio as gr

from app.common.translations import t


class TimeLeft:
    """Tells the time left from the pace since it was made.

    Args:
        clock: seconds, never going back.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._started = clock()
        self._first: int | None = None

    def words(self, done: int, total: int | None) -> str:
        """Time left as "m:ss" or "h:mm:ss"; "?" while nothing is known.

        Args:
            done: pieces that are done; those of the first call are not counted into the pace.
            total: pieces in all.
        """
        if self._first is None:
            self._first, self._started = done, self._clock()
        made = done - self._first
        if total is None or made <= 0 or total < done:
            return "?" if total != done else "0:00"
        seconds = math.ceil((self._clock() - self._started) / made * (total - done))
        minutes, seconds = divmod(seconds, 60)
        hours, minutes = divmod(minutes, 60)
        return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"


def teller(progress: gr.Progress, lang: str) -> Callable[[str], None]:
    """Shows a step of the work, by the name of its sentence, on the page.

    How much of a step is done is not known: the page shows the time it has taken so far, and
    `studio.css` hides the line with Gradio's "0.0%".
    """

    def tell(step: str) -> None:
        progress(0, desc=f"{t(f'studio.{step}', lang)}\n")

    return tell


def counted(progress: gr.Progress, name: str, lang: str) -> Callable[[int, int | None], None]:
    """Shows how many pieces are done, and the time left, by the name of the sentence."""
    clock = TimeLeft(time.monotonic)

    def tell(done: int, total: int | None) -> None:
        said = {"done": done, "total": total or "?", "left": clock.words(done, total)}
        progress((done, total), desc=t(f"studio.{name}", lang, **said))

    return tell
