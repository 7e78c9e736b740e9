"""`keyhole report`: what stands in the reports of a review."""

import click


@click.group()
def report() -> None:
    """Say what stands in a report in JSON, for programs that read one."""


@report.command(
    epilog="""\b
Examples:
  keyhole report schema > report.schema.json
  keyhole lint -o json=report.json; check-jsonschema --schemafile report.schema.json report.json
"""
)
def schema() -> None:
    """Print the JSON Schema of `keyhole.dev/report/v1`, which `keyhole lint -o json` writes."""
    from review.reports.json_report import SCHEMA

    click.echo(SCHEMA.read_text(encoding="utf-8"), nl=False)
