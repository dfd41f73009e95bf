"""Depth of a camera's pictures as they come, at the rate that the machine gives.

The page sends pictures steadily; while one is worked on, only the latest of those that arrive is
kept (Gradio's stream holds one place for a session's next picture). So what is shown is never
older than one picture's work, and nothing queues up.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
import threading
import time
from dataclasses import dataclass, field, replace
from typing import Any

from PIL import Image

from app.common.request import DepthRequest
from app.common.service import Studio
from app.depth_page.summary_html import jpeg_of
from core.errors import ImageError
from core.files.colormap import auto_range, colorize, range_with_ends
from core.geometry.find_scale import calibrated
from core.images.decode import Photo
from core.images.decode_worker import decode_isolated
from core.scale.calibration import model_of
from core.video.temporal_smoothing import TemporalSmoother

MAX_BYTES = 900_000  # of one encoded picture
_PICTURE = re.compile(r"data:image/(?:jpeg|png|webp);base64,")
_GAP = 2.0  # seconds without a picture after which the past is forgotten
_KEPT = 0.9  # share of the past in range and rate, so that colours do not flicker


@dataclass
class _Past:
    """What one session's camera has shown."""

    request: DepthRequest
    model: str
    begun: float  # with the last picture
    ended: float = math.inf  # with it; infinite while it is worked on
    steadier: TemporalSmoother = field(default_factory=TemporalSmoother)
    range: tuple[float, float] | None = None
    seconds: float | None = None  # between two pictures


@dataclass(frozen=True)
class LiveView:
    """One picture's depth.

    Attributes:
        near, far: ends of the colours in metres.
        milliseconds: of work on this picture.
        rate: pictures a second, lately; None for the first.
    """

    jpeg: bytes
    near: float
    far: float
    milliseconds: float
    rate: float | None
    model: str
    metric: bool = True
    notes: tuple[str, ...] = ()


class LiveDepth:
    """Keeps the past of every session's camera; thread-safe."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._sessions: dict[str, _Past] = {}
        self._lock = threading.Lock()

    def __call__(self, session: str, picture: Any, request: DepthRequest) -> LiveView:
        """The next picture's depth, smoothed."""
        started = time.monotonic()
        photo = decode_isolated(encoded_picture(picture), name="camera")
        past = self._followed(session, request, started)
        if past is None:
            past = self._begun(
                session,
                request,
                started,
                self._model(model_of(request.known, request.model) or "", photo.rgb),
            )
        try:
            return self._next(past, photo, started)
        finally:
            past.ended = time.monotonic()

    def _next(self, past: _Past, photo: Photo, started: float) -> LiveView:
        predictor, request = self._studio.predictor(past.model), past.request
        with self._studio.working:
            passed = predictor.passed(photo, **request.prediction, sharpens=False)
            smoothed = past.steadier(passed.working.rgb, passed.depth, started)
            steady = predictor.finished(replace(passed, depth=smoothed.depth), photo)
            prediction = calibrated(steady, *request.known)
        past.range = _range_after(past.range, auto_range(prediction.depth), anew=smoothed.cut)
        near, far = range_with_ends(past.range, request.colors.near, request.colors.far)
        drawn = Image.fromarray(colorize(prediction.depth, request.colors.colormap, near, far))
        return LiveView(
            jpeg_of(drawn),
            near,
            far,
            (time.monotonic() - started) * 1000,
            None if past.seconds is None else 1 / past.seconds,
            predictor.info.name,
            prediction.metric,
            prediction.notes,
        )

    def forget(self, session: str | None) -> None:
        """Drops a session's past."""
        with self._lock:
            self._sessions.pop(session or "", None)

    def _followed(self, session: str, request: DepthRequest, now: float) -> _Past | None:
        """The past that the next picture of a camera goes on from, None where it has none."""
        with self._lock:
            past = self._sessions.get(session)
            if past is None or now - past.ended > _GAP:
                return None
            if past.request.to_dict() != request.to_dict():
                return None
            past.request = request  # the colours may have changed
            elapsed = now - past.begun
            before = past.seconds
            past.seconds = elapsed if before is None else _KEPT * before + (1 - _KEPT) * elapsed
            past.begun, past.ended = now, math.inf
            return past

    def _begun(self, session: str, request: DepthRequest, now: float, model: str) -> _Past:
        """A new past, in place of all that are too old for a next picture."""
        with self._lock:
            for old in [name for name, past in self._sessions.items() if now - past.ended > _GAP]:
                del self._sessions[old]
            past = self._sessions[session] = _Past(request, model, begun=now)
            return past

    def _model(self, model: str, rgb: Any) -> str:
        """The model for as long as the camera runs: the one given, or chosen by this picture.

        Choosing takes long: no lock is held meanwhile, or every other camera would wait.
        """
        chooser = self._studio.chooser_for(model)
        return model if chooser is None else chooser(rgb).model


def is_live_picture(value: Any) -> bool:
    """Whether a value is a camera's picture as the page sends it: inside the call, no upload."""
    url = value.get("url") if isinstance(value, dict) else None
    return isinstance(url, str) and not value.get("path") and _PICTURE.match(url) is not None


def encoded_picture(value: Any) -> bytes:
    """The JPEG, PNG or WebP inside such a value."""
    if is_live_picture(value):
        url = value["url"]
        with_problem = "it is larger than 900 kB"
        if len(url) * 3 / 4 <= MAX_BYTES:
            try:
                return base64.b64decode(url[url.index(",") + 1 :], validate=True)
            except (binascii.Error, ValueError):
                with_problem = "its encoding is damaged"
        raise ImageError(
            f"The camera's picture cannot be used ({with_problem}), expected a JPEG or PNG of "
            "the page's own camera: start the camera anew."
        )
    raise ImageError(
        "There is no picture of a camera in this call, expected one: start the camera on the page."
    )


def _range_after(
    before: tuple[float, float] | None, now: tuple[float, float], *, anew: bool
) -> tuple[float, float]:
    if before is None or anew:
        return now
    near, far = (_KEPT * b + (1 - _KEPT) * n for b, n in zip(before, now, strict=True))
    return near, far
