"""The figures that the benchmark derives from samples."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.figures.statistics import median_of, median_ratio, percentile

TEN = [7.0, 1.0, 10.0, 3.0, 5.0, 9.0, 2.0, 8.0, 4.0, 6.0]


@pytest.mark.parametrize(
    ("samples", "percent", "expected"),
    [
        pytest.param([4.0], 50, 4.0, id="the median of one sample is that sample"),
        pytest.param([4.0], 99, 4.0, id="every percentile of one sample is that sample"),
        pytest.param([2.0, 1.0], 50, 1.0, id="half of two samples is the smaller one"),
        pytest.param([2.0, 1.0], 51, 2.0, id="more than half of two samples is the larger one"),
        pytest.param(TEN, 50, 5.0, id="the order of the samples does not matter"),
        pytest.param(TEN, 90, 9.0, id="a rank that is a whole number is that rank"),
        pytest.param(TEN, 91, 10.0, id="a rank that is none is rounded up"),
        pytest.param(TEN, 100, 10.0, id="the hundredth percentile is the largest sample"),
        pytest.param(list(map(float, range(1, 1001))), 99, 990.0, id="p99 of a thousand leaves ten above"),
    ],
)
def test_percentile(samples: Sequence[float], percent: float, expected: float) -> None:
    assert percentile(samples, percent) == expected


@pytest.mark.parametrize(
    ("samples", "percent"),
    [
        pytest.param([], 50, id="there are no samples"),
        pytest.param([1.0], 0, id="the percentage is 0"),
        pytest.param([1.0], 100.1, id="the percentage is above 100"),
    ],
)
def test_a_percentile_that_means_nothing_is_refused(samples: Sequence[float], percent: float) -> None:
    with pytest.raises(ValueError):
        percentile(samples, percent)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=50), st.floats(0.1, 100))
def test_at_least_that_part_of_the_samples_lies_at_or_below_a_percentile(samples: list[float], percent: float) -> None:
    found = percentile(samples, percent)
    assert found in samples
    below = sum(sample <= found for sample in samples)
    assert below >= len(samples) * percent / 100
    smaller = [sample for sample in samples if sample < found]
    assert len(smaller) < len(samples) * percent / 100


@pytest.mark.parametrize(
    ("figures", "expected"),
    [
        pytest.param([3.0, 1.0, 2.0], 2.0, id="the middle one of three"),
        pytest.param([1.0, 4.0], 2.5, id="the mean of the middle two"),
        pytest.param([None, 1.0, None], 1.0, id="rounds without a figure do not count"),
        pytest.param([None, None], None, id="no figures, no median"),
        pytest.param([], None, id="no rounds, no median"),
    ],
)
def test_median(figures: Sequence[float | None], expected: float | None) -> None:
    assert median_of(figures) == expected


@pytest.mark.parametrize(
    ("figures", "bases", "expected"),
    [
        pytest.param([2.0, 30.0, 4.0], [1.0, 10.0, 2.0], 2.0, id="each round is divided by its own base"),
        pytest.param([9.0, 1.0, 1.0], [9.0, 9.0, 1.0], 1.0, id="not the ratio of the medians, which is a ninth"),
        pytest.param([2.0, None, 8.0], [1.0, 1.0, None], 2.0, id="a round with one side missing does not count"),
        pytest.param([2.0, 3.0], [0.0, 1.0], 3.0, id="a base of zero does not count"),
        pytest.param([None], [1.0], None, id="nothing left, no ratio"),
    ],
)
def test_ratio(figures: Sequence[float | None], bases: Sequence[float | None], expected: float | None) -> None:
    assert median_ratio(figures, bases) == expected


def test_a_ratio_of_different_numbers_of_rounds_is_refused() -> None:
    with pytest.raises(ValueError):
        median_ratio([1.0], [1.0, 2.0])
