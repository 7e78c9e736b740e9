"""Files: a key of a Secret whose text has references, rendered into another key."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifests.annotations import RECORD
from resolver.vault.errors import VaultUnavailable
from tests.manifests.secrets import secret
from tests.webhook.admission.clusters import Cluster, WholeVault
from webhook.model import Fate

TEMPLATE = "user=((vault:secret/app#user))\npassword=((vault:secret/app#password))\n"
NOTE = "data.keyhole.dev/app.conf"
FILE = secret({"app.tmpl": TEMPLATE}, {NOTE: "key:app.tmpl"})


def data(cluster: Cluster) -> dict[str, str]:
    assert cluster.live is not None
    return {key: base64.b64decode(text).decode() for key, text in cluster.live.get("data", {}).items()}


@pytest.fixture
def cluster() -> Cluster:
    vault = WholeVault()
    vault.write("secret/app", user="u", password="p")
    return Cluster(vault)


def test_a_key_is_rendered_into_another_and_stays_as_it_is(cluster: Cluster) -> None:
    answer = cluster.apply(FILE)

    assert answer.allowed, answer.message
    assert data(cluster) == {"app.tmpl": TEMPLATE, "app.conf": "user=u\npassword=p\n"}
    assert cluster.record.keys() == {"/data/app.conf"}
    entry = cluster.record["/data/app.conf"]
    assert entry["form"] == "annotation"
    assert entry["spans"] == [[5, 6, "vault:secret/app#user"], [16, 17, "vault:secret/app#password"]]


def test_an_unchanged_file_asks_nobody_and_shows_no_difference(cluster: Cluster) -> None:
    assert cluster.apply(FILE).allowed
    cluster.vault.reads.clear()
    assert cluster.apply(FILE).patch is None
    cluster.restart()
    _, shown = cluster.diff(FILE)
    assert shown == cluster.live
    assert cluster.vault.reads == []


def test_an_edited_template_is_a_new_wish(cluster: Cluster) -> None:
    assert cluster.apply(FILE).allowed
    edited = secret({"app.tmpl": f"# new\n{TEMPLATE}"}, {NOTE: "key:app.tmpl"})

    answer, shown = cluster.diff(edited)
    assert answer.allowed
    assert base64.b64decode(shown["data"]["app.conf"]).startswith(b"(keyhole:")
    assert cluster.apply(edited).allowed

    assert data(cluster)["app.conf"] == "# new\nuser=u\npassword=p\n"


def test_an_edited_template_is_refused_while_vault_is_away_and_an_old_one_stays(cluster: Cluster) -> None:
    assert cluster.apply(FILE).allowed
    cluster.restart()
    cluster.vault.errors["secret/app"] = VaultUnavailable("https://vault", "is sealed")
    answer = cluster.apply(FILE)
    assert answer.allowed
    assert [each.fate for each in answer.outcomes] == [Fate.UNVERIFIED]
    edited = secret({"app.tmpl": f"# new\n{TEMPLATE}"}, {NOTE: "key:app.tmpl"})
    assert not cluster.apply(edited).allowed


def test_a_new_value_is_rendered_at_the_next_verification(cluster: Cluster) -> None:
    assert cluster.apply(FILE).allowed
    cluster.vault.write("secret/app", user="you", password="p")
    cluster.restart()
    assert cluster.apply(FILE).allowed
    assert data(cluster)["app.conf"] == "user=you\npassword=p\n"


def test_without_its_annotation_a_file_goes_and_a_template_is_a_text_in_place_again(cluster: Cluster) -> None:
    assert cluster.apply(FILE).allowed
    assert cluster.apply(secret({"app.tmpl": TEMPLATE}, {"keyhole.dev/ignore": "app.tmpl"})).allowed
    assert data(cluster) == {"app.tmpl": TEMPLATE}
    assert cluster.live is not None
    assert RECORD not in cluster.live["metadata"]["annotations"]


def test_a_docker_configuration_is_rendered_as_one(cluster: Cluster) -> None:
    text = json.dumps({"auths": {"r": {"username": "vault:secret/app#user", "password": "vault:secret/app#password"}}})
    manifest = secret({"docker.tmpl": text}, {"keyhole.dev/fields": "/data/.dockerconfigjson: key:docker.tmpl"})
    answer = cluster.apply(manifest)
    assert answer.allowed, answer.message
    registry = json.loads(data(cluster)[".dockerconfigjson"])["auths"]["r"]
    assert registry == {"username": "u", "password": "p", "auth": base64.b64encode(b"u:p").decode()}
    assert data(cluster)["docker.tmpl"] == text
    assert cluster.apply(manifest).patch is None


@pytest.mark.parametrize(
    ("values", "notes", "problem"),
    [
        ({}, {NOTE: "key:app.tmpl"}, "names the key app.tmpl, which the Secret does not have"),
        ({}, {NOTE: "key:"}, "which the Secret does not have"),
        ({"app.tmpl": b"\xff"}, {NOTE: "key:app.tmpl"}, "names the key app.tmpl, which is not UTF-8 text"),
        ({"app.tmpl": "no reference"}, {NOTE: "key:app.tmpl"}, "whose text has no reference; expected text around"),
        ({"app.tmpl": "vault:secret/app#user"}, {NOTE: "key:app.tmpl"}, "whose text is one reference; write that into"),
        ({"app.tmpl": "x((vault:secret"}, {NOTE: "key:app.tmpl"}, "whose text has a malformed reference: column 2:"),
        ({"app.conf": TEMPLATE}, {NOTE: "key:app.conf"}, "which an annotation fills"),
        (
            {"b": TEMPLATE},
            {NOTE: "key:a", "data.keyhole.dev/a": "key:b"},
            f"annotation {NOTE}: names the key a, which an annotation fills; a file is rendered from a text that Git",
        ),
        (
            {"a": TEMPLATE},
            {NOTE: "key:a", "data.keyhole.dev/b": "key:a"},
            "annotation data.keyhole.dev/b: names the key a, which is rendered into another key already",
        ),
    ],
)
def test_what_cannot_be_rendered_is_refused_by_name(
    cluster: Cluster, values: dict[str, str | bytes], notes: dict[str, str], problem: str
) -> None:
    answer = cluster.apply(secret(values, notes))
    assert not answer.allowed
    assert problem in answer.message


def test_a_key_that_keyhole_filled_is_no_source(cluster: Cluster) -> None:
    """Else whoever writes in Vault would decide what else is read."""
    cluster.vault.write("secret/app", user="((vault:secret/other#x))")
    assert cluster.apply(secret({}, {"keyhole.dev/from": "secret/app"})).allowed
    answer = cluster.apply(secret({}, {"keyhole.dev/from": "secret/app", NOTE: "key:user"}))
    assert not answer.allowed
    assert "names the key user, which Keyhole filled" in answer.message


def test_a_file_of_half_a_megabyte_works_and_a_larger_one_is_told(cluster: Cluster) -> None:
    line = "x" * 1000 + "\n"
    assert cluster.apply(secret({"app.tmpl": line * 500 + TEMPLATE}, {NOTE: "key:app.tmpl"})).allowed
    assert len(data(cluster)["app.conf"]) > 500_000
    answer = Cluster(cluster.vault).apply(secret({"app.tmpl": line * 600 + TEMPLATE}, {NOTE: "key:app.tmpl"}))
    assert not answer.allowed
    assert "SecretTooLarge" in answer.message


def test_more_references_than_an_object_may_have_are_told(cluster: Cluster) -> None:
    answer = cluster.apply(secret({"app.tmpl": TEMPLATE * 501}, {NOTE: "key:app.tmpl"}))
    assert not answer.allowed
    assert "1000" in answer.message


def test_an_immutable_file_stays(cluster: Cluster) -> None:
    assert cluster.apply(FILE).allowed
    assert cluster.live is not None
    cluster.live["immutable"] = True
    cluster.restart()
    answer = cluster.apply({**FILE, "immutable": True})
    assert answer.allowed, answer.message
    assert data(cluster)["app.conf"] == "user=u\npassword=p\n"
    assert cluster.record.keys() == {"/data/app.conf"}


@given(st.lists(st.sampled_from(["((vault:secret/app#user))", "${vault:secret/app#password}", "ü", "\n", "((", "x"])))
def test_a_file_is_its_template_with_values_and_twice_is_once(parts: list[str]) -> None:
    cluster = Cluster()
    cluster.vault.write("secret/app", user="ü", password="((vault:secret/other#x))")
    text = "".join(parts)
    manifest = secret({"app.tmpl": text}, {NOTE: "key:app.tmpl"})
    answer = cluster.apply(manifest)
    if "vault:" not in text:
        assert "has no reference" in answer.message
        return
    if not answer.allowed:
        # "((" directly before a bracket makes it another text.
        assert "malformed reference" in answer.message
        return
    filled = text.replace("((vault:secret/app#user))", "ü")
    filled = filled.replace("${vault:secret/app#password}", "((vault:secret/other#x))")
    assert data(cluster) == {"app.tmpl": text, "app.conf": filled}
    assert cluster.apply(manifest).patch is None
    cluster.restart()
    assert cluster.apply(manifest).patch is None
