"""What is made of the samples of the other forms."""

from bench.figures.measurement import Operation, Sample, Variant
from bench.forms import FormCell, outcomes, rows
from testbed.load.forms import FORMS

VARIABLE = next(form for form in FORMS if form.resource == "deployments")


def sample(p50_ms: float, vault_requests: int = 0, errors: int = 0) -> Sample:
    return Sample(100, p50_ms, p50_ms, 1000 / p50_ms, errors, None, None, vault_requests)


def measured(constant_ms: float, keyhole_ms: float, vault_requests: int = 0) -> list[str]:
    cells = {
        variant: FormCell(VARIABLE, Operation.CREATE, 1, variant) for variant in (Variant.CONSTANT, Variant.KEYHOLE)
    }
    found = rows(
        {
            cells[Variant.CONSTANT]: [sample(constant_ms)],
            cells[Variant.KEYHOLE]: [sample(keyhole_ms, vault_requests)],
        }
    )
    return [outcome.told.rpartition(": ")[2] for outcome in outcomes(found)]


def test_a_variable_may_cost_a_third_more_than_a_constant_answer() -> None:
    assert measured(10, 13)[0] == "met"
    assert measured(10, 13.1)[0] == "MISSED"


def test_a_variable_must_ask_vault_for_nothing() -> None:
    assert measured(10, 10)[1] == "met"
    assert measured(10, 10, vault_requests=1)[1] == "MISSED"


def test_what_was_not_measured_is_not_met() -> None:
    assert [outcome.is_met for outcome in outcomes([])] == [None, None, None, None]


def test_a_form_is_filled_when_its_last_place_is() -> None:
    for form in FORMS:
        assert not form.is_filled(form.named("here", "one"))
    env = [{"name": "PASSWORD"}]
    manifest = VARIABLE.named("here", "one")
    template = manifest["spec"]["template"]
    filled = {**template, "spec": {"containers": [{**template["spec"]["containers"][0], "env": env}]}}
    assert VARIABLE.is_filled({**manifest, "spec": {**manifest["spec"], "template": filled}})
