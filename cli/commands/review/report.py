"""`keyhole report`: what stands in the reports of a review and of the Enforcer."""

import json
from typing import Final

import click

_SCHEMAS: Final = ("lint", "compliance", "inventory")


@click.group()
def report() -> None:
    """Print the schemas of reports and standards, for programs that read or write them."""


@report.command(
    epilog="""\b
Examples:
  keyhole report schema > report.schema.json
  keyhole lint -o json=report.json; check-jsonschema --schemafile report.schema.json report.json
  keyhole report schema inventory > inventory.schema.json
"""
)
@click.argument("name", type=click.Choice(_SCHEMAS), default="lint")
def schema(*, name: str) -> None:
    """Print the JSON Schema of a report.

    `lint`, if no NAME is given, is `keyhole.dev/report/v1`, which `keyhole lint -o json` writes; `compliance` is
    `keyhole.dev/compliance/v1` of `keyhole enforce -o json`; `inventory` is `keyhole.dev/inventory/v1` of
    `keyhole inventory`.
    """
    click.echo(_schema(name), nl=False)


def _schema(name: str) -> str:
    if name == "inventory":
        from enforcer.facts.inventory import Inventory

        content = Inventory.model_json_schema(mode="serialization")
        return json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema", **content}, indent=2) + "\n"
    if name == "compliance":
        from enforcer.telling.json_report import SCHEMA as COMPLIANCE

        return COMPLIANCE.read_text(encoding="utf-8")
    from review.reports.json_report import SCHEMA

    return SCHEMA.read_text(encoding="utf-8")


@report.command(
    epilog="""\b
Examples:
  keyhole report standards-schema > standards.schema.json
"""
)
def standards_schema() -> None:
    """Print the JSON Schema of `keyhole.dev/standards/v1`, the file of --standards, for editors.

    It has the part of `keyhole lint` (`lint:`) and that of `keyhole enforce` (`enforce:`).
    """
    from enforcer.standards.schema import part
    from review.findings.standards_schema import text
    from review.lint.catalogue import BY_ID

    click.echo(text(BY_ID, part()), nl=False)
