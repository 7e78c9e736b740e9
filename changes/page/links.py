"""The addresses of views. Pure. What an address cannot hold gets none, and its text stands there without a link."""

import functools
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote, urlencode

from changes.page.asked import fits
from changes.told import ToldObject

_MOST_REMEMBERED: Final = 4096
_UNFIT_SEGMENTS: Final = frozenset({"", ".", ".."})


@functools.lru_cache(_MOST_REMEMBERED)
def segment(text: str) -> str:
    """Return a text as one segment of a path, empty if it cannot be one."""
    return "" if text in _UNFIT_SEGMENTS or "/" in text or not fits(text) else quote(text, safe="")


def path(*texts: str) -> str:
    """Return the address with these segments, empty if one of them cannot be one."""
    segments = [segment(text) for text in texts]
    return "/" + "/".join(segments) if all(segments) else ""


def query(base: str, parameters: Mapping[str, str]) -> str:
    """Return an address with a query; empty if a text does not fit into one."""
    if not all(fits(text) for text in parameters.values()):
        return ""
    return f"{base}?{urlencode(parameters, quote_via=quote)}" if parameters else base


def of_object(about: ToldObject) -> str:
    """Return where an object's whole history stands."""
    base = path("object", about.namespace, about.kind, about.name)
    return query(base, {"group": about.group} if about.group else {}) if base else ""


def of_namespace(name: str) -> str:
    """Return where a namespace's view is."""
    return path("namespace", name)


@functools.lru_cache(_MOST_REMEMBERED)
def of_person(name: str) -> str:
    """Return where everything stands that a requester has changed."""
    return query("/person", {"name": name})


def of_commit(repository: str, commit: str) -> str:
    """Return where everything stands that a commit has changed in the cluster."""
    return path("commit", repository, commit)


@functools.lru_cache(_MOST_REMEMBERED)
def of_reference(text: str) -> str:
    """Return the changes that have this reference, before or after."""
    return query("/", {"reference": text})


def of_kind(name: str) -> str:
    """Return the changes of objects of a kind."""
    return query("/", {"kind": name})
