"""Every figure of a report stands in its table."""

import dataclasses
import io
import json

from rich.console import Console, RenderableType

from bench import admissions
from bench.figures import tables
from bench.figures.machine import Machine
from bench.figures.measurement import Cell, Operation, Sample, Variant, fan_out, rows
from bench.figures.targets import outcomes
from bench.figures.usage import Memory
from testbed.load.clients import Quota

MACHINE = Machine(2, 4.0, "Linux x86_64", "3.11.0", {"vault": "1.0.0"}, 0.25)
CLIENTS = (1, 8)
FACTORS = {Variant.NONE: 1.0, Variant.CONSTANT: 10.0, Variant.AGGREGATED_CONSTANT: 15.0}


def rendered(table: RenderableType) -> str:
    text = io.StringIO()
    Console(file=text, width=250, no_color=True).print(table)
    return text.getvalue()


def cells_of(text: str) -> set[str]:
    """Return what stands between the bars of Markdown tables."""
    return {cell.strip() for line in text.splitlines() if line.startswith("|") for cell in line.split("|")}


def fake_report(keyhole_ms: float = 12.0) -> admissions.Report:
    samples = {}
    for place, operation in enumerate(Operation, start=1):
        for clients in CLIENTS:
            for variant in operation.variants:
                factor = FACTORS.get(variant, keyhole_ms)
                base = place * factor * clients + 0.01
                errors = 3 if variant is Variant.KEYHOLE and clients == 8 else 0
                sample = Sample(
                    100, base, base + 0.02, base * 1000, errors, "500: broken" if errors else None, 0.77, 700, 4
                )
                samples[Cell(operation, clients, variant)] = [sample]
    far = fan_out(
        50,
        10,
        25.0,
        [Sample(1, 31.5, 32.5, 1, 0, None, vault_requests=1)],
        [Sample(1, 63.0, 64.5, 1, 0, None, vault_requests=10)],
    )
    measured = rows(samples)
    return admissions.Report(
        machine=MACHINE,
        settings=admissions.Settings(1, CLIENTS, Quota(1.0)),
        rows=measured,
        outcomes=outcomes(measured, far),
        memory_before={Variant.KEYHOLE: Memory(3, 111.0, 222.0)},
        memory_after={Variant.KEYHOLE: Memory(3, 333.0, 444.0), Variant.CONSTANT: None},
        far=far,
    )


def test_every_cell_of_the_admissions_is_rendered() -> None:
    report = fake_report()
    text = rendered(tables.admissions(report, markdown=True))
    shown = cells_of(text)
    # Three operations on a Secret with a reference by five, two on one without by three.
    assert len(report.rows) == (3 * 5 + 2 * 3) * len(CLIENTS)
    for row in report.rows:
        assert f"{row.figures.p50_ms:.2f}" in shown
        assert f"{row.figures.p99_ms:.2f}" in shown
        assert f"{row.figures.per_second:.0f}" in shown
        assert {str(row.operation), str(row.variant), str(row.clients), "7.00", "0.77"} <= shown
    assert {"111", "222", "333", "444", "31.50", "63.00", "2.00", "10.00", "1.00"} <= shown
    assert "error: create, 8 clients, Keyhole: 500: broken" in text
    assert MACHINE.described() in text


def test_every_target_stands_under_the_table_with_what_was_measured() -> None:
    report = fake_report(12.0)
    text = rendered(tables.admissions(report, markdown=True))
    assert "target create, 1 client: p50 at most 2 times the constant answer's: 1.20 (aggregated: 0.80): met" in text
    assert "target dry run: no Vault request at all: 1400 (aggregated: 1400): MISSED" in text
    for outcome in report.outcomes:
        assert outcome.told in text


def test_a_report_is_json() -> None:
    assert json.loads(json.dumps(dataclasses.asdict(fake_report())))["machine"]["cores"] == 2
