"""What fills a field: a text with references in it, or a document that has them in certain places."""

from collections.abc import Mapping
from typing import ClassVar, Protocol

from resolver.causes import Cause
from resolver.errors import ResolverError
from resolver.references.grammar import Reference
from resolver.references.value import SecretValue


class FieldTemplate(Protocol):
    """A field's text, with references in it; `Template` is one."""

    @property
    def references(self) -> tuple[Reference, ...]:
        """Every reference, in the order of the text, repeated ones repeated."""
        ...

    def render(self, values: Mapping[Reference, SecretValue]) -> SecretValue:
        """Put the values where the references stand; raises `ResolverError`."""
        ...


class TemplateError(ValueError):
    """A text whose references stand where they cannot be resolved; `problem` quotes nothing of it."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


class ValueNotText(ResolverError):
    """A value cannot stand where text is needed."""

    cause: ClassVar[Cause] = Cause.VALUE_NOT_TEXT

    def __init__(self) -> None:
        super().__init__("the value from Vault is not UTF-8 text, which JSON needs")
