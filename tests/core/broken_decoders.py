"""Decoders that go wrong in the ways native code does; the decoder process loads them by name."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from core.images.decode import Photo, decode


def by_content(data: bytes, **options: Any) -> Photo:
    """Do what the bytes say; decode pictures as usual."""
    word = data.decode("latin-1")
    if word == "abort":
        os.abort()
    if word == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if word == "hang":
        time.sleep(60)
    if word == "spin":
        while True:
            pass
    if word == "starve":  # gets on, but with an eighth of a core
        end = time.monotonic() + 1.6
        while time.monotonic() < end:
            burnt = time.process_time() + 0.02
            while time.process_time() < burnt:
                pass
            time.sleep(0.14)
        return photo(np.zeros((3, 4, 3), np.uint8))
    if word == "bug":
        raise KeyError("bug")
    if word == "memory":
        return photo(np.ones((2**33,), np.uint8))
    if word == "chatter":
        os.write(1, b"libfoo: warning\n")
        sys.stderr.write("libfoo: warning\n")
        return photo(np.zeros((3, 4, 3), np.uint8))
    if word == "lie":
        return photo(np.zeros((300, 400, 3), np.uint8))
    if word == "secrets":
        return photo(np.zeros((3, 4, 3), np.uint8), os.environ.get("LAPDEPTH_PASSWORD", "none"))
    if word.startswith("write "):
        try:
            Path(word[6:]).write_bytes(b"content")
        except OSError as error:
            return photo(np.zeros((3, 4, 3), np.uint8), type(error).__name__)
        return photo(np.zeros((3, 4, 3), np.uint8), "written")
    return decode(data, **options)


def photo(rgb: Any, note: str = "") -> Photo:
    """A photo that nothing was decoded for."""
    return Photo(rgb, None, None, "PNG", "", "", (rgb.shape[1], rgb.shape[0]), (note,))
