"""What `keyhole tenant --vault` is told, and the policy and role that it comes to."""

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from cli.errors import tell
from manifests.kinds.known import Kinds
from provisioning import grants, vault_setup
from provisioning.policy_paths import NAMESPACE
from provisioning.target import Target
from provisioning.vault_role import TokenType
from provisioning.vault_setup import Program, VaultSetup
from resolver.references.reference import DEFAULT_CONNECTION
from resolver.vault.mounts import KvLocation

if TYPE_CHECKING:
    from provisioning.reading.documents import Document, PassedOver
    from provisioning.reading.usage import Usage

_FINDINGS = 1
_ACCESSOR = re.compile(r"[A-Za-z0-9_-]+")
_STANDARD_INPUT = Path("-")


@dataclass(frozen=True, slots=True)
class VaultOptions:
    """The options that mean something only with --vault."""

    output: Literal["commands", "hcl", "terraform"] | None
    paths: Sequence[str]
    files: Sequence[Path]
    kv: Sequence[tuple[str, int]]
    templated: bool
    accessor: str | None
    token_type: TokenType | None
    strict: bool
    program: Program | None

    def given(self) -> list[str]:
        """Return the options that were given, by name."""
        names = ("-o", "--path", "-f", "--kv", "--templated", "--accessor", "--token-type", "--strict", "--program")
        return [name for name, value in zip(names, astuple(self), strict=True) if value]


def check(options: VaultOptions, connection: str, connections: Path | None) -> None:
    """Raise `click.UsageError` for options that do not go together."""
    if connections is None and connection != DEFAULT_CONNECTION:
        raise click.UsageError("--connection needs --connections")
    if options.templated and options.files:
        raise click.UsageError(f"--templated takes --path with {NAMESPACE}, and no manifests: it is for all namespaces")
    if options.program and options.output == "terraform":
        raise click.UsageError("--program means nothing with -o terraform: Terraform's provider is the same for both")
    if options.strict and not options.files:
        raise click.UsageError("--strict means something only with -f")
    if options.accessor and not options.templated:
        raise click.UsageError("--accessor means something only with --templated")
    if options.accessor and not _ACCESSOR.fullmatch(options.accessor):
        raise click.UsageError(f"--accessor: {options.accessor!r} is not an accessor; `vault auth list` shows it")
    if not options.templated and not options.paths and not options.files:
        raise click.UsageError("give what may be read: --path, or manifests with -f, or --templated")


def setup_of(ctx: click.Context, namespace: str, known: Target, options: VaultOptions, kinds: Kinds) -> VaultSetup:
    """Return what Vault needs. Ends the command if there is a finding in the manifests.

    Raises the errors of `provisioning.errors`.
    """
    mounts = {**known.mounts, **dict(options.kv)}
    token_type = options.token_type or "service"
    if options.templated:
        if not options.paths and not mounts:
            raise click.UsageError("--templated needs --kv, or mounts in the connections file")
        shared = grants.of_every_namespace(options.paths, mounts)
        return vault_setup.for_all(known, shared, token_type, options.accessor)
    given = grants.of_paths(options.paths, mounts)
    if options.files:
        from provisioning.reading.usage import survey

        usage = survey(_documents(options.files), namespace, known.connection, kinds)
        given += _used(ctx, usage, mounts, known, namespace, strict=options.strict)
    return vault_setup.for_namespace(known, namespace, given, token_type)


def _used(
    ctx: click.Context, usage: "Usage", mounts: Mapping[str, int], known: Target, namespace: str, *, strict: bool
) -> list[KvLocation]:
    """Return where the references in manifests lead. Ends the command if there is a finding."""
    locations, findings = grants.of_usage(usage, mounts, known, namespace)
    notes = list(usage.notes)
    (findings if strict else notes).extend(usage.passed_over)
    if not locations and not findings:
        findings.append("the manifests hold no reference of this namespace to this connection")
    for kind, texts in (("note", notes), ("finding", findings)):
        for text in texts:
            tell(f"{kind}: {text}", err=True)
    if findings:
        ctx.exit(_FINDINGS)
    return locations


def _documents(files: Sequence[Path]) -> "Iterator[Document | PassedOver]":
    from provisioning.reading.documents import read_path, read_stream

    for file in files:
        if file == _STANDARD_INPUT:
            yield from read_stream(sys.stdin.buffer, "standard input")
        else:
            yield from read_path(file)
