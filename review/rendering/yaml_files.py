"""What a YAML document is for, where that decides how a value is written, or that none may be."""

from collections.abc import Collection, Mapping
from enum import Enum, auto
from itertools import pairwise
from typing import Final

from review.rendering.dotenv import BRACES
from review.sources.nodes import Path

_ANNOTATIONS: Final = ("metadata", "annotations")
_ANNOTATED: Final = "an annotation, which anybody may read: Keyhole fills this object when it is applied"
_ENCODED: Final = "`data` is base64: write the reference into `stringData`, or have Keyhole fill the object"
# Compose specification, *Top-level elements*, and what a service is made of.
_AT_THE_TOP: Final = frozenset(
    {"version", "name", "services", "networks", "volumes", "configs", "secrets", "include", "models"}
)
_OF_COMPOSE_ALONE: Final = frozenset({"image", "build"})
MAP, LIST = "{", "["
"""What stand for the value of a key at the top that is a map, or a list."""


class Kind(Enum):
    """What a document is for."""

    CLOUD_FOUNDRY = auto()
    COMPOSE = auto()
    SECRET = auto()
    KUBERNETES = auto()
    OTHER = auto()

    def bars(self, path: Path, text: str) -> str:
        """Return why no reference may stand at a path, or nothing."""
        if self is Kind.COMPOSE:
            return BRACES if "${vault" in text else ""
        if self is Kind.SECRET and path[0] == "data":
            return _ENCODED
        is_object = self in {Kind.SECRET, Kind.KUBERNETES}
        return _ANNOTATED if is_object and _ANNOTATIONS in pairwise(path) else ""

    def is_name(self, path: Path) -> bool:
        """Return whether a path leads to the name of an image, where `vault:1.21` is one and no reference."""
        return self is Kind.COMPOSE and path[-1:] == ("image",)

    def inserted(self, value: str) -> str:
        """Return what is inserted for a value. Compose replaces variables in every text; `$$` is a `$` for it."""
        return value.replace("$", "$$") if self is Kind.COMPOSE else value


def kind_of(top: Mapping[str, str], of_services: Collection[str] = ()) -> Kind:
    """Return what a document is for, by the keys at its top (their texts, `MAP` or `LIST`) and those of its services.

    In doubt it is no Compose file: other programs have a map `services` too, and take a dollar as it is.
    """
    if "apiVersion" in top and "kind" in top:
        return Kind.SECRET if (top["apiVersion"], top["kind"]) == ("v1", "Secret") else Kind.KUBERNETES
    if top.get("applications") == LIST:
        return Kind.CLOUD_FOUNDRY
    is_compose = top.get("services") == MAP and not _OF_COMPOSE_ALONE.isdisjoint(of_services)
    has_others = any(key not in _AT_THE_TOP and not key.startswith("x-") for key in top)
    return Kind.COMPOSE if is_compose and not has_others else Kind.OTHER
