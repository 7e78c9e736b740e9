"""Whatever is POSTed to the webhook: a clear answer, no traceback, and the same workers go on."""

import contextlib
import json
import socket
import ssl
from typing import Any

import pytest

from testbed.keyhole.installation import Webhook
from tests.e2e.caller import Caller, Reply
from tests.e2e.canary import Canary
from tests.e2e.objects import filled, secret

_POST = b"POST /mutate HTTP/1.1\r\nHost: keyhole\r\n"
_NINE_MEGABYTES = 9 * 1024 * 1024
_UID = "d5a1a1f6-0000-4000-8000-5d1f0a9c3a11"


pytestmark = pytest.mark.usefixtures("_webhook_goes_on")


def _review(**changes: Any) -> dict[str, Any]:
    request = {"uid": _UID, "kind": {"group": "", "version": "v1", "kind": "Secret"}, "operation": "CREATE"}
    request |= {"namespace": "e2e", "name": "bad", "object": filled("bad", password="vault:secret/e2e/x#p")}
    return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request, **changes}


def _request(**changes: Any) -> dict[str, Any]:
    return _review(request={**_review()["request"], **changes})


class TestNoUid:
    """What nobody can be answered by name gets a plain HTTP 400."""

    @pytest.mark.parametrize(
        "body",
        [
            pytest.param(b"", id="nothing at all"),
            pytest.param(b"not JSON", id="not JSON"),
            pytest.param(b'{"apiVersion": "admission.k8s.io/v1", "kind": "Admiss', id="JSON that breaks off"),
            pytest.param(b"\xff\xfe\x00{", id="bytes that are not UTF-8"),
            pytest.param(json.dumps(_review()).encode().replace(b"bad", b"b\xffd"), id="invalid UTF-8 in a string"),
            pytest.param(b"[]", id="a list"),
            pytest.param(b"7", id="a number"),
            pytest.param(b"null", id="null"),
            pytest.param(b"1" * 10_000, id="a number of 10,000 digits"),
            pytest.param(b"NaN", id="NaN"),
            pytest.param(b"[" * 10_000 + b"]" * 10_000, id="10,000 nested lists"),
            pytest.param(b'{"a":' * 10_000 + b"1" + b"}" * 10_000, id="10,000 nested objects"),
            pytest.param(b"{" * 10_000, id="10,000 opening braces"),
            pytest.param(b'{"kind": "AdmissionReview"}', id="no request"),
            pytest.param(json.dumps({"apiVersion": "v1", "kind": "Secret"}).encode(), id="no AdmissionReview"),
            pytest.param(json.dumps(_request(uid="")).encode(), id="an empty uid"),
            pytest.param(json.dumps(_request(uid=None)).encode(), id="no uid"),
            pytest.param(json.dumps(_request(uid={"a": 1})).encode(), id="a uid that is an object"),
            pytest.param(json.dumps(_review(request=[1])).encode(), id="a request that is a list"),
        ],
    )
    def test_it_is_answered_400(self, caller: Caller, body: bytes) -> None:
        reply = caller.send(body)
        assert reply.http_status == 400
        assert reply.content_type.startswith("text/plain")
        assert reply.text.startswith("the body is not ")
        assert len(reply.text.splitlines()) == 1

    def test_a_body_of_nine_megabytes_is_answered_413(self, caller: Caller) -> None:
        reply = caller.send(b" " * _NINE_MEGABYTES)
        assert reply.http_status == 413
        assert reply.content_type.startswith("text/plain")

    def test_the_same_in_chunks_of_unknown_number_is_answered_413(self, caller: Caller) -> None:
        reply = caller.send(b" " * 65_536 for _ in range(_NINE_MEGABYTES // 65_536))
        assert reply.http_status == 413
        assert reply.content_type.startswith("text/plain")

    def test_a_body_that_is_announced_and_never_sent_holds_nobody_up(self, webhook: Webhook, caller: Caller) -> None:
        with _connection(webhook) as raw:
            raw.sendall(_POST + b"Content-Length: 1000\r\n\r\n{")
            assert caller.admit(secret("meanwhile")).allowed

    @pytest.mark.parametrize(
        "head",
        [
            pytest.param(
                b"POST /mutate HTTP/1.1\r\nHost: keyhole\r\nContent-Length: -1\r\n\r\n", id="a negative length"
            ),
            pytest.param(b"POST /mutate HTTP/1.1\r\nHost: keyhole\r\nContent-Length: many\r\n\r\n", id="no number"),
            pytest.param(b"GARBAGE\r\n\r\n", id="no HTTP"),
            pytest.param(_POST + b"A: b\r\n" * 10_000 + b"\r\n", id="10,000 headers"),
            pytest.param(b"POST /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: keyhole\r\n\r\n", id="a line without end"),
            pytest.param(_POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", id="no chunks"),
            pytest.param(b"\x16\x03\x01\x00\r\n\r\n", id="TLS inside of TLS"),
        ],
    )
    def test_what_is_no_http_is_answered_4xx_or_with_silence(
        self, webhook: Webhook, caller: Caller, head: bytes
    ) -> None:
        with _connection(webhook) as raw:
            with contextlib.suppress(ConnectionError, ssl.SSLError):  # closed before everything was sent
                raw.sendall(head)
            answer = _all(raw)
        assert answer == b"" or answer.startswith((b"HTTP/1.1 4", b"HTTP/1.0 4")), answer[:100]
        assert b"Traceback" not in answer
        assert b'File "' not in answer

    @pytest.mark.parametrize(
        "quoting",
        [
            pytest.param(_POST + b"Authorization Bearer %s\r\n\r\n", id="a header without a colon"),
            pytest.param(_POST + b"Bearer %s: x\r\n\r\n", id="a header's name with a blank"),
            pytest.param(_POST + b"Authorization: Bearer\r\n %s\r\n\r\n", id="a header that is folded"),
            pytest.param(_POST + b"Authorization: a\x00%s\r\n\r\n", id="a header with a zero byte"),
            pytest.param(b"POST /%s\r\n\r\n", id="a first line without a version"),
            pytest.param(b"POST / HTTP/%s\r\n\r\n", id="a version that is none"),
            pytest.param(b"(%s) / HTTP/1.1\r\n\r\n", id="a method that is none"),
            pytest.param(_POST + b"Expect: %s\r\n\r\n", id="an expectation"),
            pytest.param(_POST + b"Transfer-Encoding: %s\r\n\r\n", id="a coding"),
            pytest.param(_POST + b"Content-Length: 2\r\n\r\n{}%s\r\n\r\n", id="a body longer than it is said to be"),
            pytest.param(_POST + b"Transfer-Encoding: chunked\r\n\r\n%s\r\n", id="chunks without a size"),
            pytest.param(_POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\n%s\r\n", id="a chunk without its end"),
            pytest.param(_POST + b"Content-Length: 999\r\n\r\n%s", id="a body that breaks off"),
        ],
    )
    def test_what_cannot_be_read_is_quoted_nowhere(
        self, webhook: Webhook, caller: Caller, canary: Canary, quoting: bytes
    ) -> None:
        with _connection(webhook) as raw:
            raw.sendall(quoting % canary.value().encode())
            raw.shutdown(socket.SHUT_WR)
            answer = _everything(raw)
        # The canary is looked for in the answer, as it is in the log.
        caller.note(Reply(0, "", answer))
        assert canary.core.encode() not in answer

    @pytest.mark.parametrize(
        ("method", "path", "status"),
        [
            ("GET", "/mutate", 405),
            ("PUT", "/mutate", 405),
            ("DELETE", "/mutate", 405),
            ("POST", "/", 404),
            ("POST", "/mutate/", 404),
            ("POST", "/mutate/../etc/passwd", 404),
            ("GET", "/livez", 404),
            ("GET", "/static/x", 404),
        ],
    )
    def test_another_method_or_path_is_not_found(self, caller: Caller, method: str, path: str, status: int) -> None:
        reply = caller.send(json.dumps(_review()).encode() if method == "POST" else None, method=method, path=path)
        assert reply.http_status == status
        assert reply.content_type.startswith("text/plain")

    def test_plain_http_gets_no_answer_over_http(self, webhook: Webhook) -> None:
        host, _, port = webhook.url.removeprefix("https://").removesuffix("/mutate").partition(":")
        with socket.create_connection((host, int(port)), timeout=30) as raw:
            raw.sendall(b"GET /mutate HTTP/1.1\r\nHost: keyhole\r\n\r\n")
            assert b"HTTP" not in _all(raw)


class TestMalformedReview:
    """With a uid, the answer is an AdmissionReview that says 400."""

    @pytest.mark.parametrize(
        ("review", "told"),
        [
            pytest.param(_review(apiVersion="admission.k8s.io/v1beta1"), "admission.k8s.io/v1", id="wrong version"),
            pytest.param(_review(apiVersion=7), "admission.k8s.io/v1", id="a version that is a number"),
            pytest.param(_review(kind="Review"), "AdmissionReview", id="wrong kind"),
            pytest.param(_request(kind="Secret"), "kind is not an object", id="a kind that is a text"),
            pytest.param(_request(kind={"kind": 7}), "kind is not a string", id="a kind that is a number"),
            pytest.param(_request(namespace=["e2e"]), "namespace is not a string", id="a namespace that is a list"),
            pytest.param(_request(operation={}), "operation is not a string", id="an operation that is an object"),
            pytest.param(_request(object=[1]), "object is not an object", id="an object that is a list"),
            pytest.param(_request(oldObject="x"), "oldObject is not an object", id="an old object that is a text"),
            pytest.param(_request(object={"metadata": []}), "metadata is not an object", id="an empty list"),
            pytest.param(_request(object={"metadata": [1]}), "metadata is not an object", id="metadata that is a list"),
            pytest.param(
                _request(object={"metadata": {"annotations": "x"}}), "annotations is not", id="annotations of text"
            ),
            pytest.param(
                _request(object={"metadata": {"annotations": {"data.keyhole.dev/a": 7}}}),
                "annotations holds something other",
                id="an annotation that is a number",
            ),
            pytest.param(_request(object={"data": [1]}), "data is not an object", id="data that is a list"),
            pytest.param(
                _request(object={"data": {"a": {}}}), "data holds something other", id="a value that is a map"
            ),
            pytest.param(
                _request(namespace="\ud800"), "namespace holds half of a surrogate pair", id="half a namespace"
            ),
            pytest.param(_request(name="\ud800"), "name holds half of a surrogate pair", id="half a name"),
            pytest.param(_request(object={"data": {"\ud800": "eA=="}}), "object holds half", id="half a key"),
            pytest.param(
                _request(object=filled("bad", key="((vault:\ud800#a))")), "object holds half", id="half a path"
            ),
            pytest.param(
                _request(object={"metadata": {"annotations": {"keyhole.dev/fields": "\ud800"}}}),
                "object holds half",
                id="half a map",
            ),
            pytest.param(
                _request(object={"metadata": {"deletionTimestamp": 7, "annotations": None}, "data": None}),
                None,
                id="null and numbers where nobody looks",
            ),
        ],
    )
    def test_it_is_answered_400_or_left_alone(self, caller: Caller, review: dict[str, Any], told: str | None) -> None:
        reply = caller.send_review(review)
        assert reply.http_status == 200
        assert reply.response["uid"] == _UID
        if told is None:
            assert reply.allowed
            assert reply.patch == []
        else:
            assert reply.code == 400
            assert reply.response["status"]["reason"] == "BadRequest"
            assert reply.message.startswith("MalformedReview: ")
            assert told in reply.message


def _connection(webhook: Webhook) -> ssl.SSLSocket:
    host, _, port = webhook.url.removeprefix("https://").removesuffix("/mutate").partition(":")
    context = ssl.create_default_context(cafile=webhook.ca_file)
    raw = socket.create_connection((host, int(port)), timeout=30)
    return context.wrap_socket(raw, server_hostname=host)


def _everything(raw: socket.socket) -> bytes:
    """Read until the other side closes, however it does."""
    answer = b""
    with contextlib.suppress(ConnectionError, ssl.SSLError, TimeoutError):
        while piece := raw.recv(65_536):
            answer += piece
    return answer


def _all(raw: socket.socket) -> bytes:
    """Read until the end of a head and what comes with it, or until the other side closes, however it does."""
    answer = b""
    with contextlib.suppress(ConnectionError, ssl.SSLError):
        while b"\r\n\r\n" not in answer and (piece := raw.recv(65_536)):
            answer += piece
    return answer
