"""Parts of what a forge sends, whatever it sends: a part of another kind counts as missing."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, TypeVar

from enforcer.collecting.forge.http import ForgeAnswer, ForgeHttp, Unanswered
from enforcer.facts.base import NotKnown

_T = TypeVar("_T", bool, int, str)


def map_of(found: Any, *names: str) -> Mapping[str, Any]:
    """Return the map behind some names; an empty one if there is none."""
    for name in names:
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}


def list_of(found: Any, name: str = "") -> Sequence[Mapping[str, Any]]:
    """Return the maps in a list, or in the list of this name."""
    found = map_of(found).get(name) if name else found
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def member(found: Mapping[str, Any], name: str, kind: type[_T]) -> _T | None:
    """Return a member of a kind; None if there is none. True is no number."""
    value = found.get(name)
    return value if type(value) is kind else None


def asked(http: ForgeHttp, path: str, what: str) -> Mapping[str, Any] | NotKnown:
    """Ask for one object; return why it is not known otherwise. `what` names it in the reason."""
    try:
        answer = http.ask(path)
    except Unanswered as error:
        return NotKnown(not_known=f"{what}: {error.reason}")
    return object_in(answer, what) if answer.status == HTTPStatus.OK else refused(answer, what)


def object_in(answer: ForgeAnswer, what: str) -> Mapping[str, Any] | NotKnown:
    """Return the object in a success."""
    if isinstance(answer.document, dict):
        return answer.document
    return NotKnown(not_known=f"{what}: it sent something else than an object")


def listed(http: ForgeHttp, path: str, what: str) -> Sequence[Mapping[str, Any]] | NotKnown:
    """Ask for a whole list, page by page; return why it is not known otherwise."""
    entries: list[Mapping[str, Any]] = []
    try:
        for answer in http.pages(path):
            if answer.status != HTTPStatus.OK:
                return refused(answer, what)
            found = list_of(answer.document)
            if not isinstance(answer.document, list) or len(found) < len(answer.document):
                return NotKnown(not_known=f"{what}: it sent something else than a list of objects")
            entries += found
    except Unanswered as error:
        return NotKnown(not_known=f"{what}: {error.reason}")
    return entries


def refused(answer: ForgeAnswer, what: str) -> NotKnown:
    """Return what stands in place of facts that the forge did not give."""
    if answer.status == HTTPStatus.UNAUTHORIZED:
        return NotKnown(not_known=f"{what}: the token is not accepted (status 401)")
    if answer.status == HTTPStatus.FORBIDDEN:
        return NotKnown(not_known=f"{what}: the token lacks the right to see it (status 403)")
    if answer.status == HTTPStatus.NOT_FOUND:
        return NotKnown(not_known=f"{what}: it is not there, or the token may not see it (status 404)")
    return NotKnown(not_known=f"{what}: the forge refused (status {answer.status})")
