"""Targets are judged by what was measured, whichever way that went."""

import pytest

from bench.figures.measurement import Cell, FanOut, Figures, Operation, Sample, Variant, fan_out, rows
from bench.figures.targets import Outcome, outcomes

FAR = fan_out(50, 10, 25.0, [Sample(1, 30.0, 30.0, 1, 0, None)], [Sample(1, 60.0, 60.0, 1, 0, None)])


def judged(
    *,
    p50_ms: float = 1.0,
    per_second: float = 1.0,
    vault_requests: int = 0,
    logins: int = 0,
    errors: int = 0,
    far: FanOut = FAR,
) -> dict[str, Outcome]:
    """Return the outcomes when Keyhole has these figures everywhere, all others 1 ms and one a second."""
    samples = {}
    for operation in Operation:
        for clients in (1, 8):
            for variant in operation.variants:
                ours = variant is Variant.KEYHOLE
                samples[Cell(operation, clients, variant)] = [
                    Sample(
                        100,
                        p50_ms if ours else 1.0,
                        9.0,
                        per_second if ours else 1.0,
                        errors if ours else 0,
                        None,
                        vault_requests=vault_requests if ours else 0,
                        vault_logins=logins if ours else 0,
                    )
                ]
    return {outcome.wanted: outcome for outcome in outcomes(rows(samples), far)}


def missed(found: dict[str, Outcome]) -> set[str]:
    return {wanted for wanted, outcome in found.items() if outcome.is_met is False}


CREATE = "create, 1 client: p50 at most 2 times the constant answer's"
APPLY = "re-apply, 1 client: p50 at most 1.4 times the constant answer's"
DRY_RUN = "dry run, 1 client: p50 at most 1.4 times the constant answer's"
APPLY_RATE = "re-apply, 8 clients: at least 0.7 of the constant answer's rate"
DRY_RUN_RATE = "dry run, 8 clients: at least 0.7 of the constant answer's rate"
APPLY_VAULT, DRY_RUN_VAULT = "re-apply: no Vault request at all", "dry run: no Vault request at all"
PLAIN_CREATE = "create, no reference, 1 client: p50 at most 1.1 times no webhook's"
PLAIN_APPLY = "re-apply, no reference, 1 client: p50 at most 1.1 times no webhook's"
FAR_AWAY = "create, 50 fields over 10 paths, Vault 25 ms away: p50 at most 3 times one reference's"
LOGINS, ERRORS = "no login while it was timed", "no request failed"
PLAIN = {PLAIN_CREATE, PLAIN_APPLY}


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param(judged(), set(), id="what is as good as the baselines meets every target"),
        pytest.param(judged(p50_ms=1.1, per_second=0.7), set(), id="a target is met at its limit"),
        pytest.param(judged(p50_ms=1.11), PLAIN, id="1.11 times no webhook is too slow for others' objects"),
        pytest.param(judged(p50_ms=1.41), {*PLAIN, APPLY, DRY_RUN}, id="1.41 is too slow for an unchanged object too"),
        pytest.param(judged(p50_ms=2.01), {*PLAIN, APPLY, DRY_RUN, CREATE}, id="2.01 is too slow for any"),
        pytest.param(judged(per_second=0.69), {APPLY_RATE, DRY_RUN_RATE}, id="0.69 of the rate is too little"),
        pytest.param(judged(vault_requests=1), {APPLY_VAULT, DRY_RUN_VAULT}, id="one Vault request is one too many"),
        pytest.param(judged(logins=1), {LOGINS}, id="so is a login"),
        pytest.param(judged(errors=1), {ERRORS}, id="and a failed request"),
        pytest.param(
            judged(far=fan_out(50, 10, 25.0, [Sample(1, 10.0, 1, 1, 0, None)], [Sample(1, 31.0, 1, 1, 0, None)])),
            {FAR_AWAY},
            id="ten reads that take 3.1 times one are not side by side",
        ),
    ],
)
def test_a_target_is_missed_by_what_passes_its_limit(found: dict[str, Outcome], expected: set[str]) -> None:
    assert missed(found) == expected
    assert {outcome.is_met for outcome in found.values()} <= {True, False}


def test_what_was_not_measured_is_neither_met_nor_missed() -> None:
    one = Cell(Operation.CREATE, 4, Variant.KEYHOLE)
    found = {outcome.wanted: outcome for outcome in outcomes(rows({one: [Sample(9, 1.0, 1.0, 1, 0, None)]}), FAR)}
    assert found[APPLY].is_met is None
    assert found[CREATE].told == f"target {CREATE}: -: not measured"
    assert found[ERRORS].is_met is True


def test_figures_of_no_request_have_no_outcome() -> None:
    samples = {Cell(Operation.DRY_RUN, 1, variant): [Sample(0, None, None, 0.0, 3, "500")] for variant in Variant}
    found = {outcome.wanted: outcome for outcome in outcomes(rows(samples), FAR)}
    assert Figures.of(samples[Cell(Operation.DRY_RUN, 1, Variant.KEYHOLE)]).errors == 3
    assert (found[DRY_RUN].is_met, found[ERRORS].is_met) == (None, False)


def test_the_way_through_the_aggregation_layer_is_told_beside_it_and_judges_nothing() -> None:
    samples = {
        Cell(Operation.DRY_RUN, 1, variant): [Sample(9, p50_ms, 9.0, 1.0, 0, None)]
        for variant, p50_ms in zip(Variant, (1.0, 2.0, 2.5, 3.0, 9.0), strict=True)
    }
    found = {outcome.wanted: outcome for outcome in outcomes(rows(samples), FAR)}
    assert found[DRY_RUN].told == f"target {DRY_RUN}: 1.25 (aggregated: 3.00): met"
