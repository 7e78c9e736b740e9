"""Sixty references and more, what Vault has of them, and what `keyhole lint --vault` is to say of each."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import hvac

from resolver.references.reference import Function, Reference

_OWN_TEMPLATE = "{{identity.entity.aliases.auth_jwt_1a2b3c4d.metadata.service_account_namespace}}"


def _grants(path: str, *capabilities: str) -> str:
    return f'path "{path}" {{ capabilities = {json.dumps(list(capabilities or ["read"]))} }}\n'


def _covers(path: str, *capabilities: str) -> str:
    return "".join(_grants(f"secret/{branch}/{path}", *capabilities) for branch in ("data", "metadata"))


POLICIES: Mapping[str, str] = {
    "keyhole-shop": _covers("*")
    + _grants("legacy/*")
    + _grants("nested/mount/data/*")
    + _grants("nested/mount/metadata/*"),
    "keyhole-exact": _covers("app"),
    "keyhole-glob": _covers("a*"),
    "keyhole-other": _covers("other/*"),
    "keyhole-plus": _covers("+/app"),
    "keyhole-plus-glob": _covers("+/a*"),
    "keyhole-deny": _covers("*") + _covers("app", "deny"),
    "keyhole-deny-less": _covers("*", "deny") + _covers("app"),
    "keyhole-list": _covers("*", "list", "update"),
    "keyhole-names": _grants("secret/metadata/*") + _grants("secret/subkeys/*"),
    "keyhole-without-data": _grants("secret/app"),
    "keyhole-json": json.dumps(
        {"path": {f"secret/{branch}/app": {"capabilities": ["read"]} for branch in ("data", "metadata")}}
    ),
    "keyhole-old": 'path "secret/data/app" { policy = "read" }\npath "secret/metadata/app" { policy = "read" }',
    "keyhole-values": _grants("secret/data/app"),
    "keyhole-own-template": _covers(f"{_OWN_TEMPLATE}/*"),
    "keyhole-template": _covers("{{identity.entity.id}}/*"),
    "keyhole-beside-template": _covers("{{identity.entity.id}}/*") + _covers("app"),
    "keyhole-legacy": _grants("legacy/app"),
    "keyhole-empty": "# nothing",
}


@dataclass(frozen=True)
class Case:
    """One Secret with one reference. `expected` are pieces of what is told: `KH105 error: no field`.

    What is not checked begins with a question mark. Nothing means that it holds.
    """

    name: str
    reference: Reference
    expected: Sequence[str] = ()
    namespace: str = "shop"
    is_whole: bool = False

    @property
    def manifest(self) -> Mapping[str, Any]:
        """The Secret."""
        connection = "" if self.reference.connection == "default" else f"+{self.reference.connection}"
        note = (
            {"keyhole.dev/from": f"vault{connection}:{self.reference.path}"}
            if self.is_whole
            else {"data.keyhole.dev/x": str(self.reference)}
        )
        metadata = {"name": self.name, "annotations": note, **({"namespace": self.namespace} if self.namespace else {})}
        return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata}


def _case(name: str, path: str, *expected: str, field: str = "password", **parts: Any) -> Case:
    functions = tuple(Function(*one) for one in parts.pop("functions", ()))
    reference = Reference(path, field, version=parts.pop("version", None), functions=functions)
    return Case(name, replace(reference, connection=parts.pop("connection", "default")), expected, **parts)


def _json(pointer: str) -> tuple[tuple[str, str], ...]:
    return (("json", pointer),)


EXISTENCE = (
    _case("a-secret", "secret/app"),
    _case("with-data", "secret/data/app"),
    _case("below-folders", "secret/team/sub/app"),
    _case("odd-path", "secret/größe/x y+z@1"),
    _case("mount-with-a-slash", "nested/mount/app"),
    _case("no-secret", "secret/ap", "KH105 error: vault:secret/ap: there is no secret at this path"),
    _case("a-folder", "secret/team/sub", "KH105 error: there is no secret at this path"),
    _case("no-secret-in-a-nested-mount", "nested/mount/none", "KH105 error: there is no secret"),
    _case("metadata-without-a-version", "secret/written-never", "KH105 error: there is no secret at this path"),
    _case("no-mount", "nowhere/app", "?KH104, KH105, KH106: Vault shows", namespace="glob"),
    _case("a-mount-that-is-not-shown", "transit/app", "?KH104, KH105, KH106: Vault shows this job's identity no mount"),
    _case("another-branch", "secret/metadata/app", "KH105 error: is a branch of its API"),
)

FIELDS = (
    _case("no-field", "secret/app", "KH105 error: it has no field 'pasword'; did you mean 'password'?",
          field="pasword"),
    _case("another-case", "secret/app", "KH105 error: did you mean 'password'?", field="Password"),
    _case("nothing-near", "secret/app", "KH105 error: it has no field 'zzz'", field="zzz"),
    _case("with-a-blank", "secret/odd", field="a b"),
    _case("in-another-script", "secret/odd", field="пароль"),
    _case("with-a-slash", "secret/odd", field="x/y"),
    _case("with-a-dot", "secret/odd", field="x.y"),
    _case("with-a-hash", "secret/odd", field="#1|{}"),
    _case("a-number", "secret/nested", field="number"),
    _case("a-list", "secret/nested", field="list"),
    _case("an-object", "secret/nested", field="db"),
    _case("an-empty-object", "secret/nested", field="nothing", functions=_json("/x")),
    _case("a-member", "secret/nested", field="db", functions=_json("/tls/key")),
    _case("no-member", "secret/nested", "KH105 error: its field 'db' has no member 'pasword'; did you mean 'password'?",
          field="db", functions=_json("/pasword")),
    _case("no-member-below", "secret/nested", "KH105 error: its field 'db/tls' has no member 'cert'",
          field="db", functions=_json("/tls/cert")),
    _case("an-escaped-member", "secret/nested", field="db", functions=_json("/a~1b/c~0d")),
    _case("within-a-list", "secret/nested", field="list", functions=_json("/0/x")),
    _case("within-a-text", "secret/nested", field="text", functions=_json("/whatever")),
    _case("as-others-write-it", "secret/nested", "KH105 error: did you mean `db | json:/tls/key`?", field="db.tls.key"),
    _case("with-a-default", "secret/app", field="none", functions=(("default", "x"),)),
    _case("a-default-for-no-secret", "secret/none", "KH105 error: there is no secret", functions=(("default", "x"),)),
    _case("functions", "secret/app", functions=(("trim",), ("urlencode",))),
    _case("whole", "secret/app", field="", is_whole=True),
    _case("whole-and-missing", "secret/none", "KH105 error: there is no secret", field="", is_whole=True),
    _case("whole-and-empty", "secret/empty", "KH105 error: it has no field to give", field="", is_whole=True),
    _case("a-field-of-nothing", "secret/empty", "KH105 error: it has no field 'password'"),
)  # fmt: skip

VERSIONS = (
    _case("the-newest", "secret/versions", version=7),
    _case("one-behind", "secret/versions", version=6),
    _case("undeleted", "secret/versions", version=4),
    _case("far-behind", "secret/versions", "KH106 warning: version 3 is 4 behind the newest, 7",
          version=3, field="old"),
    _case("a-field-of-that-version", "secret/versions", "KH105 error: version 3: it has no field 'password'",
          "KH106 warning: version 3 is 4 behind", version=3),
    _case("deleted", "secret/versions", "KH106 error: version 2 is deleted; it can be undeleted", version=2),
    _case("destroyed", "secret/versions", "KH106 error: version 1 is destroyed; it cannot", version=1),
    _case("not-yet", "secret/versions", "KH105 error: there is no version 8; the newest is 7", version=8),
    _case("no-longer-kept", "secret/limited", "KH105 error: version 1 is no longer kept; the oldest is 3", version=1),
    _case("kept", "secret/limited", version=3),
    _case("a-version-of-nothing", "secret/none", "KH105 error: there is no secret at this path", version=1),
    _case("a-version-of-no-version", "secret/written-never", "KH105 error: there is no version 1", version=1),
    _case("newest-deleted", "secret/deleted", "KH105 error: its newest version is deleted"),
    _case("newest-destroyed", "secret/destroyed", "KH105 error: its newest version is destroyed"),
    _case("below-a-deleted-one", "secret/deleted", version=1),
    _case("brought-back", "secret/brought-back"),
    _case("whole-and-deleted", "secret/deleted", "KH105 error: newest version is deleted", field="", is_whole=True),
)  # fmt: skip


def _of(namespace: str, path: str = "secret/app", *expected: str, name: str = "", **parts: Any) -> Case:
    return _case(name or f"policy-{namespace}", path, *expected, namespace=namespace, **parts)


_NOT_COVERED = "KH104 error: does not allow reading"
COVERAGE = (
    _of("exact"),
    _of("exact", "secret/odd", _NOT_COVERED, name="not-exact", field="x/y"),
    _of("glob"),
    _of("other", "secret/app", f"{_NOT_COVERED} secret/data/app"),
    _of("plus", "secret/team/app"),
    _of("plus", "secret/team/sub/app", _NOT_COVERED, name="plus-is-one-segment"),
    _of("plus-glob", "secret/team/app"),
    _of("deny", "secret/app", _NOT_COVERED),
    _of("deny", "secret/odd", name="denied-elsewhere", field="x/y"),
    _of("deny-less"),
    _of("list", "secret/app", _NOT_COVERED),
    _of("names", "secret/app", _NOT_COVERED),
    _of("values", "secret/app", "KH104 warning: does not allow reading secret/metadata/app; Keyhole gets the value"),
    _of("without-data", "secret/app", _NOT_COVERED),
    _of("json"),
    _of("old"),
    _of("own-template", "secret/own-template/app"),
    _of("own-template", "secret/team/app", _NOT_COVERED, name="another-s-template"),
    _of(
        "template",
        "secret/team/app",
        "?KH104: policy keyhole-template in Vault: whether its policy allows it depends on a template",
    ),
    _of("beside-template"),
    _of("legacy", "secret/app", _NOT_COVERED),
    _of("empty", "secret/app", _NOT_COVERED),
    _of("stranger", "secret/app", "KH104 error: Vault has no policy keyhole-stranger, so namespace stranger may read"),
    _case("no-namespace", "secret/app", "?KH104: no file says in which namespace", namespace=""),
    _case("unknown-connection", "secret/app", "?KH104, KH105, KH106: the connection eu", connection="eu"),
    _of("shop", "secret/app", "KH105 error: no field", name="covered-and-wrong", field="nope"),
    _of("other", "secret/none", _NOT_COVERED, "KH105 error: there is no secret", name="neither"),
)

CASES: Mapping[str, Case] = {case.name: case for case in (*EXISTENCE, *FIELDS, *VERSIONS, *COVERAGE)}


@dataclass
class Planting:
    """Writes what the cases need, each value another one with the canary in it."""

    client: hvac.Client
    value: Callable[[], str]
    written: int = field(default=0, init=False)

    def all(self) -> None:
        """Write it."""
        sys = self.client.sys
        sys.enable_secrets_engine("transit")
        sys.enable_secrets_engine("kv", path="nested/mount", options={"version": "2"})
        for name, text in POLICIES.items():
            sys.create_or_update_policy(name, text)
        self.client.secrets.kv.v1.create_or_update_secret("app", {"password": self.value()}, mount_point="legacy")
        for path in ("app", "team/app", "team/sub/app", "größe/x y+z@1", "own-template/app"):
            self._write(path, {"password": self.value(), "user": self.value()})
        self._write("app", {"password": self.value()}, mount="nested/mount")
        self._write("odd", {name: self.value() for name in ("a b", "пароль", "x/y", "x.y", "#1|{}")})
        inner = {"password": self.value(), "tls": {"key": self.value()}, "a/b": {"c~d": self.value()}}
        self._write("nested", {"db": inner, "list": [{"x": self.value()}], "text": "{}", "number": 7, "nothing": {}})
        self._write("empty", {})
        self._versions()

    def _versions(self) -> None:
        kv = self.client.secrets.kv.v2
        for number in range(1, 8):
            self._write("versions", {"old" if number == 3 else "password": self.value()})
        kv.destroy_secret_versions("versions", [1])
        kv.delete_secret_versions("versions", [2, 4])
        kv.undelete_secret_versions("versions", [4])
        kv.update_metadata("limited", max_versions=2)
        for _ in range(4):
            self._write("limited", {"password": self.value()})
        kv.update_metadata("written-never", custom_metadata={"note": self.value()})
        kv.update_metadata("app", custom_metadata={"note": self.value()})
        for path in ("deleted", "destroyed", "brought-back"):
            self._write(path, {"password": self.value()})
            self._write(path, {"password": self.value()})
        kv.delete_latest_version_of_secret("deleted")
        kv.destroy_secret_versions("destroyed", [2])
        kv.delete_latest_version_of_secret("brought-back")
        kv.undelete_secret_versions("brought-back", [2])

    def _write(self, path: str, fields: Mapping[str, object], mount: str = "secret") -> None:
        self.client.secrets.kv.v2.create_or_update_secret(path, dict(fields), mount_point=mount)
        self.written += 1
