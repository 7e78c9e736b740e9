"""Annotations: where one stands, what their names mean, and which of them nobody writes but Keyhole."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from manifests import annotations
from manifests.variables import names as of_variables
from review.findings.finding import Finding
from review.lint.catalogue import COPIED, NO_SUCH_NAME, REFUSED, UNKNOWN_NAME
from review.lint.forms.seen import NOTES
from review.lint.objects import Manifest, named
from review.sources.nodes import Path

# The part of an annotation's name behind the slash (Kubernetes, *Labels and Selectors*, syntax).
_NAME: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
_MAPS: Final = frozenset({annotations.FIELDS, annotations.ENV})
_WRITTEN: Final = (
    *(annotations.FIELDS, annotations.FROM, annotations.IGNORE, annotations.FOLLOW, annotations.RESTART),
    *(annotations.REFRESH, annotations.ENV, annotations.ENV_FROM),
)
_OF_KEYHOLE: Final = (annotations.RECORD, annotations.ROLLED, annotations.PROBLEM, annotations.ENV_SECRET)
_LABELS_OF_KEYHOLE: Final = (annotations.MANAGED, annotations.USES_VARIABLES, annotations.GENERATED)
_OPT_IN: Final = (f"{annotations.DOMAIN}/enabled", annotations.VARIABLES)
_DATA: Final = annotations.DATA_PREFIX.rstrip("/")
_ENV: Final = annotations.ENV_DOMAIN.rstrip("/")


def texts(notes: Mapping[str, Any]) -> dict[str, str]:
    """Return the annotations that are texts. To the API server, null is an empty one."""
    return {name: text or "" for name, text in notes.items() if text is None or isinstance(text, str)}


def wrong_types(manifest: Manifest, base: Path) -> Iterator[Finding]:
    """Yield the annotations of an object, or of the template at `base`, that are no texts."""
    for name, text in manifest.part(*base, *NOTES).items():
        if not (text is None or isinstance(text, str)):
            message = f"annotation {named(name)} is no text; put it in quotes"
            yield manifest.finding(REFUSED, (*base, *NOTES, name), message)


def names(manifest: Manifest, base: Path = ()) -> Iterator[Finding]:
    """Yield what is wrong with the names of annotations: misspelt, impossible, or of Keyhole's own writing."""
    notes = texts(manifest.part(*base, *NOTES))
    for name in annotations.unknown(notes):
        meant = near(name)
        hint = f"; did you mean {named(meant)}?" if meant else ""
        message = f"annotation {named(name)} means nothing to Keyhole{hint}"
        yield manifest.finding(UNKNOWN_NAME, (*base, *NOTES, name), message)
    for name in notes:
        behind = name.rpartition("/")[2]
        has_name = name.startswith(annotations.DATA_PREFIX) or annotations.is_environment(name)
        if has_name and not of_variables.is_object_name(name.partition("/")[0]):
            message = f"Kubernetes allows no annotation whose domain is {named(name.partition('/')[0])!r}"
            yield manifest.finding(NO_SUCH_NAME, (*base, *NOTES, name), message)
        elif has_name and not _NAME.fullmatch(name.partition("/")[2]):
            message = f"Kubernetes allows no annotation with the name {named(behind)!r} behind the slash"
            yield manifest.finding(NO_SUCH_NAME, (*base, *NOTES, name), message)
        elif name in _OF_KEYHOLE:
            message = f"annotation {name} is written by Keyhole, and was copied from a cluster"
            yield manifest.finding(COPIED, (*base, *NOTES, name), message)
    for name in manifest.part(*base, "metadata", "labels"):
        if name in _LABELS_OF_KEYHOLE:
            message = f"label {name} is written by Keyhole, and was copied from a cluster"
            yield manifest.finding(COPIED, (*base, "metadata", "labels", name), message)


def near(name: str) -> str:
    """Return the annotation that a misspelt name is close to; an empty text if there is none."""
    import difflib  # noqa: PLC0415 - most annotations are known, and a start must be quick

    found = difflib.get_close_matches(name, [*_WRITTEN, *_alike(name)], n=1, cutoff=0.8)
    return found[0] if found else ""


def of_a_namespace(manifest: Manifest) -> Iterator[Finding]:
    """Yield what is wrong with the labels by which a namespace opts in: misspelt ones, and values that are no text."""
    for name, value in manifest.part("metadata", "labels").items():
        path: Path = ("metadata", "labels", name)
        if name in _OPT_IN and not isinstance(value, str):
            yield manifest.finding(REFUSED, path, f'label {name} is no text; put it in quotes: "true"')
        elif name in _OPT_IN and value not in {"true", "false"}:
            message = f'label {name} opts in with the value "true" only; with another one it means nothing to Keyhole'
            yield manifest.finding(UNKNOWN_NAME, path, message)
        elif name not in _OPT_IN and name.startswith(f"{annotations.DOMAIN}/"):
            import difflib  # noqa: PLC0415 - as above

            close = difflib.get_close_matches(name, _OPT_IN, n=1, cutoff=0.8)
            hint = f"; did you mean {close[0]}?" if close else ""
            yield manifest.finding(UNKNOWN_NAME, path, f"label {named(name)} means nothing to Keyhole{hint}")


def _alike(name: str) -> Iterable[str]:
    domain, _, behind = name.rpartition("/")
    yield f"{_DATA}/{behind}"
    yield f"{_ENV}/{behind}"
    container = domain.partition(".")[0]
    yield f"{container}.{_ENV}/{behind}"


def place_in(manifest: Manifest, path: Path, key: str) -> int | None:
    """Return the line, counted from 0, of a key in an annotation that holds a map as YAML; None if it has no such."""
    if path[-1:] and path[-1] not in _MAPS:
        return None
    text = manifest.part(*path[:-1]).get(str(path[-1]))
    for number, line in enumerate(text.split("\n") if isinstance(text, str) and key else ()):
        # A key of a flat map begins its line; if it is in quotes, behind them.
        if line.lstrip(" \"'").startswith(key) and line.lstrip(" \"'")[len(key) :].lstrip(" \"'").startswith(":"):
            return number
    return None
