"""An error as the reader of a page gets it, in the page's language.

The sentences of the core name what was got, what was expected and what to do, in English only. On
a Chinese page a Chinese one comes first: it says what went wrong, the English one how exactly.
"""

from __future__ import annotations

import logging
import re
import secrets

from core import errors
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


_CHINESE: dict[type[BaseException], str] = {
    errors.ImageError: "这张照片无法使用，请换一张。",
    errors.CheckpointError: "模型无法使用，请选择另一个模型。",
    errors.ConfigError: "有一项设置无法使用，请修改。",
    errors.DataError: "这个数据文件与照片不符或无法读取，请换一个。",
    errors.CameraError: "所给的相机、位姿或点无法使用，请修改。",
    errors.ExportError: "结果无法写成所要的文件，或没有剩下可写的内容。",
    errors.EngineError: "计算没有完成，请稍后再试。",
    errors.VideoError: "这段视频无法使用，请换一段。",
    MemoryError: "服务器内存不足，请稍后再试，或换一张较小的照片。",
}
_BUG = "程序内部出错，请再试一次。"


def told(error: BaseException, lang: str) -> str:
    """The sentence that a page shows about an error, in Chinese with the English one behind it."""
    english = sentence(error)
    if lang != "zh":
        return english
    known = (words for kind, words in _CHINESE.items() if isinstance(error, kind))
    return f"{next(known, _BUG)}详细说明（英文）：{english}"
