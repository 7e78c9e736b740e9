"""The values of the references in one call of `keyhole render` or `keyhole exec`, and what can be told of them."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from cli.commands.rendering.value_options import Identity
from cli.errors import tell

if TYPE_CHECKING:
    from resolver.references.reference import Reference
    from resolver.resolve import Resolved

_DEADLINE_SECONDS: Final = 30.0
SUMMARY: Final = "keyhole.dev/values/v1"


class NoValues(Exception):
    """Some references have no value. `problems` says which and why, a line each, without a value."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Values:
    """The values of references, asked for in one go, and what can be told of them."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity
        self._found: dict[Reference, Resolved] = {}

    def __call__(self, references: Sequence["Reference"]) -> Mapping["Reference", str]:
        """Return the value of each reference. Raises `NoValues`, `NotDoneError` or `click.UsageError`."""
        # Late: what asks Vault takes longer to import than most programs to start.
        from cli.commands.rendering.vault_values import resolver as resolver_of
        from resolver.deadline import Deadline
        from resolver.errors import ResolverError
        from resolver.references.value import NotText
        from resolver.resolve import Resolved

        resolver = resolver_of(self._identity, references)
        try:
            outcomes = resolver.resolve(references, self._identity.tenant or "", Deadline.after(_DEADLINE_SECONDS))
        finally:
            resolver.close()
        problems: list[str] = []
        texts: dict[Reference, str] = {}
        for reference, outcome in outcomes.items():
            if isinstance(outcome, ResolverError):
                problems.append(f"{outcome.cause}: {outcome.message}")
                continue
            assert isinstance(outcome, Resolved)  # noqa: S101 - each of these references has a field
            self._found[reference] = outcome
            try:
                texts[reference] = outcome.value.reveal_text()
            except NotText:
                problems.append(f"`{reference.shown}`: the value is not UTF-8 text; ask for it with `| base64`")
        if problems:
            raise NoValues(list(dict.fromkeys(problems)))
        return texts

    @property
    def are_none(self) -> bool:
        """Whether nothing was asked for, because there was no reference."""
        return not self._found

    def tell(self) -> None:
        """Say on standard error which references were used, at which version."""
        for reference, found in self._found.items():
            tell(f"{reference.shown}: {_version(found)}", err=True)

    def summary(self) -> str:
        """Return the same as JSON, with Vault's id of each request, as its audit log has it."""
        used = [
            {"reference": reference.shown, "version": found.version, "requestId": found.request_id}
            for reference, found in self._found.items()
        ]
        return json.dumps({"version": SUMMARY, "tenant": self._identity.tenant, "references": used}, indent=2) + "\n"


def _version(found: "Resolved") -> str:
    return "the mount has no versions" if found.version is None else f"version {found.version}"
