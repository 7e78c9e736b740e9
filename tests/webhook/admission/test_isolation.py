"""Namespace A never gets a value of namespace B: identity and rights are functions of the request's namespace alone.

Ten thousand AdmissionReviews go as bytes through the WSGI application, with everything in them but the request's
namespace trying to name another one. What is real: review, plan, resolver, tenants, vault_client down to the socket.
"""

import base64
import json
import os
import random
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import jsonpatch
import pytest

from kube.access import SECRETS, Subject
from resolver.budget import nothing
from resolver.connections.model import Authentication, Connection
from resolver.deadline import Deadline
from resolver.references.value import SecretValue
from resolver.resolve import Resolver
from resolver.tenancy.lease import Lease
from resolver.tenancy.token_cache import Tenant, TokenCache
from resolver.vault.client import VaultClient
from resolver.vault.http import VaultAnswer, VaultHttp, VaultRequest
from tests.manifests.provenances import RING
from tests.manifests.secrets import encoded
from webhook.admission.admit import Admission
from webhook.http.app import create_app
from webhook.model import AdmissionRequest, Admits, Answer

REQUESTS = int(os.environ.get("KEYHOLE_REQUESTS", "5000"))
# Some are the beginning or the end of others, and some look like what stands in a role or in a path.
NAMESPACES = ("team", "team-a", "team-b", "a-team", "keyhole", "keyhole-team-a", "vault", "kube-system", "n" * 63)
_LOGIN = re.compile(r"/v1/auth/([^/]+)/login")


def connection(port: int, role: str, *, audience: str = "vault", **more: Any) -> Connection:
    auth = Authentication(method="jwt", role=role, audience=audience, mount=f"jwt-{port}")
    return Connection(address=f"http://127.0.0.1:{port}", auth=auth, **{"mounts": {"secret": 2, "legacy": 1}, **more})


CONNECTIONS = {
    "default": connection(1, "keyhole-{namespace}"),
    "eu": connection(2, "{namespace}", audience="vault-eu"),
    "twice": connection(3, "{namespace}-of-{namespace}"),
    "shared": connection(4, "keyhole"),
    "detecting": connection(5, "keyhole-{namespace}", mounts={}),
    "narrow": connection(6, "keyhole-{namespace}", allow=("+/{namespace}/*",)),
}


@dataclass(frozen=True)
class Login:
    """A login as Vault saw it."""

    address: str
    mount: str
    role: str
    jwt: str


@dataclass
class Records:
    """Who was asked for what, and in whose name, since the last `clear`."""

    minted: list[tuple[str, str]] = field(default_factory=list)
    logins: list[Login] = field(default_factory=list)
    # What was sent with a token: the address, the path, and the login that the token came from.
    sent: list[tuple[str, str, Login]] = field(default_factory=list)
    rights: list[str] = field(default_factory=list)
    issued: dict[str, Login] = field(default_factory=dict)

    def clear(self) -> None:
        for recorded in (self.minted, self.logins, self.sent, self.rights):
            recorded.clear()

    def mint(self, namespace: str, audience: str, _: Deadline) -> SecretValue:
        self.minted.append((namespace, audience))
        return SecretValue(f"jwt {namespace} {audience}")

    def is_enabled(self, namespace: str, timeout_seconds: float) -> bool:
        self.rights.append(namespace)
        return True

    def may_get(
        self,
        subject: Subject,
        namespace: str,
        name: str,
        timeout_seconds: float,
        resource: tuple[str, str] = SECRETS,
    ) -> bool:
        self.rights.append(namespace)
        return True

    def vault(self, address: str, target: str, token: str, body: bytes | None) -> tuple[int, Mapping[str, Any]]:
        """Answer as Vault does; each value names the connection and the namespace that it was given to."""
        login = _LOGIN.fullmatch(target)
        if login is not None:
            asked = json.loads(body or b"{}")
            self.logins.append(Login(address, login[1], asked["role"], asked["jwt"]))
            token = f"token-{len(self.issued)}"
            self.issued[token] = self.logins[-1]
            return 200, {"auth": {"client_token": token, "lease_duration": 600, "token_type": "service"}}
        self.sent.append((address, target, self.issued[token]))
        if target.startswith("/v1/sys/internal/ui/mounts/"):
            mount = target.removeprefix("/v1/sys/internal/ui/mounts/").partition("/")[0]
            version = "1" if mount == "legacy" else "2"
            return 200, {"data": {"path": f"{mount}/", "type": "kv", "options": {"version": version}}}
        if "denied" in target:
            return 403, {"errors": ["permission denied"]}
        if "missing" in target:
            return 404, {"errors": []}
        fields = {"password": value_of(address, self.issued[token].jwt.split()[1])}
        of_version_two = {"data": fields, "metadata": {"version": 1}}
        return 200, {"request_id": "id", "data": fields if target.startswith("/v1/legacy/") else of_version_two}


def value_of(address: str, namespace: str) -> str:
    return f"<{address} gives {namespace}>"


@pytest.fixture
def records(monkeypatch: pytest.MonkeyPatch) -> Records:
    """Replace the wire below the vault_client, and nothing above it."""
    records = Records()

    class Recording(VaultHttp):
        def exchange(self, request: VaultRequest, seconds: float) -> VaultAnswer:
            token = request.headers.get("X-Vault-Token", "")
            status, answer = records.vault(self.connection.address, request.target, token, request.body)
            return VaultAnswer(status, {}, json.dumps(answer).encode())

    monkeypatch.setattr("resolver.vault.client.VaultHttp", Recording)
    return records


class Reviews:
    """Makes AdmissionReviews in which everything but the request's namespace may name another one."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._one = self._random.choice
        self._is_sound = False
        # What Keyhole made of earlier objects, in whichever namespace: with values, and records that were valid there.
        self._filled: list[Mapping[str, Any]] = []

    def remember(self, filled: Mapping[str, Any]) -> None:
        self._filled = [*self._filled[-49:], filled]

    def review(self, namespace: str, manifest: Mapping[str, Any]) -> dict[str, Any]:
        operation = self._one(("CREATE",) * 5 + ("UPDATE",) * 4 + ("DELETE", "CONNECT"))
        kind = {"group": "", "version": "v1", "kind": self._one(("Secret",) * 19 + ("ConfigMap",))}
        request = {
            "uid": f"uid-{self._random.getrandbits(64)}",
            "kind": kind,
            "requestKind": kind,
            "resource": {"group": "", "version": "v1", "resource": "secrets"},
            "namespace": namespace,
            "name": self._one(("", "app", self._tempting())),
            "operation": operation,
            "userInfo": self._user(),
            "object": manifest,
            "oldObject": self._old(manifest) if operation == "UPDATE" else None,
            "dryRun": self._random.random() < 0.05,
            "options": {"fieldManager": self._tempting(), "namespace": self._tempting()},
        }
        return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}

    def headers(self) -> dict[str, str]:
        names = ("X-Remote-User", "X-Vault-Namespace", "X-Vault-Token", "X-Forwarded-Host", "Impersonate-User")
        return {name: self._tempting() for name in self._some(names)}

    def query(self) -> str:
        return self._one(("timeout=10s", f"timeout=10s&namespace={self._tempting()}&role={self._tempting()}"))

    def _old(self, manifest: Mapping[str, Any]) -> Mapping[str, Any]:
        return self._one((self.manifest(), manifest, *self._filled[-1:]))

    def manifest(self) -> Mapping[str, Any]:
        return self._one(self._filled) if self._filled and self._random.random() < 0.2 else self._new_manifest()

    def _new_manifest(self) -> dict[str, Any]:
        # One bad reference refuses the whole object: half of them have none, so that values are given out.
        self._is_sound = self._random.random() < 0.5
        notes = {f"data.keyhole.dev/k{i}": self._text() for i in range(self._random.randint(0, 2))}
        names = ("namespace", "role", "service-account", "connection", "record", "refresh", "token", "identity")
        notes |= {f"keyhole.dev/{name}": self._tempting() for name in self._some(names)}
        others = ("vault.hashicorp.com/role", "vault.security.banzaicloud.io/vault-role", "keyhole.dev/Namespace")
        notes |= {name: self._tempting() for name in self._some(others)}
        if self._random.random() < 0.2:
            notes["keyhole.dev/fields"] = f"/data/mapped: {json.dumps(self._text())}"
        if self._random.random() < 0.05:
            notes["keyhole.dev/ignore"] = self._one(("true", "p0", "k0"))
        metadata: dict[str, Any] = {"annotations": notes, **self._metadata()}
        data = {f"p{i}": encoded(self._text()) for i in range(self._random.randint(0, 2))}
        return {"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "metadata": metadata, "data": data}

    def _metadata(self) -> dict[str, Any]:
        owner = {"apiVersion": "v1", "kind": "Secret", "name": self._tempting(), "namespace": self._tempting()}
        possible: dict[str, Any] = {
            "name": self._tempting(),
            "namespace": self._one((self._tempting(), None, 7, [self._tempting()], {"namespace": "team-b"})),
            "generateName": f"{self._tempting()}-",
            "labels": {"keyhole.dev/namespace": self._tempting(), "kubernetes.io/metadata.name": self._tempting()},
            "ownerReferences": [{**owner, "uid": "1", "controller": True}],
            "managedFields": [{"manager": self._tempting()}],
            "uid": self._tempting(),
        }
        # The contradiction that matters most stands there more often than not.
        kept = {name: possible[name] for name in self._some(tuple(possible))}
        return {"namespace": self._one(NAMESPACES), **kept}

    def _user(self) -> dict[str, Any]:
        name = self._one((f"system:serviceaccount:{self._one(NAMESPACES)}:keyhole", f"user:{self._tempting()}:keyhole"))
        extra = {"authentication.kubernetes.io/namespace": [self._tempting()], "namespace": [self._tempting()]}
        groups = [f"system:serviceaccounts:{self._one(NAMESPACES)}", self._tempting()]
        return {"username": name, "uid": self._tempting(), "groups": groups, "extra": extra}

    def _text(self) -> str:
        """Return a value with a reference in it, or with something broken."""
        reference = self._reference()
        broken = (reference.replace("#", ""), f"(({reference}", f"{reference}|nothing", reference.replace("/", "//"))
        inline = (f"a(({reference}))b", f"${{{reference}}}", f"(({reference}))(({self._reference()}))")
        return self._one((reference,) * 5 + inline * 2 + (() if self._is_sound else broken))

    def _reference(self) -> str:
        known = ("", "+default", "+eu", "+twice", "+shared", "+detecting")
        if self._is_sound:
            mount = self._one(("secret", "legacy", "secret/data"))
            return f"vault{self._one(known)}:{mount}/{self._one(NAMESPACES)}/app#password"
        mount = self._one(("secret", "legacy", "secret/data", "auth", "cubbyhole"))
        path = f"{self._one(NAMESPACES)}/{self._one(('app', 'denied', 'missing', '..', self._one(NAMESPACES)))}"
        end = self._one(("#password", "#password|trim", "#password#1", "#nothing", "#nothing|default:none"))
        return f"vault{self._one((*known, '+narrow', '+narrow', '+nowhere'))}:{mount}/{path}{end}"

    def _tempting(self) -> str:
        name = self._one(NAMESPACES)
        account = f"system:serviceaccount:{name}:keyhole"
        return self._one((name, name, name, f"../{name}", f"{name}/keyhole", account, f"keyhole-{name}", "{namespace}"))

    def _some(self, names: Sequence[str]) -> list[str]:
        return [name for name in names if self._random.random() < 0.5]


@dataclass
class Law:
    """That nothing was done in another name than the request's namespace; counts what it saw."""

    records: Records
    seen: Counter[str] = field(default_factory=Counter)

    def check(self, namespace: str, response: Mapping[str, Any]) -> None:
        """Check what was recorded of one admission, and the values in its answer."""
        by_address = {one.address: one for one in CONNECTIONS.values()}
        records = self.records
        assert set(records.rights) <= {namespace}
        assert {minted for minted, _ in records.minted} <= {namespace}
        for login in records.logins:
            auth = by_address[login.address].auth
            assert login.jwt == f"jwt {namespace} {auth.audience}"
            assert (login.mount, login.role) == (auth.mount, auth.role_for(namespace))
            self.seen[f"login of {namespace} at {login.address}"] += 1
        for address, target, login in records.sent:
            assert login.address == address
            assert login.jwt.split()[1] == namespace, f"{target} was asked in the name of another namespace"
            self.seen["revocations" if target.endswith("/revoke-self") else "reads"] += 1
        patch = base64.b64decode(response.get("patch", "W10=")).decode()
        decoded = b" ".join(_values(json.loads(patch))).decode()
        given = set(re.findall(r"<\S+ gives (\S+?)>", decoded))
        assert given <= {namespace}
        self.seen["values"] += len(given)
        self.seen["allowed" if response["allowed"] else response["status"]["message"].partition(":")[0]] += 1


def _values(patch: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    for operation in patch:
        if operation["path"].startswith("/data/") and "value" in operation:
            yield base64.b64decode(operation["value"])


def hold(
    records: Records,
    count: int,
    admits: Callable[[Admission], Admits] = lambda real: real,
    tokens: type[TokenCache] = TokenCache,
) -> Counter[str]:
    """Drive generated requests through the application; raise AssertionError at the first that breaks the law."""
    reviews, law, tenants = Reviews(seed=4), Law(records), tokens(records)
    with closing(Resolver(CONNECTIONS, tenants)) as resolver:
        client = create_app(admits(Admission(resolver, records, records, lambda: RING))).test_client()
        for number in range(count):
            if number % 4 == 0:  # cold again, so that most requests log in
                tenants.drop_idle(idle_seconds=0)
            namespace = NAMESPACES[number * 7 % len(NAMESPACES)]
            manifest = reviews.manifest()
            body = json.dumps(reviews.review(namespace, manifest)).encode()
            records.clear()
            reply = client.post(f"/mutate?{reviews.query()}", data=body, headers=reviews.headers())
            assert reply.status_code == 200
            response = reply.get_json()["response"]
            law.check(namespace, response)
            if "patch" in response:
                reviews.remember(jsonpatch.apply_patch(manifest, json.loads(base64.b64decode(response["patch"]))))
    return law.seen


def test_no_request_is_served_in_the_name_of_another_namespace(records: Records) -> None:
    seen = hold(records, REQUESTS)
    # The law says nothing where nothing happened.
    assert seen["reads"] > REQUESTS / 2
    assert seen["values"] > REQUESTS / 10
    assert seen["allowed"] > REQUESTS / 10
    assert {"MalformedReference", "PermissionDenied", "UnknownConnection", "PathNotAllowed"} <= seen.keys()
    for one in CONNECTIONS.values():
        for namespace in NAMESPACES:
            assert seen[f"login of {namespace} at {one.address}"] > 0
    assert "InternalError" not in seen


class Misled:
    """An admission that believes something else than the request's namespace."""

    def __init__(self, real: Admission, believed: Callable[[AdmissionRequest], object]) -> None:
        self._real = real
        self._believed = believed

    def answer(self, admission: AdmissionRequest, deadline: Deadline) -> Answer:
        found = self._believed(admission)
        namespace = found if isinstance(found, str) else admission.namespace
        return self._real.answer(replace(admission, namespace=namespace), deadline)


@pytest.mark.parametrize(
    "believed",
    [
        pytest.param(lambda asked: asked.manifest["metadata"].get("namespace"), id="the object's metadata"),
        pytest.param(lambda asked: asked.manifest["metadata"]["annotations"].get("keyhole.dev/namespace"), id="a note"),
        pytest.param(lambda asked: asked.requester.username.split(":")[-2], id="the requester's namespace"),
    ],
)
def test_the_law_finds_who_believes_something_else(
    records: Records, believed: Callable[[AdmissionRequest], object]
) -> None:
    with pytest.raises(AssertionError):
        hold(records, 200, lambda real: Misled(real, believed))


class Shared(TokenCache):
    """Tokens that are remembered by connection and role, the namespace forgotten."""

    @contextmanager
    def lease(
        self, tenant: Tenant, client: VaultClient, deadline: Deadline, pay: Callable[[], None] = nothing
    ) -> Iterator[Lease]:
        with super().lease(replace(tenant, namespace="team-a", role="keyhole"), client, deadline, pay) as lease:
            yield lease


def test_the_law_finds_tokens_that_namespaces_share(records: Records) -> None:
    with pytest.raises(AssertionError):
        hold(records, 200, tokens=Shared)
