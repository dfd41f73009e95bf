"""A picture from standard input, where a command is given `-` in place of a file."""

from __future__ import annotations

import sys

from core.errors import ConfigError

MARK = "-"
NAME = "stdin"  # what its results are called


def read_bytes() -> bytes:
    """What comes on standard input, at most one byte more than a picture may have.

    Raises:
        ConfigError: it is a terminal, or closed.
    """
    from core.imaging.decode_limits import DEFAULT_LIMITS

    if sys.stdin is None or sys.stdin.isatty():
        raise ConfigError(
            "- stands for a picture on standard input, which is a terminal, expected a file or a "
            "pipe: write `< photo.jpg` behind the command, or give the file's name."
        )
    return sys.stdin.buffer.read(DEFAULT_LIMITS.max_bytes + 1)


def read_picture() -> bytes:
    """An encoded picture of allowed size from standard input.

    Raises:
        ConfigError: it is a terminal, or closed.
        ImageError: nothing came, or too much.
    """
    from core.imaging.decode_limits import DEFAULT_LIMITS, check_bytes

    data = read_bytes()
    check_bytes(len(data), DEFAULT_LIMITS, NAME)
    return data
