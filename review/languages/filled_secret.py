"""The Secret that takes the place of a foreign object: annotations with references, and no value."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import jsonpointer
import yaml

from manifests import annotations
from manifests.fields.scan import scan_object
from manifests.fields.whole import MAX_PATHS, WholePath
from manifests.kinds.secret import SECRET
from resolver.references.characters import named
from resolver.references.errors import ReferenceSyntaxError
from resolver.references.grammar import Reference, parse_value

# Kubernetes, *Secrets*, "Constraints on Secret names and data"; *Labels and Selectors*, "Syntax and character set".
_KEY: Final = re.compile(r"(?!\.{1,2}\Z)[-._a-zA-Z0-9]{1,253}")
_ANNOTATION: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")

Text = tuple[str | Reference, ...]
"""What a key consists of: texts and references, in order."""


@dataclass(frozen=True, slots=True)
class Docker:
    """A docker configuration: the JSON text of an annotation, and the references in it."""

    text: str
    references: tuple[Reference, ...]


class NotExpressible(ValueError):
    """What no manifest for Keyhole can say. `reason` quotes no text."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(slots=True)
class FilledSecret:
    """A Secret in the making. `fields` has keys with references or plain text; `whole` paths come in their order."""

    name: str
    namespace: str | None = None
    labels: Mapping[str, Any] = field(default_factory=dict)
    annotations: Mapping[str, Any] = field(default_factory=dict)
    type: str = ""
    immutable: bool = False
    finalizers: Sequence[Any] = ()
    whole: Sequence[WholePath] = ()
    fields: dict[str, Text | Docker] = field(default_factory=dict)

    def manifest(self) -> dict[str, Any]:
        """Return the manifest. Raises `NotExpressible`; a manifest that is returned was read again by our own scan."""
        if not all(isinstance(text, str) for part in (self.labels, self.annotations) for text in part.values()):
            raise NotExpressible("a label or an annotation is no text; put it in quotes")
        metadata: dict[str, Any] = {"name": self.name}
        if self.namespace:
            metadata["namespace"] = self.namespace
        if self.labels:
            metadata["labels"] = dict(self.labels)
        filled, plain = self._parts()
        if notes := {**self.annotations, **filled}:
            metadata["annotations"] = notes
        if self.finalizers:
            metadata["finalizers"] = list(self.finalizers)
        manifest: dict[str, Any] = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata}
        if self.type:
            manifest["type"] = self.type
        if self.immutable:
            manifest["immutable"] = True
        if plain:
            manifest["stringData"] = plain
        self._prove(manifest)
        return manifest

    @property
    def references(self) -> int:
        """How many references the Secret has; a whole path counts as one."""
        return len(self.whole) + sum(len(_references(text)) for text in self.fields.values())

    def _parts(self) -> tuple[dict[str, str], dict[str, str]]:
        """Return the annotations that fill keys, and the keys with plain text."""
        notes: dict[str, str] = {}
        plain: dict[str, str] = {}
        whole = tuple(dict.fromkeys(reversed(self.whole)))[::-1]  # of several the last one counts
        if len(whole) > MAX_PATHS:
            raise NotExpressible(f"more than {MAX_PATHS} whole secrets")
        if whole:
            notes[annotations.FROM] = ", ".join(str(path).removeprefix("vault:") for path in whole)
        for key, text in self.fields.items():
            if not _KEY.fullmatch(key):
                raise NotExpressible(f"{named(key)} is no name that a key of a Secret can have")
            if isinstance(text, tuple) and not _references(text):
                plain[key] = "".join(map(str, text))
        return {**notes, **filling({key: text for key, text in self.fields.items() if key not in plain})}, plain

    def _prove(self, manifest: Mapping[str, Any]) -> None:
        """Read the manifest as admission would, and compare."""
        scan = scan_object(SECRET, SECRET.as_admitted(manifest))
        if scan.problems:
            raise NotExpressible(_without_quotes(scan.problems[0].message))
        found = {wanted.key: Counter(wanted.template.references) for wanted in scan.wanted}
        meant = {key: Counter(_references(text)) for key, text in self.fields.items()}
        if found != {key: references for key, references in meant.items() if references}:
            raise NotExpressible("a text in it reads as a reference")
        if len(scan.whole) != len(set(self.whole)):
            raise NotExpressible("a path in it reads as another one")


def _without_quotes(message: str) -> str:
    return message.partition(", in '")[0]


def filling(fields: Mapping[str, Text | Docker]) -> dict[str, str]:
    """Return the annotations that fill keys: one for each, but a map for names that no annotation can have.

    Raises `NotExpressible`.
    """
    notes: dict[str, str] = {}
    mapped: dict[str, str] = {}
    for key, text in fields.items():
        if _ANNOTATION.fullmatch(key):
            notes[f"{annotations.DATA_PREFIX}{key}"] = written(text)
        else:
            mapped[f"/data/{jsonpointer.escape(key)}"] = written(text)
    if mapped:
        notes[annotations.FIELDS] = yaml.safe_dump(mapped, allow_unicode=True, width=10**6, sort_keys=False)
    return notes


def _references(text: Text | Docker) -> Sequence[Reference]:
    return text.references if isinstance(text, Docker) else [part for part in text if isinstance(part, Reference)]


def written(text: Text | Docker) -> str:
    """Return the text of an annotation. Raises `NotExpressible` if it would be read as something else."""
    if isinstance(text, Docker):
        return text.text
    try:
        only = text[0] if len(text) == 1 else None
        result = str(only) if only is not None else "".join(_inline(part) for part in text)
        pieces = tuple(parse_value(result).pieces())
    except (ValueError, ReferenceSyntaxError) as error:
        raise NotExpressible(_why(error)) from None
    if pieces != text:
        raise NotExpressible("a text in it reads as a reference")
    return result


def _inline(part: str | Reference) -> str:
    return part if isinstance(part, str) else f"(({part}))"


def _why(error: Exception) -> str:
    if isinstance(error, ReferenceSyntaxError):
        return error.describe(show_text=False)
    return str(error)
