"""Whose turn it is: alone on the CPU, together on a GPU, and everybody gets his own answer."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import Tensor

from core.engines.base import TOGETHER, Passes
from core.errors import EngineError


class StubEngine:
    """Says of every picture its own number; its first pass lasts until the others wait."""

    name, precision = "stub", "float32"

    def __init__(self, device: str, most: int = 100) -> None:
        self.device = device
        self.most = most  # pictures that its memory holds
        self.passes: list[int] = []
        self.first, self.go_on = threading.Event(), threading.Event()
        self._inside = threading.Lock()

    def run(self, image: Tensor) -> list[Tensor]:
        assert self._inside.acquire(blocking=False), "two passes at once"
        with_others = self.passes
        with_others.append(len(image))
        if len(with_others) == 1:
            self.first.set()
            assert self.go_on.wait(10)
        self._inside.release()
        if len(image) > self.most:
            raise EngineError("no memory")
        if bool((image < 0).any()):
            raise EngineError("this picture is bad")
        return [image[:, :1, ::stride, ::stride] + 0.5 for stride in (16, 8, 4, 2, 1)]


def numbered(number: float, side: int = 16, count: int = 1) -> Tensor:
    return torch.full((count, 3, side, side), number)


def at_once(
    engine: StubEngine, images: list[Tensor], passes: Passes
) -> list[Callable[[], list[Tensor]]]:
    """Calls for all pictures; those after the first come while its pass runs."""
    with ThreadPoolExecutor(len(images)) as pool:
        calls = [pool.submit(passes.run, images[0])]
        assert engine.first.wait(10)
        calls += [pool.submit(passes.run, image) for image in images[1:]]
        while len(passes._queue) < len(images) - 1:
            threading.Event().wait(0.002)
        engine.go_on.set()
    return [call.result for call in calls]


def check(results: list[Callable[[], list[Tensor]]], images: list[Tensor]) -> None:
    for result, image in zip(results, images, strict=True):
        levels = result()
        assert [len(level) for level in levels] == [len(image)] * 5
        assert torch.equal(levels[-1], image[:, :1] + 0.5)


def test_on_the_cpu_everybody_goes_alone() -> None:
    engine, images = StubEngine("cpu"), [numbered(n) for n in range(5)]
    check(at_once(engine, images, Passes(engine)), images)
    assert engine.passes == [1] * 5


@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_on_a_gpu_those_that_wait_go_together(device: str) -> None:
    engine, images = StubEngine(device), [numbered(n) for n in range(6)]
    check(at_once(engine, images, Passes(engine)), images)
    assert engine.passes == [1, 5]


def test_pictures_of_other_sizes_wait_for_their_own_pass() -> None:
    engine = StubEngine("cuda")
    images = [numbered(0), numbered(1), numbered(2, side=32), numbered(3, count=2), numbered(4, 32)]
    check(at_once(engine, images, Passes(engine)), images)
    assert sorted(engine.passes) == [1, 2, 3]


def test_no_pass_is_larger_than_allowed() -> None:
    engine = StubEngine("cuda")
    images = [numbered(n, count=2) for n in range(TOGETHER)]
    check(at_once(engine, images, Passes(engine)), images)
    assert max(engine.passes) == TOGETHER
    assert sum(engine.passes) == 2 * TOGETHER


def test_what_is_too_much_together_is_done_one_by_one() -> None:
    engine, images = StubEngine("cuda", most=2), [numbered(n) for n in range(5)]
    check(at_once(engine, images, Passes(engine)), images)
    assert engine.passes == [1, 4, 1, 1, 1, 1]


def test_a_bad_picture_harms_nobody_else() -> None:
    engine = StubEngine("cuda")
    images = [numbered(0), numbered(1), numbered(-1), numbered(3)]
    results = at_once(engine, images, Passes(engine))
    with pytest.raises(EngineError, match="bad"):
        results.pop(2)()
    check(results, [images[0], images[1], images[3]])


def test_after_a_bug_the_next_caller_gets_his_turn() -> None:
    class Broken(StubEngine):
        def run(self, image: Tensor) -> list[Tensor]:
            raise ZeroDivisionError

    passes = Passes(Broken("cpu"))
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            passes.run(numbered(0))
