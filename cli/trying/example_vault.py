"""A file of example values in place of Vault, and what stands in for the rest that an admission asks.

The file is a YAML map: a path such as `secret/shop/database`, and below it its fields.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from kube.access import SECRETS, Subject
from kube.namespaces import OptedIn
from resolver.budget import Budget
from resolver.connections import bounded_file
from resolver.deadline import Deadline
from resolver.errors import ResolverError
from resolver.opening import Opened
from resolver.references import paths, yamltext
from resolver.references.errors import MissingField
from resolver.references.evaluation import Evaluation, evaluate
from resolver.references.grammar import Reference
from resolver.references.value import SecretValue
from resolver.resolve import Outcome, Resolved
from resolver.vault.errors import SecretNotFound

_MOST_BYTES: Final = 1024 * 1024
_VERSION: Final = 1
_REQUEST: Final = "none: no Vault was asked"


class ValuesError(ValueError):
    """A file of example values that cannot be used. Says why; contains no value."""


@dataclass(frozen=True, slots=True)
class ExampleVault:
    """Answers with the values of a file; without one, each field has a value that is made of its name."""

    secrets: Mapping[str, Mapping[str, SecretValue]] | None = field(default=None, repr=False)

    def resolve(
        self, references: Iterable[Reference], namespace: str, deadline: Deadline
    ) -> Mapping[Reference, Outcome]:
        """Return the value or the error of each reference, as `resolver.resolve.Resolver` does."""
        evaluation = Evaluation.within(Budget(namespace, deadline))
        return {each: self._outcome(each, evaluation) for each in references}

    def refresh_seconds(self, references: Iterable[Reference]) -> float:  # noqa: ARG002 - the protocol's
        """Return 0: nothing is kept from one object to the next."""
        return 0.0

    def _outcome(self, reference: Reference, evaluation: Evaluation) -> Outcome:
        location = _location(reference.path)
        fields = self._fields(location, reference.field)
        if fields is None:
            return SecretNotFound(location, reference.version, deleted=False)
        if not reference.field:
            return Opened(fields, _VERSION, _REQUEST)
        try:
            value = evaluate(reference, fields.get(reference.field), evaluation, (location, reference.field))
        except (MissingField, ResolverError) as error:
            return error
        return Resolved(value, reference.version or _VERSION, _REQUEST)

    def _fields(self, location: str, name: str) -> Mapping[str, SecretValue] | None:
        if self.secrets is not None:
            return self.secrets.get(location)
        # Which fields a whole secret has cannot be made up.
        return {name: SecretValue(f"example-{name}")} if name else None


class EveryoneMay:
    """Every namespace has opted in, to variables too, and everybody may read every object."""

    @staticmethod
    def is_enabled(namespace: str, timeout_seconds: float) -> bool:  # noqa: ARG004 - the protocol's
        """Return True."""
        return True

    @staticmethod
    def opted_in(namespace: str, timeout_seconds: float) -> OptedIn:  # noqa: ARG004
        """Return both."""
        return OptedIn(is_enabled=True, has_variables=True)

    @staticmethod
    def may_get(
        subject: Subject,  # noqa: ARG004
        namespace: str,  # noqa: ARG004
        name: str,  # noqa: ARG004
        timeout_seconds: float,  # noqa: ARG004
        resource: tuple[str, str] = SECRETS,  # noqa: ARG004
    ) -> bool:
        """Return True."""
        return True


def read(file: Path) -> ExampleVault:
    """Read a file of example values. Raises `ValuesError`."""
    try:
        documents = yamltext.parse(bounded_file.read_bytes(file, _MOST_BYTES))
    except OSError as error:
        raise ValuesError(f"it cannot be read: {error.strerror}") from None
    except (bounded_file.TooLarge, yamltext.YamlTextError) as error:
        raise ValuesError(str(error)) from None
    content = documents[0] if len(documents) == 1 else None
    if not isinstance(content, dict):
        raise ValuesError("it is no map from paths to fields")
    return ExampleVault({_checked(path): _values(path, fields) for path, fields in content.items()})


def _checked(path: Any) -> str:
    try:
        paths.check(str(path))
    except paths.PathError as error:
        raise ValuesError(f"{path!r} is no path: {error.reason}") from None
    return _location(str(path))


def _values(path: Any, fields: Any) -> Mapping[str, SecretValue]:
    if not isinstance(fields, dict):
        raise ValuesError(f"{path}: it has no map of fields")
    if not all(isinstance(name, str) for name in fields):
        raise ValuesError(f"{path}: the name of a field is no text (`on`, say); put it in quotes")
    # As Vault's own values are taken: texts as they are, everything else as JSON, and null counts as missing.
    texts = {
        name: value if isinstance(value, str) else json.dumps(value, separators=(",", ":"), ensure_ascii=False)
        for name, value in fields.items()
        if value is not None
    }
    return {name: SecretValue(text) for name, text in texts.items()}


def _location(path: str) -> str:
    """Return a path without the `data/` that Vault's HTTP API has behind the mount."""
    mount, _, rest = path.partition("/")
    return f"{mount}/{rest.removeprefix('data/')}"
