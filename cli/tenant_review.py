"""`keyhole tenant --review`: what CI needs in Vault for `keyhole lint --vault`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any

import click

from cli.tenant_vault import VaultOptions
from provisioning.reviewing.ci import Provider
from provisioning.reviewing.setup import for_review
from provisioning.target import Target
from provisioning.vault_setup import VaultSetup

_OF_TENANTS = ("--path", "-f", "--templated", "--accessor", "--strict")
_OF_BUNDLES = ("vault", "vault_only", "restarts", "variables", "kinds", "guard_accounts")


@dataclass(frozen=True, slots=True)
class ReviewOptions:
    """Whose jobs may log in, and where."""

    ci: Provider
    repository: str
    auth_mount: str | None

    def setup(self, known: Target, options: VaultOptions) -> VaultSetup:
        """Return the policy and the role. Raises the errors of `provisioning.errors`."""
        mounts: Mapping[str, int] = {**known.mounts, **dict(options.kv)}
        return for_review(
            known,
            mounts,
            self.ci,
            self.repository,
            auth_mount=self.auth_mount,
            token_type=options.token_type or "service",
            program=options.program or "vault",
        )


def review_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options; the command gets `ReviewOptions` or None as `review`. Raises `click.UsageError`."""

    @click.option(
        "--review",
        is_flag=True,
        help="Print what CI needs in Vault for `keyhole lint --vault`, in place of what a namespace needs: a role for "
        "the jobs of a repository, and a policy by which they see names and versions, and no value.",
    )
    @click.option(
        "--ci", type=click.Choice(["github", "gitlab"]), help="With --review: whose jobs they are.  [default: github]"
    )
    @click.option("--repository", metavar="OWNER/NAME", help="With --review: the repository whose jobs may log in.")
    @click.option(
        "--auth-mount",
        metavar="MOUNT",
        help="With --review: where Vault verifies the jobs' JWTs.  [default: the name of the CI]",
    )
    @wraps(command)
    def with_options(
        *args: Any,
        review: bool,
        ci: Provider | None,
        repository: str | None,
        auth_mount: str | None,
        **others: Any,
    ) -> Any:
        given = {"--ci": ci, "--repository": repository, "--auth-mount": auth_mount}
        if not review and any(given.values()):
            raise click.UsageError(f"only with --review: {', '.join(name for name, value in given.items() if value)}")
        if review and not repository:
            raise click.UsageError("--review needs --repository: without it, every job of the CI could log in")
        found = ReviewOptions(ci or "github", repository, auth_mount) if review and repository else None
        return command(*args, review=found, **others)

    return with_options


def check_alone(what: str, ctx: click.Context, options: VaultOptions, *more: str) -> None:
    """Raise `click.UsageError` for what means nothing with `what`, which is about something else than a namespace.

    `more` are parameters of the command that mean nothing with it either.
    """
    given = {name: name.upper() if name == "namespace" else f"--{name.replace('_', '-')}" for name in more}
    given |= {name: f"--{name.replace('_', '-')}" for name in _OF_BUNDLES}
    wrong = [told for name, told in given.items() if ctx.params[name]]
    wrong += [name for name in options.given() if name in _OF_TENANTS]
    if wrong:
        raise click.UsageError(f"not with {what}: {', '.join(wrong)}")
