"""The script that copies values into Vault: what is in it, what is not, and which names never come into it."""

import shutil
import subprocess
from collections.abc import Sequence

import pytest

from review.languages.sealed import Holder, NotCopied, holders
from review.lint.objects import Manifest, manifests
from review.migration.secrets_script import Script, Target
from review.migration.values import NoValues, values
from review.sources.edits import edited
from review.sources.stream import Document, read_text
from review.sources.text import Text

CANARY = "kh-canary-3f9a"
PLAIN = f"""\
# the shop
apiVersion: v1
kind: Secret
metadata:
  name: db
  namespace: shop
type: Opaque
stringData:
  password: {CANARY}
  enabled: "true"
data:
  binary: /+7dzA==
  .npmrc: aHVudGVyMg==
"""
SOPS = """\
apiVersion: v1
kind: Secret
metadata: {name: enc, namespace: shop}
stringData: {token: "ENC[AES256_GCM,data:x,iv:y,tag:z,type:str]"}
sops: {mac: "ENC[AES256_GCM,data:x]", version: 3.9.0}
"""
SEALED = """\
apiVersion: bitnami.com/v1alpha1
kind: SealedSecret
metadata: {name: seal, namespace: shop}
spec:
  encryptedData: {token: AgBy3i4OJSWK}
  template: {type: Opaque, immutable: true, metadata: {labels: {a: b}}}
"""


def read(content: str, file: str = "a.yaml") -> list[Manifest]:
    documents = [found for found in read_text(Text(file, content)) if isinstance(found, Document)]
    return [manifest for document in documents for manifest in manifests(document)]


def found(content: str, file: str = "a.yaml", namespace: str = "") -> list[Holder | NotCopied]:
    return [holder for manifest in read(content, file) for holder in holders(manifest, namespace)]


def script(content: str, file: str = "a.yaml", target: Target | None = None, binary: Sequence[str] = ()) -> Script:
    result = Script(target or Target("secret"), frozenset(binary))
    for holder in found(content, file):
        assert isinstance(holder, Holder), holder
        result.add(holder)
    return result


def after(content: str, made: Script) -> str:
    edits = {copy.holder.manifest.document.number: copy.edits() for copy in made.copies}
    return edited(Text("a.yaml", content), edits)


def test_plain_text() -> None:
    made = script(PLAIN)
    assert made.text().split("\n")[-8:-3] == [
        "# shop/db, plain text in a.yaml",
        "if absent secret shop/db; then",
        "  keyhole migrate values --base64 binary --key .npmrc --key password a.yaml shop/db |",
        "    vault kv put -cas=0 -mount=secret shop/db - > /dev/null",
        "fi",
    ]
    assert "hunter2" not in made.text()
    assert CANARY not in made.text()
    text = after(PLAIN, made)
    assert CANARY not in text
    (secret,) = (manifest.content for manifest in read(text))
    assert secret["metadata"]["annotations"] == {
        "data.keyhole.dev/password": "vault:secret/shop/db#password",
        "data.keyhole.dev/binary": "vault:secret/shop/db#binary | base64decode",
        "keyhole.dev/fields": "/data/.npmrc: vault:secret/shop/db#.npmrc\n",
    }
    # A switch is no secret, and stays; the comment does too.
    assert (secret.get("data"), secret["stringData"]) == (None, {"enabled": "true"})
    assert text.startswith("# the shop\n")


def test_sops() -> None:
    made = script(SOPS)
    assert "  sops -d a.yaml |\n    keyhole migrate values --key token - shop/enc |" in made.text()
    (secret,) = (manifest.content for manifest in read(after(SOPS, made)))
    assert secret == {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": "enc",
            "namespace": "shop",
            "annotations": {"data.keyhole.dev/token": "vault:secret/shop/enc#token"},
        },
    }


def test_a_sealed_secret() -> None:
    made = script(SEALED, binary=["shop/seal/token"])
    assert (
        "  kubectl get secret --namespace=shop seal -o json |\n    keyhole migrate values --base64 token -"
        in made.text()
    )
    (secret,) = (manifest.content for manifest in read(after(SEALED, made)))
    assert secret == {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": "seal",
            "namespace": "shop",
            "labels": {"a": "b"},
            "annotations": {"data.keyhole.dev/token": "vault:secret/shop/seal#token | base64decode"},
        },
        "type": "Opaque",
        "immutable": True,
    }


def test_mount_path_and_connection_are_the_users() -> None:
    target = Target("kv/team", "apps/{namespace}-{name}", "eu")
    made = script(PLAIN, target=target)
    assert "vault kv put -cas=0 -mount=kv/team apps/shop-db -" in made.text()
    assert "vault+eu:kv/team/apps/shop-db#password" in after(PLAIN, made)


@pytest.mark.parametrize("name", ["$(touch x)", "a;b", "`x`", "-n", "a b", "a\nb", "A", "", "x" * 254, "é"])
def test_no_name_that_kubernetes_would_refuse_comes_into_the_script(name: str) -> None:
    for part in ("  name: db", "  namespace: shop"):
        key = part.partition(":")[0]
        (holder,) = found(PLAIN.replace(part, f"{key}: {name!r}".replace("'", '"')))
        assert isinstance(holder, NotCopied)


def test_a_key_with_a_hostile_name_is_told() -> None:
    (holder,) = found(PLAIN.replace("  password:", '  "a$(x)":'))
    assert isinstance(holder, NotCopied)


@pytest.mark.parametrize("file", ["-rf.yaml", "a b.yaml", "$(touch x).yaml", "'.yaml", "a\nrm -rf x.yaml", "é.yaml"])
def test_a_file_with_a_hostile_name_is_one_argument(file: str) -> None:
    text = script(PLAIN, file).text()
    bash = shutil.which("bash")
    assert bash is not None
    # The programs are replaced by functions that print their arguments, each in brackets.
    stubs = "keyhole() { printf '[%s]' \"$@\" >&2; }; vault() { [[ $2 = metadata ]] && return 2; cat; }\n"
    done = subprocess.run([bash, "-c", stubs + text], capture_output=True, text=True, check=True, timeout=20)
    argument = f"./{file}" if file.startswith("-") else file
    keys = "[migrate][values][--base64][binary][--key][.npmrc][--key][password]"
    assert done.stderr == f"{keys}[{argument}][shop/db]"


def test_what_fails_ends_the_script() -> None:
    bash = shutil.which("bash")
    assert bash is not None
    stubs = "keyhole() { return 2; }; vault() { [[ $2 = metadata ]] && return 2; cat > /dev/null; }\n"
    assert subprocess.run([bash, "-c", stubs + script(PLAIN).text()], check=False, timeout=20).returncode == 2


def test_what_is_there_is_left_alone_and_told() -> None:
    bash = shutil.which("bash")
    assert bash is not None
    stubs = "vault() { [[ $2 = metadata ]]; }\n"
    done = subprocess.run(
        [bash, "-c", stubs + script(PLAIN).text()], capture_output=True, text=True, timeout=20, check=False
    )
    assert (done.returncode, done.stderr) == (1, "secret/shop/db is there already, and was left alone\n")


def test_kv_v1_which_would_overwrite_gets_nothing() -> None:
    bash = shutil.which("bash")
    assert bash is not None
    # As `vault` does: 2 is an error of the API, 1 its own refusal to ask KV v1 for metadata.
    stubs = "vault() { [[ $2 = metadata ]] && return 1; echo written; }\nkeyhole() { echo; }\n"
    done = subprocess.run(
        [bash, "-c", stubs + script(PLAIN).text()], capture_output=True, text=True, timeout=20, check=False
    )
    told = "secret is no mount of KV v2; nothing was written to secret/shop/db\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", told)


def test_two_secrets_never_share_a_path() -> None:
    made = script(PLAIN)
    (twin,) = found(PLAIN, "overlay.yaml")
    assert isinstance(twin, Holder)
    with pytest.raises(NotCopied, match=r"the path of the Secret in a\.yaml"):
        made.add(twin)


@pytest.mark.parametrize(
    "content",
    [
        PLAIN.replace("  namespace: shop\n", ""),
        PLAIN.replace("type: Opaque", "type: {a: b}").replace("kind: Secret", "kind: ENC[x]\nsops: {}"),
        SOPS.replace("name: enc", "name: 'ENC[x]'"),
        SOPS.replace("kind: Secret", "kind: ENC[x]"),
        SOPS.replace("apiVersion: v1\nkind: Secret\n", ""),
        SEALED.replace("type: Opaque", "data: {a: '{{ .x }}'}"),
        SEALED.replace("{token: AgBy3i4OJSWK}", "{}"),
        "apiVersion: v1\nkind: Wrapper\nspec:\n  template:\n" + "".join(f"    {line}\n" for line in PLAIN.split("\n")),
    ],
)
def test_what_cannot_be_copied_is_told(content: str) -> None:
    (told,) = found(content)
    assert isinstance(told, NotCopied)


def test_a_namespace_can_be_said() -> None:
    (holder,) = found(PLAIN.replace("  namespace: shop\n", ""), namespace="other")
    assert isinstance(holder, Holder)
    assert holder.namespace == "other"


def test_values_are_json_for_vault() -> None:
    keys = {"password": False, "binary": True, ".npmrc": False}
    assert values(read(PLAIN), "shop", "db", keys) == (
        f'{{"password": "{CANARY}", "binary": "/+7dzA==", ".npmrc": "hunter2"}}'
    )


@pytest.mark.parametrize(
    ("key", "name", "reason"),
    [
        ("binary", "db", "is no text"),
        ("nothing", "db", "no key nothing"),
        ("password", "other", "no Secret shop/other"),
    ],
)
def test_values_that_cannot_be_had(key: str, name: str, reason: str) -> None:
    with pytest.raises(NoValues, match=reason) as refused:
        values(read(PLAIN), "shop", name, {key: False})
    assert refused.value.__context__ is None


def test_values_of_two_secrets_are_not_guessed() -> None:
    with pytest.raises(NoValues, match="2 Secrets"):
        values(read(f"{PLAIN}---\n{PLAIN}"), "shop", "db", {"password": False})
