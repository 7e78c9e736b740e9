"""AdmissionReview, version admission.k8s.io/v1: bytes in, a request out; an answer in, bytes out.

Source: Kubernetes, *Dynamic Admission Control*.
"""

import base64
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from resolver.references.characters import visible
from webhook.model import AdmissionRequest, Answer, Requester

API_VERSION = "admission.k8s.io/v1"
KIND = "AdmissionReview"
_MOST_WARNINGS = 20
_MOST_WARNING_CHARACTERS = 4096
# Twenty fields with long references fit. A key of a megabyte does not.
_MOST_MESSAGE_CHARACTERS = 64 * 1024
# JSON can hold half of a surrogate pair as an escape, or as bytes that are not UTF-8 but that Python accepts.
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]|\xed[\xa0-\xbf]")


class ReviewError(Exception):
    """The body is not an AdmissionReview that can be answered. `uid` is None if not even that could be read."""

    def __init__(self, problem: str, uid: str | None = None) -> None:
        super().__init__(problem)
        self.problem = problem
        self.uid = uid


def answered(body: bytes, answer: Callable[[AdmissionRequest], Answer]) -> bytes:
    """Read an AdmissionReview, and return one that carries the answer to it. Raises `ReviewError`."""
    request = parse(body)
    return render(request.uid, answer(request))


def parse(body: bytes) -> AdmissionRequest:
    """Read an AdmissionReview. Raises `ReviewError`, whose text quotes nothing of the body."""
    try:
        review = json.loads(body)
    except (ValueError, RecursionError):
        review = None
    if not isinstance(review, dict):
        raise ReviewError("the body is not a JSON object")
    request = review.get("request")
    uid = request.get("uid") if isinstance(request, dict) else None
    if not isinstance(request, dict) or not isinstance(uid, str) or not uid:
        raise ReviewError(f"the body is not an {KIND} with a request and its uid")
    if (review.get("apiVersion"), review.get("kind")) != (API_VERSION, KIND):
        raise ReviewError(f"the body is not an {KIND} of {API_VERSION}", uid)
    if _may_hold_surrogates(body):
        _check_unicode(request, uid)
    return _Reader(request, uid).request()


def _may_hold_surrogates(body: bytes) -> bool:
    # These settle nearly every body at a fraction of the cost of the search.
    return (b"\\ud" in body or b"\\uD" in body or b"\xed" in body) and _SURROGATE.search(body) is not None


def _check_unicode(request: Mapping[str, Any], uid: str) -> None:
    """Refuse text that cannot be written as UTF-8. The API server never sends any, and it could not be answered."""
    for member, content in request.items():
        try:
            json.dumps({member: content}, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise ReviewError(
                f"{visible(member, 64)} holds half of a surrogate pair, which is no character", uid
            ) from None


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads the parts of a request, and says which one is malformed."""

    source: Mapping[str, Any] = field(repr=False)
    uid: str

    def request(self) -> AdmissionRequest:
        kind = self._object("kind") or {}
        manifest, old_manifest = self._object("object"), self._object("oldObject")
        # In other groups `data` may be anything.
        parts = ("data",) if not self._text("group", kind) else ()
        for which in (manifest, old_manifest):
            self._check_manifest(which, parts)
        return AdmissionRequest(
            uid=self.uid,
            group=self._text("group", kind),
            kind=self._text("kind", kind),
            namespace=self._text("namespace"),
            name=self._text("name"),
            operation=self._text("operation"),
            dry_run=self.source.get("dryRun") is True,
            requester=self._requester(),
            manifest=manifest or {},
            old_manifest=old_manifest,
            is_patch=(self._object("options") or {}).get("kind") == "PatchOptions",
            version=self._text("version", kind),
        )

    def _requester(self) -> Requester:
        info = self._object("userInfo") or {}
        extra = info.get("extra") or {}
        if not isinstance(extra, dict):
            raise ReviewError("userInfo.extra is not an object", self.uid)
        return Requester(
            username=self._text("username", info),
            uid=self._text("uid", info),
            groups=self._texts("groups", info),
            extra=tuple((key, self._texts(key, extra)) for key in sorted(extra)),
        )

    def _texts(self, name: str, within: Mapping[str, Any]) -> tuple[str, ...]:
        values = within.get(name) or []
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            raise ReviewError(f"{name} is not a list of strings", self.uid)
        return tuple(values)

    def _text(self, name: str, within: Mapping[str, Any] | None = None) -> str:
        value = (self.source if within is None else within).get(name)
        if value is not None and not isinstance(value, str):
            raise ReviewError(f"{name} is not a string", self.uid)
        return value or ""

    def _object(self, name: str) -> Mapping[str, Any] | None:
        value = self.source.get(name)
        if value is not None and not isinstance(value, dict):
            raise ReviewError(f"{name} is not an object", self.uid)
        return value

    def _check_manifest(self, manifest: Mapping[str, Any] | None, parts: Sequence[str]) -> None:
        """Check the parts that Keyhole reads in every kind, and these. The API server has checked the rest."""
        if manifest is None:
            return
        metadata = self._part("metadata", manifest)
        for name, part in (
            ("annotations", self._part("annotations", metadata)),
            *((name, self._part(name, manifest)) for name in parts),
        ):
            if not all(value is None or isinstance(value, str) for value in part.values()):
                raise ReviewError(f"{name} holds something other than strings", self.uid)

    def _part(self, name: str, within: Mapping[str, Any]) -> Mapping[str, Any]:
        part = within.get(name)
        if part is not None and not isinstance(part, dict):
            raise ReviewError(f"{name} is not an object", self.uid)
        return part or {}


def render(uid: str, answer: Answer) -> bytes:
    """Return the AdmissionReview that carries an answer. Invisible characters in its texts are shown as escapes."""
    response: dict[str, Any] = {"uid": uid, "allowed": answer.allowed}
    if answer.patch is not None:
        response["patchType"] = "JSONPatch"
        response["patch"] = base64.b64encode(answer.patch).decode()
    if answer.warnings:
        response["warnings"] = [visible(one, _MOST_WARNING_CHARACTERS) for one in answer.warnings[:_MOST_WARNINGS]]
        if len(answer.warnings) > _MOST_WARNINGS:
            response["warnings"].append(f"and {len(answer.warnings) - _MOST_WARNINGS} more warnings")
    if not answer.allowed:
        response["status"] = _status(answer)
    return json.dumps({"apiVersion": API_VERSION, "kind": KIND, "response": response}).encode()


def _status(answer: Answer) -> dict[str, Any]:
    status: dict[str, Any] = {
        "code": int(answer.status),
        "message": visible(answer.message, _MOST_MESSAGE_CHARACTERS),
        "reason": _REASONS.get(answer.status, "InternalError"),
    }
    if answer.retry_after_seconds is not None:
        status["details"] = {"retryAfterSeconds": answer.retry_after_seconds}
    return status


# Kubernetes' own words for the codes (metav1.StatusReason). Clients tell errors apart by them.
_REASONS = {
    HTTPStatus.BAD_REQUEST: "BadRequest",
    HTTPStatus.FORBIDDEN: "Forbidden",
    HTTPStatus.TOO_MANY_REQUESTS: "TooManyRequests",
    HTTPStatus.SERVICE_UNAVAILABLE: "ServiceUnavailable",
    HTTPStatus.INTERNAL_SERVER_ERROR: "InternalError",
}
