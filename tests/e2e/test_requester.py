"""Who may write Secrets and not read them gets no value by a reference: asked as real users of the API server."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from testbed import Testbed
from testbed.keyhole.installation import Webhook
from testbed.keyhole.objects import apply
from testbed.keyhole.tenants import add_tenant
from tests.e2e.canary import Canary
from tests.e2e.cluster import Cluster
from tests.e2e.objects import Manifest, encoded, filled, secret
from tests.e2e.places import Places
from tests.e2e.traffic import Traffic

NAMESPACE = "requesters"
PATH = f"secret/{NAMESPACE}/app"
REFERENCE = f"vault:{PATH}#password"
FROM_A_KEY = {"data.keyhole.dev/password": "key:template"}
_RBAC = "rbac.authorization.k8s.io"
_WRITE = {"verbs": ["create", "update", "patch"]}
_SECRETS = {"apiGroups": [""], "resources": ["secrets"]}
# What each may do on the namespace's Secrets.
_USERS: dict[str, list[dict[str, Any]]] = {
    "may-write": [_WRITE],
    "may-write-and-get": [_WRITE, {"verbs": ["get"]}],
    "may-get-one": [_WRITE, {"verbs": ["get"], "resourceNames": ["one"]}],
    "may-update": [{"verbs": ["update"]}],
    "may-list": [_WRITE, {"verbs": ["list", "watch"]}],
    "may-get-elsewhere": [_WRITE],
}
_WITHOUT_GET = ("may-write", "may-list", "may-get-elsewhere")


class Noting(Cluster):
    """The namespace, and what its users are told."""

    def note(self, text: str) -> None:
        """Have a text searched for values."""
        self._places.note("what a user was told", text)


class User:
    """Somebody who asks with a client certificate, and whose every answer is searched for values."""

    def __init__(self, cluster: Noting, name: str) -> None:
        self._cluster = cluster
        self._kubeconfig = cluster.bed.kubernetes.kubeconfig_for(name, ["requesters"])

    def can(self, verb: str, name: str = "") -> bool:
        """Ask the API server what it thinks of the right itself."""
        what = "secrets" + (f"/{name}" if name else "")
        return str(self._kubectl("auth", "can-i", verb, what).stdout).strip() == "yes"

    def create(self, manifest: Manifest, *, dry_run: bool = False) -> str:
        """Create an object; return what a refusal says, empty when it was made."""
        arguments = ("create", "-f", "-", *(["--dry-run=server"] if dry_run else []), "-o", "name")
        return self._refusal(*arguments, manifest=manifest)

    def apply(self, manifest: Manifest, *, dry_run: bool = False) -> str:
        """Apply an object server-side, which reads nothing before."""
        arguments = ("apply", "--server-side", "-f", "-", *(["--dry-run=server"] if dry_run else []), "-o", "name")
        return self._refusal(*arguments, manifest=manifest)

    def replace(self, manifest: Manifest, folder: Path, query: str = "") -> str:
        """PUT an object."""
        file = folder / "manifest.json"
        file.write_text(json.dumps(manifest))
        path = f"/api/v1/namespaces/{NAMESPACE}/secrets/{manifest['metadata']['name']}{query}"
        return self._refusal("replace", "--raw", path, "-f", str(file))

    def _refusal(self, *arguments: str, manifest: Manifest | None = None) -> str:
        done = self._kubectl(*arguments, text=None if manifest is None else json.dumps(manifest))
        assert (done.returncode == 0) == (not done.stderr.strip())
        return str(done.stderr)

    def _kubectl(self, *arguments: str, text: str | None = None) -> Any:
        bed = self._cluster.bed
        done = bed.kubectl(*arguments, "-n", NAMESPACE, input_text=text, check=False, kubeconfig=self._kubeconfig)
        self._cluster.note(done.stdout + done.stderr)
        return done


@pytest.fixture(scope="module")
def value(testbed: Testbed, canary: Canary) -> str:
    """Set up the namespace and its users, and return the value that they are after."""
    add_tenant(testbed, NAMESPACE, [f"secret/data/{NAMESPACE}/*"])
    apply(testbed, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "requesters-elsewhere"}})
    for user, rules in _USERS.items():
        _grant(testbed, NAMESPACE, user, rules)
    _grant(testbed, "requesters-elsewhere", "may-get-elsewhere", [{"verbs": ["get", "list"]}])
    value = canary.value()
    kv = testbed.vault.client().secrets.kv.v2
    kv.create_or_update_secret(f"{NAMESPACE}/app", {"password": value}, mount_point="secret")
    return value


def _grant(bed: Testbed, namespace: str, user: str, rules: Sequence[dict[str, Any]]) -> None:
    named = {"name": user, "namespace": namespace}
    apply(
        bed,
        {
            "apiVersion": f"{_RBAC}/v1",
            "kind": "Role",
            "metadata": named,
            "rules": [{**_SECRETS, **rule} for rule in rules],
        },
        {
            "apiVersion": f"{_RBAC}/v1",
            "kind": "RoleBinding",
            "metadata": named,
            "roleRef": {"apiGroup": _RBAC, "kind": "Role", "name": user},
            "subjects": [{"apiGroup": _RBAC, "kind": "User", "name": user}],
        },
    )


@pytest.fixture
def within(testbed: Testbed, places: Places, webhook: Webhook, value: str) -> Noting:
    return Noting(testbed, places, NAMESPACE)


def _assert_refused(refusal: str) -> None:
    assert "Error from server" in refusal
    assert "RequesterMayNotRead: " in refusal
    assert "may not get this Secret" in refusal


@pytest.mark.parametrize("name", _WITHOUT_GET)
@pytest.mark.parametrize("dry_run", [False, True], ids=["create", "a dry run"])
@pytest.mark.parametrize(
    "manifest",
    [
        pytest.param(filled("stolen", password=REFERENCE), id="in an annotation"),
        pytest.param(
            secret("stolen", {"keyhole.dev/fields": f"/data/password: {REFERENCE}"}), id="in the map of fields"
        ),
        pytest.param(secret("stolen", stringData={"password": f"<(({REFERENCE}))>"}), id="in place"),
        pytest.param(secret("stolen", {"keyhole.dev/from": PATH}), id="a whole secret"),
        pytest.param(secret("stolen", FROM_A_KEY, stringData={"template": f"(({REFERENCE}))"}), id="a file"),
    ],
)
def test_without_get_a_reference_gives_nothing(
    within: Noting, traffic: Traffic, name: str, dry_run: bool, manifest: Manifest
) -> None:
    user = User(within, name)
    assert user.can("create")
    assert not user.can("get", "stolen")
    for attempt in (user.create, user.apply):
        _assert_refused(attempt(manifest, dry_run=dry_run))
    assert not within.exists("stolen")
    assert traffic.vault_requests() == []
    assert traffic.token_requests() == 0


def test_without_references_they_may_do_what_they_may(within: Noting) -> None:
    assert User(within, "may-write").create(secret("plain", stringData={"a": "b"})) == ""
    assert within.values("plain") == {"a": "b"}


def test_with_get_it_works(within: Noting, value: str) -> None:
    user = User(within, "may-write-and-get")
    assert user.create(filled("gotten", password=REFERENCE), dry_run=True) == ""
    assert not within.exists("gotten")
    assert user.create(filled("gotten", password=REFERENCE)) == ""
    assert within.values("gotten") == {"password": value}


def test_with_get_on_one_name_it_works_for_that_name(within: Noting, value: str, traffic: Traffic) -> None:
    user = User(within, "may-get-one")
    _assert_refused(user.create(filled("two", password=REFERENCE)))
    generated = filled("x", password=REFERENCE)
    generated["metadata"] = {"generateName": "one", "annotations": generated["metadata"]["annotations"]}
    _assert_refused(user.create(generated))
    assert traffic.vault_requests() == []
    assert not within.exists("two")
    assert user.create(filled("one", password=REFERENCE)) == ""
    assert within.values("one") == {"password": value}


@pytest.mark.parametrize("name", _WITHOUT_GET)
def test_an_update_that_needs_a_new_value_is_refused(
    within: Noting, traffic: Traffic, tmp_path: Path, name: str
) -> None:
    live = f"of-{name}"
    within.apply(secret(live, stringData={"password": "before"}))
    user = User(within, name)
    for dry_run in (True, False):
        _assert_refused(user.apply(filled(live, password=REFERENCE), dry_run=dry_run))
    _assert_refused(user.replace(filled(live, password=REFERENCE), tmp_path))
    assert within.values(live) == {"password": "before"}
    assert "data.keyhole.dev/password" not in within.get(live)["metadata"].get("annotations", {})
    assert traffic.vault_requests() == []


@pytest.mark.parametrize("query", ["", "?dryRun=All"], ids=["a write", "a dry run"])
@pytest.mark.parametrize("immutable", [False, True], ids=["that Keyhole filled", "immutable, and never Keyhole's"])
def test_who_may_only_update_is_not_shown_the_live_value(
    within: Noting, tmp_path: Path, value: str, query: str, *, immutable: bool
) -> None:
    name = f"put-{'dry' if query else 'real'}-{str(immutable).lower()}"
    manifest = filled(name, password=REFERENCE)
    within.apply(secret(name, stringData={"password": value}, immutable=True) if immutable else manifest)
    # The answer to a PUT is the object: what Keyhole filled in would stand there. It is searched after the test.
    refusal = User(within, "may-update").replace({**manifest, "immutable": immutable}, tmp_path, query)
    assert "RequesterMayNotRead: " in refusal
    assert within.values(name) == {"password": value}


@pytest.mark.parametrize("query", ["", "?dryRun=All"], ids=["a write", "a dry run"])
@pytest.mark.parametrize("kept", [True, False], ids=["with its annotation", "without it"])
@pytest.mark.parametrize("form", ["whole", "file"])
def test_nor_of_a_whole_secret_or_a_file(
    within: Noting, tmp_path: Path, value: str, query: str, form: str, *, kept: bool
) -> None:
    name = f"guessed-{form}-{'kept' if kept else 'gone'}-{'dry' if query else 'real'}"
    notes = {"keyhole.dev/from": PATH} if form == "whole" else FROM_A_KEY
    template = {} if form == "whole" else {"template": encoded(f"(({REFERENCE}))")}
    within.apply(secret(name, notes, data=template))
    live = within.get(name)
    assert live["data"]["password"] == encoded(value)
    told = set()
    for guess in (encoded(value), encoded("wrong")):
        sent = secret(name, notes if kept else {}, data={**template, "password": guess})
        told.add(User(within, "may-update").replace(sent, tmp_path, query))
        assert within.get(name) == live
    (refusal,) = told
    _assert_refused(refusal)


@pytest.mark.parametrize("query", ["", "?dryRun=All"], ids=["a write", "a dry run"])
@pytest.mark.parametrize("form", ["annotation", "in place", "in a text", "without its annotation"])
def test_who_may_only_update_learns_nothing_by_guessing_a_value(
    within: Noting, tmp_path: Path, value: str, query: str, form: str
) -> None:
    name = f"guessed-{form.replace(' ', '-')}-{'dry' if query else 'real'}"
    annotated = filled(name, password=REFERENCE)
    in_place = {"in place": REFERENCE, "in a text": f"<(({REFERENCE}))>"}.get(form)
    within.apply(secret(name, stringData={"password": in_place}) if in_place else annotated)
    live = within.get(name)
    right = live["data"]["password"]
    sent = annotated if form == "annotation" else secret(name)
    told = set()
    for guess in (right, encoded("wrong")):
        told.add(User(within, "may-update").replace({**sent, "data": {"password": guess}}, tmp_path, query))
        assert within.get(name) == live
    (refusal,) = told
    _assert_refused(refusal)


@pytest.mark.parametrize("guess", ["vault:v1:right", "vault:v1:wrong"])
def test_nor_one_that_looks_like_a_reference(within: Noting, tmp_path: Path, guess: str) -> None:
    name = f"guessed-{guess.rpartition(':')[2]}"
    stored = secret(name, {"keyhole.dev/ignore": "true"}, stringData={"password": "vault:v1:right"})
    within.apply(stored)
    within.kubectl("annotate", "secret", name, "keyhole.dev/ignore-")
    live = within.get(name)
    _assert_refused(User(within, "may-update").replace(secret(name, stringData={"password": guess}), tmp_path))
    assert within.get(name) == live
