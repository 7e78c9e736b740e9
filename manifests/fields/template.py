"""What fills a field: a text with references in it, or a document with references in certain places."""

from collections.abc import Mapping
from typing import ClassVar, Protocol

from resolver.causes import Cause
from resolver.errors import ResolverError
from resolver.references.grammar import Reference
from resolver.references.value import SecretValue


class FieldTemplate(Protocol):
    """The text of a field, with its references. `resolver.references.grammar.Template` is one."""

    @property
    def references(self) -> tuple[Reference, ...]:
        """All references in the order of the text. One that is used twice is there twice."""
        ...

    def render(self, values: Mapping[Reference, SecretValue]) -> SecretValue:
        """Return the text with a value in place of each reference; raises `ResolverError`."""
        ...


class TemplateError(ValueError):
    """The text has references in places where no value can be filled in. `problem` quotes nothing of the text."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


class ValueNotText(ResolverError):
    """The value is not text, and the field needs text."""

    cause: ClassVar[Cause] = Cause.VALUE_NOT_TEXT

    def __init__(self) -> None:
        super().__init__("the value from Vault is not UTF-8 text, and nothing else can be written here")
