"""What every language of another tool is asked, and what it answers. Pure: no file is read, and nobody is asked.

A language is a module with these three:

- `NAME`: how people write it after `--from`.
- `facts(manifest)`: what an object says about others, such as a store; yielded in a first pass over all objects.
- `convert(manifest, context)`: the edits that turn an object into Keyhole's form, or None if it has nothing of the
  language. What cannot be converted is told, and its text stays as it is.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from review.lint.objects import Manifest
from review.sources.edits import Edit
from review.sources.nodes import Path


@dataclass(frozen=True, slots=True)
class Told:
    """Something that is not converted, or that a person has to see to. `path` is where, in the object.

    `message` quotes references and names of keys, and never the text of a field.
    """

    path: Path
    message: str


@dataclass(frozen=True, slots=True)
class Conversion:
    """What becomes of one object. `edits` have paths in the object; `references` counts what they convert.

    `stanzas` are connections that the administrator has to configure, by their names, as the map of such an entry.
    """

    language: str
    edits: Sequence[Edit] = ()
    told: Sequence[Told] = ()
    references: int = 0
    stanzas: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Fact:
    """What one object says about others: `key` names it for whoever asks, such as `SecretStore/shop/vault`."""

    key: str
    value: Any = field(repr=False)


@dataclass(frozen=True, slots=True)
class Context:
    """What is known beyond the object itself.

    `stores` are the facts of all objects by their keys. `mappings` are those of `--map`, from the name of a store to a
    connection and a mount (`CONNECTION/MOUNT`). `keys_at` gives the names of the fields at a path of a connection, or
    None if they are not known. With `canonical`, a path loses the `data/` that KV v2's HTTP API has in it.
    `certain` is set where
    only a hint is wanted (lint): facts are not known then, and what may as well be Keyhole's own form is left out.
    """

    stores: Mapping[str, Any] = field(default_factory=dict)
    mappings: Mapping[str, str] = field(default_factory=dict)
    keys_at: Callable[[str, str], Sequence[str] | None] = lambda _connection, _path: None
    canonical: bool = False
    certain: bool = False


class Language(Protocol):
    """A module of this room."""

    @property
    def NAME(self) -> str:  # noqa: N802 - a constant of the module
        """How people write the language after `--from`."""

    def facts(self, manifest: Manifest, /) -> Iterable[Fact]:
        """Yield what the object says about others."""

    def convert(self, manifest: Manifest, context: Context, /) -> Conversion | None:
        """Return what becomes of the object; None if it has nothing of this language."""
