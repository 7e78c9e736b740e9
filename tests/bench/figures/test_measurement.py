"""Samples become rows: medians, ratios against the variants of the same round, errors that are kept."""

import pytest

from bench.figures.measurement import (
    Cell,
    Figures,
    Operation,
    Sample,
    Slice,
    Variant,
    fan_out,
    first_errors,
    in_turn,
    rows,
    slices_of,
)
from testbed.load.clients import Volley


def sample(
    p50_ms: float,
    *,
    requests: int = 10,
    per_second: float = 100.0,
    vault_requests: int = 0,
    error: str | None = None,
) -> Sample:
    return Sample(requests, p50_ms, 2 * p50_ms, per_second, int(error is not None), error, None, vault_requests)


def test_slices_are_summed_up_in_milliseconds_with_the_latencies_of_all() -> None:
    first = Slice(Volley([0.001, 0.004], 1, "500: no", 1.5), 0.3, vault_requests=3)
    second = Slice(Volley([0.002, 0.003], 0, None, 0.5), 0.2, vault_requests=2, vault_logins=1)
    assert Sample.of([first, second]) == Sample(4, 2.0, 4.0, 2.0, 1, "500: no", 125.0, 5, 1)


def test_what_nobody_answered_has_no_latency() -> None:
    found = Sample.of([Slice(Volley([], 7, "TimeoutError: ", 2.0), 0.1)])
    assert (found.p50_ms, found.p99_ms, found.per_second, found.errors) == (None, None, 0.0, 7)
    assert found.cpu_ms_each is None


@pytest.mark.parametrize(
    ("first", "begin"),
    [
        pytest.param(0, "abc bca cab", id="the first round begins with the first"),
        pytest.param(1, "bca cab abc", id="the second round begins with the second"),
    ],
)
def test_keys_take_turns_in_an_order_that_moves_on(first: int, begin: str) -> None:
    asked: list[str] = []

    def measure(key: str) -> Slice:
        asked.append(key)
        return Slice(Volley([0.001], 0, None, 1.0))

    found = in_turn("abc", first, measure)
    assert "".join(asked).startswith(begin.replace(" ", ""))
    assert {key: sample.requests for key, sample in found.items()} == dict.fromkeys("abc", 6)


def test_figures_are_medians_of_rounds_and_errors_are_sums() -> None:
    found = Figures.of(
        [sample(1.0, vault_requests=10), sample(9.0, vault_requests=30, error="first"), sample(2.0, error="second")]
    )
    assert (found.p50_ms, found.p99_ms) == (2.0, 4.0)
    assert (found.errors, found.first_error) == (2, "first")
    assert found.vault_requests_per_admission == 1.0


@pytest.mark.parametrize(
    ("keys", "slices"),
    [
        pytest.param(1, 5, id="one alone is measured in five"),
        pytest.param(2, 6, id="two begin three times each"),
        pytest.param(3, 6, id="three begin twice each"),
        pytest.param(5, 5, id="five begin once each"),
        pytest.param(6, 6, id="six begin once each"),
    ],
)
def test_every_key_begins_equally_often(keys: int, slices: int) -> None:
    began: list[int] = []
    asked = 0

    def measure(key: int) -> Slice:
        nonlocal asked
        if asked % keys == 0:
            began.append(key)
        asked += 1
        return Slice(Volley([0.001], 0, None, 1.0))

    in_turn(range(keys), 0, measure)
    assert slices_of(keys) == len(began) == slices
    assert {began.count(key) for key in range(keys)} == {slices // keys}


def test_each_row_is_compared_within_its_own_cell_and_round_with_who_is_asked_in_the_same_way() -> None:
    samples = {
        Cell(Operation.CREATE, 1, Variant.NONE): [sample(1.0), sample(2.0)],
        Cell(Operation.CREATE, 1, Variant.CONSTANT): [sample(2.0), sample(4.0)],
        Cell(Operation.CREATE, 1, Variant.KEYHOLE): [sample(3.0), sample(6.0)],
        Cell(Operation.CREATE, 1, Variant.AGGREGATED_CONSTANT): [sample(4.0), sample(8.0)],
        Cell(Operation.CREATE, 1, Variant.AGGREGATED_KEYHOLE): [sample(5.0), sample(10.0)],
        Cell(Operation.CREATE, 8, Variant.CONSTANT): [sample(100.0), sample(100.0)],
        Cell(Operation.CREATE, 8, Variant.AGGREGATED_KEYHOLE): [sample(50.0), sample(50.0)],
    }
    found = {(row.clients, row.variant): (row.times_none, row.times_constant) for row in rows(samples)}
    assert found == {
        (1, Variant.NONE): (None, None),
        (1, Variant.CONSTANT): (2.0, None),
        (1, Variant.KEYHOLE): (3.0, 1.5),
        (1, Variant.AGGREGATED_CONSTANT): (4.0, None),
        (1, Variant.AGGREGATED_KEYHOLE): (5.0, 1.25),
        (8, Variant.CONSTANT): (None, None),
        (8, Variant.AGGREGATED_KEYHOLE): (None, None),
    }


def test_a_rate_is_a_part_of_the_constant_answer_s_of_the_same_round() -> None:
    constant, keyhole = Variant.AGGREGATED_CONSTANT, Variant.AGGREGATED_KEYHOLE
    samples = {
        Cell(Operation.APPLY, 8, constant): [sample(1.0, per_second=100.0), sample(1.0, per_second=10.0)] * 2,
        Cell(Operation.APPLY, 8, keyhole): [sample(1.0, per_second=80.0), sample(1.0, per_second=8.0)] * 2,
    }
    assert {row.variant: row.rate_of_constant for row in rows(samples)} == {constant: None, keyhole: 0.8}


def test_what_vault_was_asked_in_all_is_summed_up_over_the_rounds() -> None:
    found = Figures.of([sample(1.0), sample(1.0), sample(1.0, vault_requests=1)])
    assert (found.vault_requests_per_admission, found.vault_requests) == (0.0, 1)


def test_the_far_vault_is_told_as_a_multiple_of_one_reference() -> None:
    found = fan_out(50, 10, 25.0, [sample(10.0)], [sample(15.0, vault_requests=100)])
    assert found.times_one == pytest.approx(1.5)
    assert found.many.vault_requests_per_admission == pytest.approx(10.0)


def test_first_errors_name_their_cell() -> None:
    samples = {
        Cell(Operation.APPLY, 8, Variant.KEYHOLE): [sample(1.0, error="500: no")],
        Cell(Operation.APPLY, 8, Variant.NONE): [sample(1.0)],
    }
    assert first_errors(rows(samples)) == ["re-apply, 8 clients, Keyhole: 500: no"]
