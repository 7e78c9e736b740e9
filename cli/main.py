"""The `keyhole` command. Exit codes: 0 done, 1 findings (something is wrong with what was asked about), 2 usage."""

from collections.abc import Mapping
from typing import Final

import click

from cli.late_group import Late, LateGroup
from cli.version import VERSION

COMMANDS: Final[Mapping[str, Late]] = {
    "audit": Late("cli.commands.audit", "Check the audit trail that the webhook writes."),
    "certs": Late("cli.commands.certs", "Issue and inspect the certificates that a webhook serves with."),
    "changes": Late(
        "cli.commands.changes.changes",
        "Show what changed: which fields got another reference or version, who did it, and by which commit.",
        "changes",
    ),
    "completion": Late(
        "cli.commands.completion",
        "Print a script for SHELL that completes commands, options and file names of `keyhole`.",
    ),
    "connections": Late("cli.commands.connections", "Check the file that says which Vault Keyhole asks, and as whom."),
    "controller": Late(
        "cli.commands.controller",
        "Make and rotate the record key; follow Vault, make Secrets for variables and issue certificates if asked to.",
        "server",
    ),
    "enforce": Late(
        "cli.commands.enforcing.enforce",
        "Check whether what is deployed meets the standards, and tell what does not.",
        "cluster",
    ),
    "exec": Late("cli.commands.rendering.exec", "Run a program with values in its environment.", "cluster"),
    "inventory": Late(
        "cli.commands.enforcing.inventory",
        "Print what is deployed, as facts without values: for `keyhole enforce`, for OPA, for a second opinion.",
        "cluster",
    ),
    "key": Late("cli.commands.keys.key", "Rotate the key that signs the records, and show its state.", "cluster"),
    "lint": Late(
        "cli.commands.review.lint",
        "Check manifests for references that cannot work, and for secrets in plain text.",
        "cluster",
        "--vault",
    ),
    "manifests": Late("cli.commands.manifests", "Print the manifests that register the webhook with an API server."),
    "migrate": Late(
        "cli.commands.review.migrate",
        "Convert the references of other tools to Keyhole's, in the files where they stand.",
        "cluster",
        "--vault",
    ),
    "page": Late(
        "cli.commands.changes.page",
        "Show what changed, who did it and which commit says so, as a page for a browser.",
        "page",
    ),
    "probe": Late("cli.commands.probe", "Ask the API server whether Keyhole answers it.", "cluster"),
    "refresh": Late("cli.commands.refresh", "Have objects take the values that Vault has now.", "cluster"),
    "render": Late("cli.commands.rendering.render", "Write a file with values in place of its references.", "cluster"),
    "report": Late(
        "cli.commands.review.report",
        "Print the schemas of reports and standards, for programs that read or write them.",
    ),
    "resolve": Late("cli.commands.resolve", "Show what a reference resolves to.", "cluster"),
    "serve": Late("cli.commands.serve", "Serve admissions until SIGTERM.", "server"),
    "status": Late(
        "cli.commands.status", "Show which version of each secret the cluster has, and which one Vault has.", "cluster"
    ),
    "tenant": Late("cli.commands.tenant", "Print what a namespace needs so that Keyhole serves it."),
    "try": Late(
        "cli.commands.rendering.try_",
        "Show what would become of manifests, with example values and without any server.",
        "server",
    ),
}


@click.group(
    cls=LateGroup,
    late=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Each command has examples: keyhole COMMAND --help",
)
@click.version_option(VERSION, prog_name="keyhole")
def main() -> None:
    """Turn references to HashiCorp Vault into values, when Kubernetes manifests are applied."""
