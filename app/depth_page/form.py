"""The page's controls as form inputs, the request that they state, and what is said meanwhile."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import gradio as gr

from app.common.checks import SettingError, missing
from app.common.request import DepthRequest, depth_request
from app.common.result import Result
from app.common.service import Studio
from app.common.storage import Storage
from app.common.translations import keys, language_for, t
from core.errors import ConfigError, ImageError

Update = dict[str, Any]  # what gr.update gives
PROGRESS = gr.Progress()  # as a default: Gradio then gives the call its own
# The page's controls in the order in which they are wired, by the names of `depth_request`.
NETWORK = ("model", "resolution", "flip", "fov", "profile")
COLOURS = ("colormap", "ranging", "near", "far")
PHOTO = ("photo", *NETWORK, "intrinsics", "known_length", "sparse", "measured")
DRAWING = (*PHOTO, *COLOURS)
FOR_ANY_PHOTO = (*NETWORK, *COLOURS)  # without what is one photo's


class PageHandlers:
    """What a part of the page does, over one studio and its storage."""

    def __init__(self, studio: Studio, storage: Storage) -> None:
        self._studio = studio
        self._storage = storage

    def _result(
        self,
        values: Sequence[Any],
        tell: Callable[[str], None] = lambda step: None,
        names: Sequence[str] = PHOTO,
    ) -> Result:
        """The photo's depth, in the scale of what is known of it.

        Args:
            values: of the controls, the photo first.
        """
        require_photo(values[0])
        request = form_request(names, values)
        return self._studio.result(self._storage.uploaded(values[0]), request, tell)

    def _usable(self, values: Sequence[Any], name: str, value: Any) -> None:
        """Checks something measured in the photo before the page keeps it and needs it everywhere.

        Args:
            values: of the controls, by the names of `PHOTO`.
            name: of the one that is to have this value.
        """
        place = PHOTO.index(name)
        self._result([*values[:place], value, *values[place + 1 :]])


def require_photo(value: Any) -> None:
    """Checks the value of the photo's box."""
    if missing(value):
        raise ImageError(t("studio.no_photo"))


def language(request: gr.Request) -> str:
    """Of the browser that called."""
    return language_for(request.headers)


def nothing() -> Update:
    """An empty place for a result, which is not shown."""
    return gr.update(value=None, visible=False)


def form_request(names: Sequence[str], values: Sequence[Any]) -> DepthRequest:
    """The request that controls of these names state.

    The two ends of the colours count only where the range is fixed: they keep their text when it
    is not.
    """
    given = dict(zip(names, values, strict=True))
    photo, sparse = given.pop("photo", None), given.get("sparse")
    if "sparse" in given:  # it may have been brought for another photo
        given["sparse"] = sparse["points"] if sparse and is_of(photo, sparse) else None
    measured = given.pop("measured", None)
    if belongs(photo, measured):
        given |= {name: measured.get(name) for name in ("known_depth", "camera_height")}
    if given.pop("ranging", None) != "fixed":
        given.update(near=None, far=None)
    with by_labels():
        return depth_request(**given)


@contextlib.contextmanager
def by_labels(**labels: str) -> Iterator[None]:
    """Names a setting that cannot be used as the page does.

    Args:
        labels: the label's key, where it is not the setting's name.
    """
    try:
        yield
    except SettingError as error:
        key = f"studio.{labels.get(error.name, error.name)}"
        if key not in keys():  # no control of the page: the call was made by hand
            raise
        raise ConfigError(f"The setting “{t(key)}” {error.said}") from None


def is_of(photo: Any, sparse: Any) -> bool:
    """Whether sparse depth, as the browser keeps it, was brought for a photo."""
    if not (isinstance(sparse, dict) and isinstance(sparse.get("points"), list)):
        return False
    return belongs(photo, sparse)


def belongs(photo: Any, kept: Any) -> bool:
    """Whether what the browser keeps was said of this photo."""
    both = isinstance(photo, dict) and isinstance(kept, dict)
    return both and kept.get("photo") == photo.get("path")


def raw_settings(request: DepthRequest, path: str) -> list[Any]:
    """The values of the page's controls that state this request, in the order of `DRAWING`.

    Args:
        path: of the photo, to which what is known of it belongs.
    """
    said = request.arguments()
    texts = (said[name] for name in ("resolution", "fov", "near", "far"))
    resolution, fov, near, far = ("" if value is None else f"{value:.10g}" for value in texts)
    intrinsics = ", ".join(f"{number:.10g}" for number in said["intrinsics"] or ())
    ranging = "fixed" if near or far else "auto"
    length, *_ = said["known_length"] or [None]
    measured = {name: said[name] for name in ("known_depth", "camera_height")}
    camera = (
        *(request.model, resolution, request.flip, fov, said["profile"], intrinsics, length),
        {"photo": path, "points": said["sparse"]} if said["sparse"] else None,
        {"photo": path, **measured} if any(measured.values()) else None,
    )
    return [*camera, request.colors.colormap, ranging, near, far]


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
