"""Predictors that never look at the photo."""

from __future__ import annotations

import numpy as np
import pytest

from core.data import Sample
from core.evaluate.baselines import training_statistics
from core.evaluate.protocol import Protocol

PROTOCOL = Protocol("test", max_depth=20.0)


def frame(depth: list[list[float]]) -> Sample:
    array = np.array(depth, np.float32)
    return Sample(np.zeros((*array.shape, 3), np.uint8), array, 1.0, 1.0, 0.0, 0.0, "frame")


def test_statistics_by_hand() -> None:
    # Rows: never measured; 1, 4, 4 and 4 m; 2 and 8 m. The 30 m lie beyond the protocol.
    statistics = training_statistics(
        [frame([[0, 0], [1, 4], [2, 0]]), frame([[0, 30], [4, 4], [8, 0]])], PROTOCOL
    )
    assert statistics.frames == 2
    # (1 * 4 * 4 * 4 * 2 * 8)^(1/6) = 1024^(1/6) = 2^(10/6)
    assert statistics.constant == pytest.approx(2 ** (10 / 6))
    # The unmeasured row takes its neighbour's value.
    np.testing.assert_allclose(statistics.row_mean, [3.25, 3.25, 5.0])
    np.testing.assert_allclose(statistics.row_median, [4.0, 4.0, 2.0], rtol=0.005)
    np.testing.assert_allclose(statistics.mean_map, [[3.25, 3.25], [2.5, 4.0], [5.0, 5.0]])
    # Row 1: sqrt(1 * 4) = 2 and 4; row 2: sqrt(2 * 8) = 4; row 0: the mean of row 1's four
    # logarithms, (4 * 4 * 4)^(1/4) = 2^1.5.
    expected = [[2**1.5, 2**1.5], [2.0, 4.0], [4.0, 4.0]]
    np.testing.assert_allclose(statistics.geometric_map, expected)
