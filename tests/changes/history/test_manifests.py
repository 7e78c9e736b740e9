"""What a file of a repository says: which field of which object has which references."""

import pytest

from changes.history.doubts import Doubt
from changes.history.manifests import NOTHING, FileFacts, facts
from tests.changes.history.repositories import kustomization, secret

REFERENCE = "vault:secret/db#password"


def written(text: str, file: str = "a.yaml") -> list[tuple[str, str, str, str]]:
    """Return object, pointer, references and doubt of each field."""
    found = facts(file, text.encode(), None).fields
    return [(str(each.object), each.pointer, each.references, each.doubt) for each in found]


def test_annotations_values_in_place_and_texts_with_references_in_them() -> None:
    in_place = (
        "apiVersion: v1\nkind: Secret\nmetadata: {name: url, namespace: shop}\nstringData:\n"
        f"  url: https://((vault:secret/db#user)):(({REFERENCE}))@host\n  plain: text\n"
    )
    assert written(f"{secret('db', password=REFERENCE)}---\n{in_place}") == [
        ("Secret shop/db", "/data/password", REFERENCE, ""),
        ("Secret shop/url", "/data/url", f"{REFERENCE}\nvault:secret/db#user", ""),
    ]


def test_a_variable_is_a_field_of_the_secret_that_keyhole_makes() -> None:
    workload = (
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: app, namespace: shop}\nspec:\n  template:\n    spec:\n"
        f"      containers:\n      - name: app\n        env:\n        - name: PASSWORD\n          value: {REFERENCE}\n"
    )
    ((name, pointer, references, doubt),) = written(workload)
    assert name.startswith("Secret shop/app-")
    assert (references, doubt) == (REFERENCE, "")
    assert pointer.startswith("/data/")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: {name: db, namespace: shop}\nspec:\n"
            "  secretStoreRef: {name: vault, kind: SecretStore}\n  target: {name: made}\n  data:\n"
            "  - secretKey: password\n    remoteRef: {key: db, property: password}\n",
            "Secret shop/made",
            id="External Secrets Operator",
        ),
        pytest.param(
            "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: shop}\nstringData:\n"
            "  password: <path:secret/data/db#password>\n",
            "Secret shop/db",
            id="argocd-vault-plugin",
        ),
    ],
)
def test_references_of_other_tools_are_told_as_keyhole_would_write_them(text: str, expected: str) -> None:
    ((name, pointer, references, doubt),) = written(text)
    assert (name, pointer, doubt) == (expected, "/data/password", Doubt.FOREIGN)
    assert references.startswith("vault:")
    assert references.endswith("#password")


def test_what_kustomize_generates() -> None:
    generator = kustomization(
        f"""\
        namespace: shop
        secretGenerator:
        - name: db
          literals: ["password={REFERENCE}"]
        """
    )
    found = facts("kustomization.yaml", generator.encode(), None)
    assert [(each.object.name, each.pointer, each.references) for each in found.fields] == [
        ("db", "/data/password", REFERENCE)
    ]
    assert len(found.placing) == 1


@pytest.mark.parametrize("text", ["", "a: b", "image: hashicorp/vault:1.21", "vault:", "\0", "- 1\n- 2"])
def test_files_without_references(text: str) -> None:
    assert facts("a.yaml", text.encode(), None).fields == ()


def test_what_cannot_be_read_is_counted_if_it_may_matter() -> None:
    assert facts("a.yaml", b"a: {{ .Values.a }}", None) == NOTHING
    assert facts("a.yaml", b"a: {{ .Values.a }}\nb: vault:x#y", None) == FileFacts(unread=1)
    assert facts("a.yaml", b"\xff\xfevault", None).unread == 1
