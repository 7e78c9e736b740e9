"""One entry of the audit trail: an admission. It never holds a value, a token, or the text of a field or a message."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from http import HTTPStatus
from typing import Any

_MOST_TEXT_BYTES = 1024
_MOST_GROUPS_BYTES = 8 * 1024
_MOST_LOGINS_BYTES = 16 * 1024
_WORST_ESCAPE_FACTOR = 12  # a character beyond the basic plane: two \uXXXX
_CUT = "[cut]"
# A Vault that lies could put a value where the id of a request should be.
_VAULT_REQUEST_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_UNFIT = "unfit"
_MOST_VERSION = 10**10
_CAUSE = re.compile(r"[A-Za-z0-9]{0,64}")


class Done(Enum):
    """What became of a field."""

    KEPT = "kept"
    RESOLVED = "resolved"
    PLACEHOLDER = "placeholder"
    LEFT = "left"
    REMOVED = "removed"
    VARIABLE = "variable"
    """A workload asks for it as a variable. Nothing was read; the Secret behind it has an entry of its own."""
    REFUSED = "refused"
    NOTHING = "nothing"
    """Nothing was wrong with the field. The object was refused because of another one."""


@dataclass(frozen=True, slots=True)
class Requester:
    """The user who sent the request to the API server (`userInfo` of the AdmissionReview)."""

    username: str
    uid: str = ""
    groups: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Login:
    """A Vault connection, and the role that was used on it."""

    connection: str
    role: str


@dataclass(frozen=True, slots=True)
class ReferenceEntry:
    """A reference, and the version that Vault returned in which of its requests, or the cause if there is no value."""

    text: str
    version: int | None = None
    request_id: str = ""
    cause: str = ""

    def __post_init__(self) -> None:
        _check_cause(self.cause)

    def document(self) -> dict[str, Any]:
        """Return it as JSON."""
        known_version = self.version is not None and 0 <= self.version < _MOST_VERSION
        is_id = _VAULT_REQUEST_ID.fullmatch(self.request_id)
        return _without_empty(
            text=self.text,
            version=self.version if known_version else None,
            request_id=self.request_id if is_id or not self.request_id else _UNFIT,
            cause=self.cause,
        )


@dataclass(frozen=True, slots=True)
class FieldEntry:
    """A field (JSON Pointer, RFC 6901), its references, and what was done.

    `cause` says why it was refused, or why a value that was kept could not be verified. `before` has the references
    that gave the field its value until now, with their versions, as the live record says. It is empty if there were
    none, and None if they are the same as now, or not known.
    """

    pointer: str
    form: str
    done: Done
    references: Sequence[ReferenceEntry] = ()
    cause: str = ""
    before: Sequence[ReferenceEntry] | None = None

    def __post_init__(self) -> None:
        _check_cause(self.cause)

    def document(self) -> dict[str, Any]:
        """Return it as JSON."""
        references = [reference.document() for reference in self.references]
        told = _without_empty(
            pointer=bounded(self.pointer),
            form=self.form,
            done=self.done.value,
            references=references,
            cause=self.cause,
        )
        # An empty list says that there was nothing.
        return told if self.before is None else {**told, "before": [each.document() for each in self.before]}


@dataclass(frozen=True, slots=True)
class OriginEntry:
    """What applies the object, as the object says: a tool, and its Kustomization, HelmRelease, Application or release.

    Whoever may write the object may write this.
    """

    tool: str
    namespace: str
    name: str

    def document(self) -> dict[str, Any]:
        """Return it as JSON."""
        return _without_empty(tool=self.tool, namespace=bounded(self.namespace), name=bounded(self.name))


@dataclass(frozen=True, slots=True)
class ProblemEntry:
    """A place where the manifest could not be understood at all, and the cause."""

    origin: str
    cause: str

    def __post_init__(self) -> None:
        _check_cause(self.cause)

    def document(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {"origin": bounded(self.origin), "cause": self.cause}


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One admission of an object with references.

    `time` is when the request came, an aware datetime. `identity` is the identity that the namespace had for Vault,
    empty if Vault was not asked. `cause` is the word that the refusal begins with. Raises ValueError if it is none.
    """

    time: datetime
    uid: str
    requester: Requester
    group: str
    kind: str
    namespace: str
    name: str
    operation: str
    dry_run: bool
    allowed: bool
    status: HTTPStatus
    milliseconds: float
    cause: str = ""
    identity: str = ""
    logins: Sequence[Login] = ()
    fields: Sequence[FieldEntry] = ()
    problems: Sequence[ProblemEntry] = ()
    origin: OriginEntry | None = None

    def __post_init__(self) -> None:
        _check_cause(self.cause)

    def heading(self) -> dict[str, Any]:
        """Return all but fields and problems as JSON of at most 40 KiB. Longer texts and lists are visibly cut."""
        groups, groups_left_out = _fitting([bounded(group) for group in self.requester.groups], _MOST_GROUPS_BYTES)
        logins, logins_left_out = _fitting(
            [{"connection": bounded(login.connection), "role": bounded(login.role)} for login in self.logins],
            _MOST_LOGINS_BYTES,
        )
        object_parts = {"group": self.group, "kind": self.kind, "namespace": self.namespace, "name": self.name}
        return _without_empty(
            time=timestamp(self.time),
            uid=bounded(self.uid),
            requester=_without_empty(
                username=bounded(self.requester.username),
                uid=bounded(self.requester.uid),
                groups=groups,
                groups_left_out=groups_left_out or None,
            ),
            object={name: bounded(text) for name, text in object_parts.items()},
            origin=self.origin.document() if self.origin is not None else None,
            operation=bounded(self.operation),
            dry_run=self.dry_run,
            identity=bounded(self.identity),
            logins=logins,
            logins_left_out=logins_left_out or None,
            outcome=_without_empty(allowed=self.allowed, status=int(self.status), cause=self.cause),
            milliseconds=round(self.milliseconds, 1),
        )


def timestamp(time: datetime) -> str:
    """Return a time in UTC with microseconds (RFC 3339)."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def encode(document: Mapping[str, Any]) -> bytes:
    """Return compact JSON with sorted keys, in ASCII.

    With escapes, no terminal obeys what a name holds, and even half of a surrogate pair can be written.
    """
    return json.dumps(document, separators=(",", ":"), sort_keys=True, allow_nan=False).encode()


def bounded(text: str) -> str:
    """Return the text, cut if it would take more than 1 KiB of a line."""
    if len(text) * _WORST_ESCAPE_FACTOR <= _MOST_TEXT_BYTES or len(json.dumps(text)) <= _MOST_TEXT_BYTES:
        return text
    return text[: _MOST_TEXT_BYTES // _WORST_ESCAPE_FACTOR] + _CUT


def _fitting(items: Sequence[Any], limit_bytes: int) -> tuple[list[Any], int]:
    """Return as many of the items as fit, and how many are left out."""
    size = 0
    for count, item in enumerate(items):
        size += len(json.dumps(item)) + 1
        if size > limit_bytes:
            return list(items[:count]), len(items) - count
    return list(items), 0


def _without_empty(**members: Any) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None and value not in ("", [])}


def _check_cause(cause: str) -> None:
    # The value is not quoted, because a message that is passed by mistake could quote a field.
    if not _CAUSE.fullmatch(cause):
        raise ValueError("a cause is a single word")
