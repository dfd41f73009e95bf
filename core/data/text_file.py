"""Text files as people's editors save them."""

from __future__ import annotations

import codecs
from pathlib import Path


def read_text(path: Path) -> str:
    """A text file's content, its lines ended by a line feed each.

    UTF-8 with or without the mark that Windows' Notepad puts in front of it, and the UTF-16 that
    PowerShell's `>` writes.

    Raises:
        OSError: it cannot be read.
        UnicodeDecodeError: it is neither.
    """
    data = path.read_bytes()
    wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    text = data.decode("utf-16" if wide else "utf-8-sig")
    return text.replace("\r\n", "\n")
