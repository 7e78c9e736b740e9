"""`keyhole report`: what stands in the reports of a review."""

import click


@click.group()
def report() -> None:
    """Print the schemas of reports and standards, for programs that read or write them."""


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


@report.command(
    epilog="""\b
Examples:
  keyhole report standards-schema > standards.schema.json
"""
)
def standards_schema() -> None:
    """Print the JSON Schema of `keyhole.dev/standards/v1`, the file of `keyhole lint --standards`, for editors."""
    from review.findings.standards_schema import text
    from review.lint.catalogue import BY_ID

    click.echo(text(BY_ID), nl=False)
