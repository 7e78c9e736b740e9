"""Asks the Vaults behind a tree's references: with a person's own token, or with a login of CI's."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cli.commands.review.known_connections import read
from cli.vaults.inspectors import inspectors
from review.findings.finding import Finding
from review.lint.judges.connection import ASSUMED
from review.lint.uses import Use
from review.lint.with_vault.facts import ask
from review.lint.with_vault.judge import MOST_BEHIND
from review.lint.with_vault.judge import judged as judged_by
from review.sources.text import NotChecked

if TYPE_CHECKING:
    from cli.commands.review.vault_options import WithVault


def judged(options: "WithVault", uses: Sequence[Use]) -> tuple[list[Finding | NotChecked], bool]:
    """Ask about the uses, and return what there is to tell, and whether Vault was missing for any of it.

    Raises `NotDoneError` for settings that cannot be meant.
    """
    names = {use.reference.connection for use in uses}
    with inspectors(options.connections, options.login) as vault_of:
        facts = ask(uses, {name: vault_of(name) for name in sorted(names)}, _policies(options.connections))
    most_behind = MOST_BEHIND if options.most_behind is None else options.most_behind
    return list(judged_by(uses, facts, most_behind)), facts.lack_vault


def _policies(file: Path | None) -> Callable[[str, str], str]:
    connections = read(file) if file is not None else {}
    return lambda connection, namespace: connections.get(connection, ASSUMED).policy(namespace)
