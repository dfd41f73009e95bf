"""Keeps glibc from holding on to memory that photos left: over thousands of them it adds up."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes

M_ARENA_MAX = -8  # malloc.h
ARENAS = 2  # one for the main thread, one for all others; they compute outside of malloc
SECONDS = 5.0


def share_arenas() -> None:
    """Limits the heaps among which glibc spreads the threads; call it before any thread starts.

    By default every new thread may get one of eight for each core. Each keeps the holes between
    blocks in use that once held its largest photo, so that the process grows for hours.
    """
    with contextlib.suppress(OSError, AttributeError):  # another C library
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, ARENAS)


async def give_back_memory() -> None:
    """Hands freed memory back to the system, again and again."""
    with contextlib.suppress(OSError, AttributeError):
        trim = ctypes.CDLL(None).malloc_trim
        while True:
            await asyncio.sleep(SECONDS)
            await asyncio.to_thread(trim, 0)
